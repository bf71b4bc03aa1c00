// From options known at run time to the code for them: the cell's stages in the widest packets.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <type_traits>

#include "backward.hpp"
#include "forward.hpp"
#include "gru_stages.hpp"
#include "lstm_stages.hpp"
#include "rnn_stages.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// Zoneout after a step of a stream, and y. Not inlined: so it costs a step without it nothing.
template <class P>
GATEWISE_NOINLINE void zone_out_step(const StepLayer<scalar_t<P>>& layer, scalar_t<P>* y) {
  const Sizes& sizes = layer.sizes;
  const auto* const rows = layer.rows[layer.now];
  for (Index b = 0; b < layer.batch; ++b)
    zone_out_row<P>(sizes, Noise{}, 0, b, {{0, sizes.outputs}, {0, sizes.padded}}, rows[b], layer.c_of(b));
  if (y) std::copy_n(rows[0].h, layer.batch * sizes.outputs, y);
}

template <class P, class Stages>
class SequenceOf final : public Sequence<scalar_t<P>> {
  using T = scalar_t<P>;

 public:
  explicit SequenceOf(const Stages& stages) : stages_(stages) {}

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
    if (part.by_units()) {
      // A second stage reads what all members have written in the first.
      const ForwardScratch<T> common = take(common_memory);
      scratch.kept_once = common.kept_once;
      scratch.step.between = common.step.between;
    }
    run_forward<P>(stages_, sizes, pass, part, scratch);
  }

  void step(const SequenceWeights<T>& weights, const T* x, T* y, StepLayer<T>& layer) const override {
    // Few instructions here: the processor sees some 300 at once, and those of a small step's x̂ should be among them
    // while the step before still waits for its activations.
    const Index batch = layer.batch;
    ForwardRow<T>* const rows = layer.rows[layer.now];
    T* const y_of_stages = layer.zones_out ? nullptr : y;
    if (Stages::makes_x_hat && batch == 1) {
      rows[0].x = x;
      rows[0].y = y_of_stages;
    } else {
      for (Index b = 0; b < batch; ++b) {
        layer.x[b] = x + b * layer.sizes.inputs;
        rows[b].y = y_of_stages ? y + b * layer.sizes.outputs : nullptr;
      }
      input_products<P, Stages>(layer.part, weights, layer.x, batch, layer.x_hat, layer.lanes());
    }
    stages_.template forward<false>(layer.part, layer.now == 1, weights, layer.sizes, rows, layer.h_prev[layer.now],
                                    batch, layer.step);
    if (layer.zones_out) zone_out_step<P>(layer, y);
    layer.now = 1 - layer.now;
  }

  Index backward_scratch(const Sizes& sizes, Index share, Index batch, Index segment) const override {
    Arena arena;
    BackwardScratch<T>(arena, sizes, share, batch, segment);
    return arena.used();
  }
  Index shared_scratch(const Sizes& sizes, Index steps, Index batch, Index segment) const override {
    Arena arena;
    SharedScratch<P>(arena, sizes, steps, batch, segment, stages_);
    return arena.used();
  }
  void backward(const Sizes& sizes, const BackwardPass<T>& pass, const Part& part, std::byte* memory,
                std::byte* shared_memory) const override {
    Arena arena(memory), shared_arena(shared_memory);
    const Index steps = pass.schedule->steps(), batch = pass.schedule->batch();
    BackwardScratch<T> scratch(arena, sizes, part.end - part.begin, batch, pass.segment);
    SharedScratch<P> shared(shared_arena, sizes, steps, batch, pass.segment, stages_);
    Backward<P, Stages>(stages_, sizes, pass, part, scratch, shared).run();
  }

 private:
  const Stages stages_;
};

template <class T>
using SequencePointer = std::shared_ptr<const Sequence<T>>;

template <class P, class Activations>
SequencePointer<scalar_t<P>> make_sequence(Cell cell, const Activations& activations) {
  const auto of = [](const auto& stages) -> SequencePointer<scalar_t<P>> {
    return std::make_shared<SequenceOf<P, std::decay_t<decltype(stages)>>>(stages);
  };
  switch (cell) {
    case Cell::rnn:
      return of(RnnStages<P, Activations>{activations});
    case Cell::lstm:
      return of(LstmStages<P, false, Activations>{activations});
    case Cell::lstm_peephole:
      return of(LstmStages<P, true, Activations>{activations});
    case Cell::gru_after:
      return of(GruAfterStages<P, Activations>{activations});
    default:
      return of(GruBeforeStages<P, Activations>{activations});
  }
}

template <class T>
SequencePointer<T> choose_sequence(const Options& options) {
  using P = Packet<T, widest<T>>;
  if (options.is_usual() && options.candidate.function == Function::relu)
    return std::make_shared<SequenceOf<P, RnnStages<P, UsualRelu>>>(RnnStages<P, UsualRelu>{});
  if (options.is_usual()) return make_sequence<P>(options.cell, Usual());
  const auto chosen = [](const Activation<double>& a, double clip) {
    if (!(std::isfinite(static_cast<T>(a.alpha)) && std::isfinite(static_cast<T>(a.beta))))
      throw std::invalid_argument("activations: expected alpha and beta that are finite in the layer's type");
    return Activation<T>{a.function, static_cast<T>(a.alpha), static_cast<T>(a.beta), static_cast<T>(clip)};
  };
  // What is clipped are the pre-activations, as in ONNX Runtime, not an LSTM's c.
  return make_sequence<P>(
      options.cell,
      Chosen<T>{chosen(options.gate, options.clip), chosen(options.candidate, options.clip),
                chosen(options.cell_state, std::numeric_limits<double>::infinity()), options.input_forget});
}

}  // namespace GATEWISE_ISA
}  // namespace gatewise
