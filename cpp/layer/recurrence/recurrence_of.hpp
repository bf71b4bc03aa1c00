// The recurrence of a cell: combines the passes, which know no cell, with the cell's stages.
#pragma once

#include "../pass/backward.hpp"
#include "recurrence.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

template <class P, class Stages>
class RecurrenceOf final : public Recurrence<scalar_t<P>> {
  using T = scalar_t<P>;

 public:
  explicit RecurrenceOf(const Stages& stages) : stages_(stages) {}

  Index saved_count() const override { return Stages::saved_count; }

  Index forward_scratch(const Sizes& sizes, Index steps, Index sequences) const override {
    Arena arena;
    ForwardScratch<T>(arena, sizes, Stages::saved_count, steps, sequences);
    return arena.used();
  }
  void forward(const Sizes& sizes, const ForwardPass<T>& pass, const Share& share, std::byte* memory,
               std::byte* common_memory) const override {
    const auto take = [&](std::byte* block) {
      Arena arena(block);
      return ForwardScratch<T>(arena, sizes, Stages::saved_count, pass.schedule->steps(), share.sequences());
    };
    ForwardScratch<T> scratch = take(memory);
    if (share.divides_units()) {
      // A stage's second product reads numbers that all members have written, so these are in common memory.
      const ForwardScratch<T> common = take(common_memory);
      scratch.saved_once = common.saved_once;
      scratch.step.between = common.step.between;
    }
    run_forward<P>(stages_, sizes, pass, share, scratch);
  }

  Index backward_scratch(const Sizes& sizes, Index sequences, Index batch, Index segment) const override {
    Arena arena;
    BackwardScratch<T>(arena, sizes, sequences, batch, segment);
    return arena.used();
  }
  Index shared_scratch(const Sizes& sizes, Index steps, Index batch, Index segment) const override {
    Arena arena;
    SharedScratch<P>(arena, sizes, steps, batch, segment, Stages::jobs(sizes));
    return arena.used();
  }
  void backward(const Sizes& sizes, const BackwardPass<T>& pass, const Share& share, std::byte* memory,
                std::byte* shared_memory) const override {
    Arena arena(memory), shared_arena(shared_memory);
    const Index steps = pass.schedule->steps(), batch = pass.schedule->batch();
    BackwardScratch<T> scratch(arena, sizes, share.sequences(), batch, pass.segment);
    SharedScratch<P> shared(shared_arena, sizes, steps, batch, pass.segment, Stages::jobs(sizes));
    Backward<P, Stages>(stages_, sizes, pass, share, scratch, shared).run();
  }

  void step(const RecurrenceWeights<T>& weights, const T* x, T* y, StreamLayer<T>& layer) const override {
    run_step<P>(stages_, weights, x, y, layer);
  }

 private:
  const Stages stages_;
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
