// From options known at run time to the code for them: the cell's stages and the narrowest packet that holds the units.
#pragma once

#include "backward.hpp"
#include "forward.hpp"
#include "gru_stages.hpp"
#include "lstm_stages.hpp"
#include "rnn_stages.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

template <class P, class Stages>
class SequenceOf final : public Sequence<scalar_t<P>> {
  using T = scalar_t<P>;

 public:
  Index width() const override { return P::width; }
  Index kept() const override { return Stages::kept; }

  Index forward_scratch(const Sizes& sizes, Index steps, Index share) const override {
    Arena arena;
    ForwardScratch<T>(arena, sizes, Stages::kept, steps, share);
    return arena.used();
  }
  void forward(const Sizes& sizes, const ForwardPass<T>& pass, const Part& part, std::byte* memory,
               std::byte* common_memory) const override {
    const auto take = [&](std::byte* block) {
      Arena arena(block);
      return ForwardScratch<T>(arena, sizes, Stages::kept, pass.schedule->steps(), part.end - part.begin);
    };
    ForwardScratch<T> scratch = take(memory);
    const ForwardScratch<T> common = take(common_memory);
    // A second stage reads what all members have written in the first.
    scratch.kept_once = common.kept_once;
    scratch.step.between = common.step.between;
    run_forward<P, Stages>(sizes, pass, part, scratch);
  }

  void step(const SequenceWeights<T>& weights, const T* x, StepLayer<T>& layer) const override {
    const Index batch = layer.batch, lanes = weights.lanes();
    for (Index b = 0; b < batch; ++b) layer.x[b] = x + b * layer.sizes.inputs;
    const Part part{Member{}, false, 0, batch};
    input_products<P, Stages>(part, weights, layer.x, batch, layer.x_hat, lanes);
    Stages::template forward<false>(part, layer.now == 1, weights, layer.sizes, layer.rows[layer.now],
                                    layer.h_prev[layer.now], batch, layer.step);
    layer.now = 1 - layer.now;
  }

  Index backward_scratch(const Sizes& sizes, Index share, Index batch) const override {
    Arena arena;
    BackwardScratch<T>(arena, sizes, share, batch);
    return arena.used();
  }
  Index shared_scratch(const Sizes& sizes, Index steps, Index batch) const override {
    Arena arena;
    SharedScratch<P>(arena, sizes, steps, batch, Stages());
    return arena.used();
  }
  void backward(const Sizes& sizes, const BackwardPass<T>& pass, const Part& part, std::byte* memory,
                std::byte* shared_memory) const override {
    Arena arena(memory), shared_arena(shared_memory);
    BackwardScratch<T> scratch(arena, sizes, part.end - part.begin, pass.schedule->batch());
    SharedScratch<P> shared(shared_arena, sizes, pass.schedule->steps(), pass.schedule->batch(), Stages());
    Backward<P, Stages>(sizes, pass, part, scratch, shared).run();
  }
};

template <class Stages, class P>
const Sequence<scalar_t<P>>& the_sequence() {
  static const SequenceOf<P, Stages> sequence;
  return sequence;
}

template <class P>
const Sequence<scalar_t<P>>& choose_stages(Cell cell) {
  switch (cell) {
    case Cell::rnn_tanh:
      return the_sequence<RnnStages<P, Tanh>, P>();
    case Cell::rnn_relu:
      return the_sequence<RnnStages<P, Relu>, P>();
    case Cell::lstm:
      return the_sequence<LstmStages<P, false>, P>();
    case Cell::lstm_peephole:
      return the_sequence<LstmStages<P, true>, P>();
    case Cell::gru_after:
      return the_sequence<GruAfterStages<P>, P>();
    default:
      return the_sequence<GruBeforeStages<P>, P>();
  }
}

template <class T, int W = narrowest<T>>
const Sequence<T>& choose_sequence(const Options& options) {
  if constexpr (W < widest<T>) {
    if (options.hidden_size > W) return choose_sequence<T, 2 * W>(options);
  }
  return choose_stages<Packet<T, W>>(options.cell);
}

}  // namespace GATEWISE_ISA
}  // namespace gatewise
