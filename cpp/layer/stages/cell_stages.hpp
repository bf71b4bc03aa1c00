// The trait that a cell is written against: everything that the passes know of a cell when compiling.
#pragma once

#include "jobs.hpp"
#include "products.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// The base of a cell's stages: defaults, and the cell's row of the table. P is the widest packet; Activations is Usual,
// UsualRelu or Chosen<T>. A cell derives from it and has
//
//   static constexpr int saved_count;
//       How many values of each unit and row forward saves for backward, on the tape. May be 0.
//
//   static Jobs<T> jobs(const Sizes&);
//       What its weight gradients are sums of.
//
//   template <bool save>
//   void forward(const Share&, bool backwards, const RecurrenceWeights<T>&, const Sizes&, const ForwardRow<T>* rows,
//                const T* const* h_in, Index count, StepScratch<T>&) const;
//       One step: from x̂ and the states before to the states after, for `count` rows. W_hh reads h_in [count], which
//       differs from before[h] where recurrent dropout acts. Saves its values where `save`; row.saved is there in any
//       case. `backwards`: in which order to walk the panels. A second product reads what all members have written, so
//       share.wait() comes before it.
//
//   void backward(const Share&, const RecurrenceWeights<T>&, const Sizes&, const BackwardRow<T>* rows, Index count,
//                 StepScratch<T>&) const;
//       The step's gradient: from d_y and d_state (after the step) to δ and d_state (before it), and all other arrays
//       of the rows that the jobs read. Every member writes its own units.
//
// Rows and h_in are indexed from 0; a unit belongs to the member in whose range share.units(panels) has it.
template <class P, Cell cell, class Activations>
struct CellStages {
  using T = scalar_t<P>;

  static constexpr const CellTraits& traits = traits_of(cell);
  static constexpr int states = traits.states, stages = traits.stages;

  // Whether h' depends on h directly, and not only through W_hh: backward then leaves that part of dh in d_state[h] and
  // adds the rest to d_in; else it overwrites d_in.
  static constexpr bool has_direct_h = false;
  // Whether forward computes x̂ of a lone row itself, where row.x is set.
  static constexpr bool fuses_input = false;

  Activations activations{};

 protected:
  // What a row has saved, for the units of a packet.
  template <int count, class Q>
  static GATEWISE_INLINE void load_saved(const T* saved, const Sizes& sizes, Index u, Q (&to)[count]) {
    GATEWISE_UNROLL
    for (int i = 0; i < count; ++i) to[i] = load<Q>(saved + i * sizes.padded + u);
  }
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
