// A recurrence is one layer in one direction. This is what the stack and the streams know of its code.
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
  // How many values of each unit and row its tape saves.
  virtual Index saved_count() const = 0;

  // The bytes of scratch that one member needs for so many sequences, and the work of one member on its share. Where
  // units are divided, the members share `common`, the first one's scratch; else it is the member's own.
  virtual Index forward_scratch(const Sizes&, Index steps, Index sequences) const = 0;
  virtual void forward(const Sizes&, const ForwardPass<T>&, const Share&, std::byte* scratch,
                       std::byte* common) const = 0;

  // The same backward, with scratch that all members share. `segment`: the steps that are computed again at once, or 0.
  virtual Index backward_scratch(const Sizes&, Index sequences, Index batch, Index segment) const = 0;
  virtual Index shared_scratch(const Sizes&, Index steps, Index batch, Index segment) const = 0;
  virtual void backward(const Sizes&, const BackwardPass<T>&, const Share&, std::byte* scratch,
                        std::byte* shared) const = 0;

  // One step of a stream's layer: x [B, I]; y [B, Y] takes h' too, or is null. Both have no gaps.
  virtual void step(const RecurrenceWeights<T>& weights, const T* x, T* y, StreamLayer<T>& layer) const = 0;
};

template <class T>
using RecurrencePointer = std::shared_ptr<const Recurrence<T>>;

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
