// A layer's parameters, packed for the products that read them; never changed once made.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "../kernel/panel.hpp"
#include "options.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// The parameters of one layer and direction, or their gradients, as NumPy and PyTorch lay them out; absent: null.
template <class T>
struct Parameters {
  T* weight_ih = nullptr;        // [G·H, I]
  T* weight_hh = nullptr;        // [G·H, Y]
  T* bias_ih = nullptr;          // [G·H]
  T* bias_hh = nullptr;          // [G·H]
  T* weight_hr = nullptr;        // [P, H]
  T* weight_peephole = nullptr;  // [3, H]: i, f, o
};

// One layer and direction.
template <class T>
struct SequenceWeights {
  // The gates of one stage: x̂ from the input, ĥ from h (or from q, in the second stage of a GRU with reset before).
  struct Stage {
    Panels<T> input, recurrent;
  };
  struct Transposed {
    Panels<T> input;         // dx from δ: G·H → I
    Panels<T> recurrent[2];  // dh from each stage's δ: G·H → Y; reset before: 2H → H and H → H
    Panels<T> projection;    // dm from dh': P → H
  };

  SequenceWeights(const Options& options, Index input_size, Index width, const Parameters<const T>& p)
      : gates_(options.gates()), hidden_(options.hidden_size), inputs_(input_size), outputs_(options.output_size()) {
    const bool two_stages = options.cell == Cell::gru_before;
    const Index H = hidden_, I = inputs_, Y = outputs_;
    const auto stage = [&](Index first, Index gates) {
      const auto panels = [&](const T* weight, const T* bias, Index K) {
        return Panels<T>(
            gates, H, K, width,
            [=](Index g, Index u, Index count, T* to, Index pitch) {
              transpose<Least>(weight + ((first + g) * H + u) * K, K, count, K, to, pitch);
            },
            [=](Index g, Index u) { return bias ? bias[(first + g) * H + u] : T(0); });
      };
      return Stage{panels(p.weight_ih, p.bias_ih, I), panels(p.weight_hh, p.bias_hh, Y)};
    };
    stages[0] = stage(0, two_stages ? 2 : gates_);
    if (two_stages) stages[1] = stage(2, 1);
    if (p.weight_hr)
      projection = Panels<T>(
          1, Y, H, width,
          [=](Index, Index u, Index count, T* to, Index pitch) {
            transpose<Least>(p.weight_hr + u * H, H, count, H, to, pitch);
          },
          [](Index, Index) { return T(0); });
    const Index padded = round_up(H, width);
    peephole = Buffer<T>(p.weight_peephole ? 3 * padded : 0);
    for (Index i = 0; i < peephole.size(); ++i)
      peephole[i] = i % padded < H ? p.weight_peephole[i / padded * H + i % padded] : T(0);
  }

  SequenceWeights(const SequenceWeights&) = delete;
  SequenceWeights& operator=(const SequenceWeights&) = delete;
  ~SequenceWeights() { delete transposed_.load(); }

  // The packs of the backward pass, for which prepare_backward has been called.
  const Transposed& transposed() const noexcept { return *transposed_.load(std::memory_order_acquire); }

  // Makes them from the forward ones, once. Without a lock, which a fork could leave locked: if two threads come at
  // once, both make them and one set is kept.
  void prepare_backward() const {
    if (transposed_.load(std::memory_order_acquire)) return;
    auto made = std::make_unique<const Transposed>(make_transposed());
    const Transposed* none = nullptr;
    if (transposed_.compare_exchange_strong(none, made.get(), std::memory_order_acq_rel)) made.release();
  }

  // The lanes of a row of x̂: all stages, one after another.
  Index lanes() const { return stages[0].input.lanes() + stages[1].input.lanes(); }

  Stage stages[2];
  Panels<T> projection;  // m → h'
  Buffer<T> peephole;    // [3][H padded to packets]

 private:
  using Least = typename Panels<T>::Least;

  Index second_stage_gate() const { return stages[1].input.lanes() > 0 ? 2 : gates_; }

  Transposed make_transposed() const {
    const Index width = stages[0].input.width(), H = hidden_, split = second_stage_gate();
    // δ in PyTorch's order: k = gate · H + unit
    const auto transpose = [&](Index first, Index gates, Index outputs, Panels<T> Stage::* panels) {
      return Panels<T>(
          1, outputs, gates * H, width,
          [&, first, gates](Index, Index u, Index count, T* to, Index pitch) {
            for (Index gate = first; gate < first + gates; ++gate, to += H * pitch) {
              const bool second = gate >= split;
              (stages[second].*panels).transpose_into(second ? gate - split : gate, u, count, to, pitch);
            }
          },
          [](Index, Index) { return T(0); });
    };
    Transposed made;
    made.input = transpose(0, gates_, inputs_, &Stage::input);
    made.recurrent[0] = transpose(0, split, outputs_, &Stage::recurrent);
    if (split < gates_) made.recurrent[1] = transpose(split, gates_ - split, outputs_, &Stage::recurrent);
    if (projection.inputs() > 0)
      made.projection = Panels<T>(
          1, H, outputs_, width,
          [&](Index, Index u, Index count, T* to, Index pitch) { projection.transpose_into(0, u, count, to, pitch); },
          [](Index, Index) { return T(0); });
    return made;
  }

  Index gates_, hidden_, inputs_, outputs_;
  mutable std::atomic<const Transposed*> transposed_{nullptr};
};

// All layers and directions: l·D + d.
template <class T>
class Weights {
 public:
  Weights(const Options& options, Index width, const std::vector<Parameters<const T>>& parameters) {
    for (Index i = 0; i < options.sequences(); ++i)
      sequences_.push_back(std::make_unique<SequenceWeights<T>>(
          options, options.layer_input_size(i / options.directions()), width, parameters[static_cast<std::size_t>(i)]));
  }

  // Before any pass backward: the packs that it reads.
  void prepare_backward() const {
    for (const auto& sequence : sequences_) sequence->prepare_backward();
  }

  const SequenceWeights<T>& operator[](Index i) const { return *sequences_[static_cast<std::size_t>(i)]; }

 private:
  std::vector<std::unique_ptr<SequenceWeights<T>>> sequences_;
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
