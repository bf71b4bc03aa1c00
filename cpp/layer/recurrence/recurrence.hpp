// A recurrence is one layer in one direction. This is the interface through which stacks and streams run its code.
#pragma once

#include <cstddef>
#include <memory>

#include "../pass/step.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

template <class T>
struct Recurrence {
  virtual ~Recurrence() = default;
  // The number of values that a tape saves for each unit and row.
  virtual Index saved_count() const = 0;

  // forward_scratch: the bytes of scratch memory that one member needs for this many sequences. forward: computes one
  // member's share. `common` is the scratch of the first member if units are divided, and else the member's own.
  virtual Index forward_scratch(const Sizes&, Index steps, Index sequences) const = 0;
  virtual void forward(const Sizes&, const ForwardPass<T>&, const Share&, std::byte* scratch,
                       std::byte* common) const = 0;

  // The same for backward, with further scratch memory that all members share. `segment`: the steps of a segment, all
  // of which are recomputed at once; 0 without segments.
  virtual Index backward_scratch(const Sizes&, Index sequences, Index batch, Index segment) const = 0;
  virtual Index shared_scratch(const Sizes&, Index steps, Index batch, Index segment) const = 0;
  virtual void backward(const Sizes&, const BackwardPass<T>&, const Share&, std::byte* scratch,
                        std::byte* shared) const = 0;

  // One step of a stream's layer, from x [B, I]. If y [B, Y] is not null, h' is also written there. Both have no gaps.
  virtual void step(const RecurrenceWeights<T>& weights, const T* x, T* y, StreamLayer<T>& layer) const = 0;
};

template <class T>
using RecurrencePointer = std::shared_ptr<const Recurrence<T>>;

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
