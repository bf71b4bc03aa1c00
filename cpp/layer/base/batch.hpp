// The extent of a call: how many steps and sequences it has, and which steps are taken.
#pragma once

#include "../../math/view.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

struct Batch {
  Index steps = 0, sequences = 0;  // T, B
  const Index* lengths = nullptr;  // [B]; null: T of each sequence
  Flags mask, resets;              // at (t, b); absent: every step is taken, none begins anew

  // Whether every step is taken.
  bool dense() const { return !lengths && !mask; }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
