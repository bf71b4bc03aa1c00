// The trait that a cell is written against: everything that the passes know about a cell at compile time.
#pragma once

#include "jobs.hpp"
#include "products.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// The base of every cell's stages: the cell's row of the table, and defaults. P is the widest packet. Activations is
// Usual, UsualRelu or Chosen<T>. A cell derives from it and adds:
//
//   static constexpr int saved_count;
//       The number of values that forward saves for backward, per unit and row. May be 0.
//
//   static Jobs<T> jobs(const Sizes&);
//       The products whose sums are the weight gradients.
//
//   template <bool save>
//   void forward(const Share&, bool backwards, const RecurrenceWeights<T>&, const Sizes&, const ForwardRow<T>* rows,
//                const T* const* h_in, Index count, StepScratch<T>&) const;
//       One step of rows[0 … count): from x̂ and the states before the step to the states after it. W_hh reads h_in,
//       which differs from before[h] where recurrent dropout acts. With `save`, writes its values to row.saved;
//       without, it may use row.saved as scratch. `backwards` is the order in which to walk the panels.
//
//   void backward(const Share&, const RecurrenceWeights<T>&, const Sizes&, const BackwardRow<T>* rows, Index count,
//                 StepScratch<T>&) const;
//       The gradient of the step: from d_y and d_state after the step to d_state before it, d_in, and the arrays that
//       the jobs read.
//
//   static void cell_state(const Sizes&, const T* saved, const T* c_prev, T* c);
//       Only with peepholes: c after the step and before zoneout, recomputed from the saved values.
//
// A member computes only its own panels, share.panels(panels), and its own units, share.units(panels). Before a product
// that reads what other members compute in the same step, the cell calls share.wait().
template <class P, Cell cell, class Activations>
struct CellStages {
  using T = scalar_t<P>;

  static constexpr const CellTraits& traits = traits_of(cell);
  static constexpr int states = traits.states, stages = traits.stages;

  // Whether h' depends on h directly, and not only through W_hh. If so, backward leaves the direct part of dh in
  // d_state[h] and adds the rest to d_in; if not, it overwrites d_in.
  static constexpr bool has_direct_h = false;
  // Whether forward itself computes x̂ if a step has a single row and row.x is set.
  static constexpr bool fuses_input = false;

  Activations activations{};

 protected:
  // Loads what a row has saved for the units of a packet.
  template <int count, class Q>
  static GATEWISE_INLINE void load_saved(const T* saved, const Sizes& sizes, Index u, Q (&to)[count]) {
    GATEWISE_UNROLL
    for (int i = 0; i < count; ++i) to[i] = load<Q>(saved + i * sizes.padded + u);
  }
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
