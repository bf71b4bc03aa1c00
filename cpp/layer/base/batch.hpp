// The extent of a call: how many steps and sequences it has, and which steps are taken. A step of a sequence is taken
// if it is before the end given by `lengths` and not masked.
#pragma once

#include "../../math/view.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

struct Batch {
  Index steps = 0, sequences = 0;  // T, B
  const Index* lengths = nullptr;  // [B]; null: T of each sequence
  Flags mask, resets;              // at (t, b); without them no step is masked and no state is reset

  // Whether every step is taken.
  bool dense() const { return !lengths && !mask; }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
