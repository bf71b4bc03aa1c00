// A member's share of a call: its own sequences with all their units, its own units of all sequences, its own direction
// of every layer, or its own layers.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include "../../kernel/panel.hpp"
#include "../../kernel/stop.hpp"
#include "../../kernel/team.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// What a call divides among the members of its team.
enum class Split { batch, units, directions, layers };

// A member reports its progress to the one that follows it every so many rows: enough for products of several rows.
constexpr Index rows_to_follow = 4;

// A layer among layers that run at the same time, each a few steps behind the one that makes its input.
struct Following {
  const Progress* ahead = nullptr;    // of the layer that makes the input; null: none runs ahead
  Progress* own = nullptr;            // of this layer
  Clock::duration* waited = nullptr;  // of the member that computes this layer
};

struct Share {
  Member member;
  Split split = Split::batch;
  Index begin = 0, end = 0;              // the sequences: all of them, unless the batch is divided
  Watch* watch = nullptr;                // null: nothing stops it
  Progress* progress = nullptr;          // [layers], where those are divided
  const Following* following = nullptr;  // null: no other layer runs at the same time

  Index sequences() const { return end - begin; }
  bool divides_units() const { return split == Split::units; }
  bool divides_directions() const { return split == Split::directions; }
  // Whether each member computes whole passes, with all the memory that a pass needs.
  bool has_own_passes() const { return split == Split::directions || split == Split::layers; }

  // Its panels of a product. Every other step walks them backwards: those used last are still in cache then.
  template <class T>
  PanelRange panels(const Panels<T>& weights, bool backwards = false) const {
    const Index count = weights.panels();
    return divides_units() ? PanelRange{member.begin(count), member.end(count), backwards}
                           : PanelRange{0, count, backwards};
  }
  // Its units among the outputs of a product: [first, last).
  template <class T>
  std::pair<Index, Index> units(const Panels<T>& weights) const {
    const PanelRange range = panels(weights);
    const auto unit = [&](Index panel) { return std::min(weights.first_unit(panel), weights.units()); };
    return {unit(range.first), unit(range.last)};
  }

  // Waits until all members have written what they compute in this step, if others read it.
  void wait() const {
    if (split != Split::batch) member.wait();
  }
  // Whether to leave the loop, asked before each block of steps. `meets`: whether all members wait for each other in
  // every block; they do in any case where units are divided.
  bool stopped(bool meets = false) const {
    if (!watch) return false;
    return divides_units() || meets ? watch->stopped_together() : watch->stopped();
  }
  // Runs work that belongs to each sequence and is divided by nothing else: every member for its own sequences, or one
  // member for all while the others wait.
  template <class Work>
  void once_per_sequence(const Work& work) const {
    if (split == Split::batch || member.index == 0) work();
    wait();
  }
  // How many of `steps` steps to compute before reporting progress: few where another member waits for them.
  Index at_once(Index steps) const {
    return following ? std::min(steps, ceil_div(rows_to_follow, std::max<Index>(sequences(), 1))) : steps;
  }
  // Waits until the layer ahead has computed its first `steps` steps; reports as many of this layer.
  void follow(Index steps) const {
    if (following && following->ahead) following->ahead->wait(steps, *following->waited);
  }
  void reach(Index steps) const {
    if (following) following->own->reach(steps);
  }
  // Calls each(n, share) for the layers of this member, in the order of computation; returns when all layers are done.
  template <class Each>
  void for_each_layer(Index layers, const Each& each) const {
    const bool divided = split == Split::layers;
    for (Index n = divided ? member.index : 0; n < layers; n += divided ? member.count : 1) {
      if (!divided) {
        each(n, *this);
        continue;
      }
      Following row;
      row.own = progress + n;
      row.ahead = n > 0 ? row.own - 1 : nullptr;
      row.waited = member.waited;
      each(n, alone(&row));
      // Also if it was stopped: nobody may wait for it any more.
      row.own->reach(std::numeric_limits<Index>::max());
    }
    if (divided) wait();
  }
  // Calls each(direction, share) for the directions of this member; returns when all directions are done.
  template <class Each>
  void for_each_direction(Index directions, const Each& each) const {
    if (divides_directions()) {
      each(member.index, alone());
      wait();
    } else {
      for (Index d = 0; d < directions; ++d) each(d, *this);
    }
  }

 private:
  // The same sequences, for a pass that this member computes alone.
  Share alone(const Following* row = nullptr) const {
    Share share;
    share.begin = begin;
    share.end = end;
    share.watch = watch;
    share.following = row;
    return share;
  }
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
