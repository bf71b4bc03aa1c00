// The parameters of a layer, packed for the products that read them. A pack never changes once it is made.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "../../kernel/panel.hpp"
#include "options.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// The parameters of one layer and direction, or their gradients, in the layout of NumPy and PyTorch; null where absent.
template <class T>
struct Parameters {
  T* weight_ih = nullptr;        // [G·H, I]
  T* weight_hh = nullptr;        // [G·H, Y]
  T* bias_ih = nullptr;          // [G·H]
  T* bias_hh = nullptr;          // [G·H]
  T* weight_hr = nullptr;        // [P, H]
  T* weight_peephole = nullptr;  // [3, H]: i, f, o
};

namespace detail {

// The packs of one layer and direction.
template <class T>
class RecurrenceWeights {
 public:
  // The packs of one stage: `input` gives x̂, and `recurrent` gives ĥ from h, or from what the stage before has computed
  // from h. If the cell does not read h, the recurrent panels have no terms: they have a shape, but no weights.
  struct Stage {
    Panels<T> input, recurrent;
  };
  struct Transposed {
    Panels<T> input;                   // dx from δ: G·H → I
    Panels<T> recurrent[most_stages];  // of each stage, dh from its δ: the stage's gates · H → Y
    Panels<T> projection;              // dm from dh': P → H
  };

  RecurrenceWeights(const Options& options, Index input_size, Index width, const Parameters<const T>& p)
      : cell_(options.traits()), hidden_(options.hidden_size), inputs_(input_size), outputs_(options.output_size()) {
    const Index H = hidden_, I = inputs_, Y = outputs_;
    for (int s = 0; s < cell_.stages; ++s) {
      const Index first = cell_.first_gate(s), gates = cell_.stage_gates[s];
      const auto panels = [&](const T* weight, const T* bias, Index K) {
        return Panels<T>(
            gates, H, K, width,
            [=](Index g, Index u, Index count, T* to, Index pitch) {
              transpose<Least>(weight + ((first + g) * H + u) * K, K, count, K, to, pitch);
            },
            [=](Index g, Index u) { return bias ? bias[(first + g) * H + u] : T(0); });
      };
      stages[s].input = panels(p.weight_ih, p.bias_ih, I);
      stages[s].recurrent = panels(p.weight_hh, p.bias_hh, cell_.reads_h ? Y : 0);
    }
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

  RecurrenceWeights(const RecurrenceWeights&) = delete;
  RecurrenceWeights& operator=(const RecurrenceWeights&) = delete;
  ~RecurrenceWeights() { delete transposed_.load(); }

  // The packs of the backward pass. prepare_backward must have been called.
  const Transposed& transposed() const noexcept { return *transposed_.load(std::memory_order_acquire); }

  // Makes the backward packs from the forward packs, once. There is no lock, because a fork could leave it locked: if
  // two threads call this at the same time, both make the packs and one set is dropped.
  void prepare_backward() const {
    if (transposed_.load(std::memory_order_acquire)) return;
    auto made = std::make_unique<const Transposed>(make_transposed());
    const Transposed* none = nullptr;
    if (transposed_.compare_exchange_strong(none, made.get(), std::memory_order_acq_rel)) made.release();
  }

  // The length of a row of x̂: the lanes of all stages, one after another.
  Index lanes() const {
    Index lanes = 0;
    for (const Stage& stage : stages) lanes += stage.input.lanes();
    return lanes;
  }

  Stage stages[most_stages];
  Panels<T> projection;  // m → h'
  Buffer<T> peephole;    // [3][H padded to packets]

 private:
  using Least = typename Panels<T>::Least;

  Transposed make_transposed() const {
    const Index width = stages[0].input.width(), H = hidden_;
    // The terms are δ in PyTorch's order: k = gate · H + unit. Each belongs to a gate of some stage.
    const auto transpose = [&](Index first, Index gates, Index outputs, Panels<T> Stage::* panels) {
      return Panels<T>(
          1, outputs, gates * H, width,
          [&, first, gates](Index, Index u, Index count, T* to, Index pitch) {
            for (Index gate = first; gate < first + gates; ++gate, to += H * pitch) {
              int s = 0;
              while (gate >= cell_.first_gate(s) + cell_.stage_gates[s]) ++s;
              (stages[s].*panels).transpose_into(gate - cell_.first_gate(s), u, count, to, pitch);
            }
          },
          [](Index, Index) { return T(0); });
    };
    Transposed made;
    made.input = transpose(0, cell_.gates(), inputs_, &Stage::input);
    for (int s = 0; s < cell_.stages; ++s) {
      const Index gates = cell_.reads_h ? cell_.stage_gates[s] : 0;
      made.recurrent[s] = transpose(cell_.first_gate(s), gates, outputs_, &Stage::recurrent);
    }
    if (projection.inputs() > 0)
      made.projection = Panels<T>(
          1, H, outputs_, width,
          [&](Index, Index u, Index count, T* to, Index pitch) { projection.transpose_into(0, u, count, to, pitch); },
          [](Index, Index) { return T(0); });
    return made;
  }

  const CellTraits& cell_;
  Index hidden_, inputs_, outputs_;
  mutable std::atomic<const Transposed*> transposed_{nullptr};
};

}  // namespace detail

// The packs of all layers and directions: number l·D + d. Made by Stack::pack.
template <class T>
class Weights {
 public:
  Weights(const Options& options, Index width, const std::vector<Parameters<const T>>& parameters) {
    for (Index i = 0; i < options.recurrences(); ++i)
      recurrences_.push_back(std::make_unique<detail::RecurrenceWeights<T>>(
          options, options.layer_input_size(i / options.directions()), width, parameters[static_cast<std::size_t>(i)]));
  }

  // Makes the packs that a backward pass reads, unless they exist already.
  void prepare_backward() const {
    for (const auto& recurrence : recurrences_) recurrence->prepare_backward();
  }

  const detail::RecurrenceWeights<T>& operator[](Index i) const { return *recurrences_[static_cast<std::size_t>(i)]; }

 private:
  std::vector<std::unique_ptr<detail::RecurrenceWeights<T>>> recurrences_;
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
