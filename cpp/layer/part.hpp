// A member's part of the work: its own sequences with all their units, its own units of all sequences, its own
// direction of every layer, or its own layers.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include "../kernel/panel.hpp"
#include "../kernel/stop.hpp"
#include "../kernel/team.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

enum class Split { sequences, units, directions, layers };

// So many rows are done before the member that follows learns of them: enough for the products of several rows at once.
constexpr Index rows_to_follow = 4;

// Where a member's layer stands in a row of layers that follow each other.
struct Following {
  const Progress* ahead;    // of the layer that it reads from, or null
  Progress* own;            // and its own
  Clock::duration* waited;  // by its member
};

struct Part {
  Member member;
  Split split = Split::sequences;
  Index begin = 0, end = 0;              // the sequences; all of them where something else is divided
  Watch* watch = nullptr;                // or null: nobody stops it
  Progress* progress = nullptr;          // of each layer, where they are divided
  const Following* following = nullptr;  // or null: in no such row

  bool by_units() const { return split == Split::units; }
  bool by_directions() const { return split == Split::directions; }
  // Whether the members run passes of their own, each with all the memory that a pass needs.
  bool by_passes() const { return by_directions() || split == Split::layers; }

  // Its panels of a product, walked from the last in every other step: those used last are then still in cache.
  template <class T>
  PanelRange panels(const Panels<T>& weights, bool backwards = false) const {
    const Index count = weights.panels();
    return by_units() ? PanelRange{member.begin(count), member.end(count), backwards} : PanelRange{0, count, backwards};
  }
  // Its units among the outputs of a product.
  template <class T>
  std::pair<Index, Index> units(const Panels<T>& weights) const {
    const PanelRange range = panels(weights);
    const auto unit = [&](Index panel) { return std::min(weights.first_unit(panel), weights.units()); };
    return {unit(range.first), unit(range.last)};
  }

  // Before reading what other members have written in this step.
  void wait() const {
    if (split != Split::sequences) member.wait();
  }
  // Before a block of steps: whether to leave it and all that follow. `meets`: whether the members wait for each other
  // in every block, as they do where the units are divided.
  bool stopped(bool meets = false) const {
    if (!watch) return false;
    return by_units() || meets ? watch->stopped_together() : watch->stopped();
  }
  // Work on all the part's sequences that is not worth dividing otherwise: one member does it, the others wait.
  template <class Work>
  void by_sequence(const Work& work) const {
    if (split == Split::sequences || member.index == 0) work();
    wait();
  }
  // Of so many steps those to do at once: few where another member waits for them.
  Index at_once(Index steps) const {
    return following ? std::min(steps, ceil_div(rows_to_follow, std::max<Index>(end - begin, 1))) : steps;
  }
  // Before reading what the layer ahead makes in its first so many steps, and after making as many.
  void follow(Index steps) const {
    if (following && following->ahead) following->ahead->wait(steps, *following->waited);
  }
  void reach(Index steps) const {
    if (following) following->own->reach(steps);
  }
  // Calls each(n, part) for those of all layers that are this member's, counted from the one that comes first; then all
  // are done.
  template <class Each>
  void by_layer(Index layers, const Each& each) const {
    const bool divided = split == Split::layers;
    for (Index n = divided ? member.index : 0; n < layers; n += divided ? member.count : 1) {
      Progress* const own = divided ? progress + n : nullptr;
      const Following row{divided && n > 0 ? own - 1 : nullptr, own, member.waited};
      each(n, divided ? alone(&row) : *this);
      // Also where it was stopped: nobody may wait for it any more.
      if (divided) own->reach(std::numeric_limits<Index>::max());
    }
    if (divided) wait();
  }
  // Calls each(direction, part) for the directions of a layer that are this member's; then all are done.
  template <class Each>
  void by_direction(Index directions, const Each& each) const {
    if (by_directions()) {
      each(member.index, alone());
      wait();
    } else {
      for (Index d = 0; d < directions; ++d) each(d, *this);
    }
  }

 private:
  // The same sequences for a pass that is this member's alone.
  Part alone(const Following* row = nullptr) const { return {{}, Split::sequences, begin, end, watch, nullptr, row}; }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
