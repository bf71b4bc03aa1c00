// A member's part of the work: its own sequences with all their units, its own units of all sequences, or its own
// direction of every layer.
#pragma once

#include <algorithm>
#include <utility>

#include "../kernel/panel.hpp"
#include "../kernel/stop.hpp"
#include "../kernel/team.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

enum class Split { sequences, units, directions };

struct Part {
  Member member;
  Split split = Split::sequences;
  Index begin = 0, end = 0;  // the sequences; all of them where something else is divided
  Watch* watch = nullptr;    // or null: nobody stops it

  bool by_units() const { return split == Split::units; }
  bool by_directions() const { return split == Split::directions; }

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
    const auto unit = [&](Index panel) { return std::min(panel * weights.units_per_panel(), weights.units()); };
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
  // Calls each(direction, part) for the directions of a layer that are this member's; then all are done.
  template <class Each>
  void by_direction(Index directions, const Each& each) const {
    if (by_directions()) {
      each(member.index, Part{{}, Split::sequences, begin, end, watch});
      wait();
    } else {
      for (Index d = 0; d < directions; ++d) each(d, *this);
    }
  }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
