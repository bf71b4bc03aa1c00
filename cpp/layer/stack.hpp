// The whole layer: stacked layers and directions over a batch, forward and backward, on one team of threads.
#pragma once

#include "call.hpp"
#include "recurrence/recurrence.hpp"
#include "split/plan.hpp"
#include "tape.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// Its calls are defined in stack_calls.hpp, so that a source that only declares the instances need not compile them.
template <class T>
class Stack {
 public:
  // Throws std::invalid_argument if options contradict each other.
  explicit Stack(const Options& options);

  const Options& options() const { return options_; }

  // Packs the parameters of all layers and directions, in the order l·D + d, for the products that read them.
  std::shared_ptr<const Weights<T>> pack(const std::vector<Parameters<const T>>& parameters) const {
    return std::make_shared<const Weights<T>>(options_, detail::widest<T>, parameters);
  }

  // Inference: applies no dropout, uses the expectation of zoneout, and saves nothing.
  void forward(const Weights<T>& weights, const ForwardCall<T>& call, int threads) const;
  // Training: draws dropout and zoneout by `key`, and saves what backward needs. The call's y must outlive the tape.
  // With checkpoint = k > 0, it saves states only every k steps, rounded up to whole blocks of the gradients, and
  // backward recomputes the rest. With 0 it saves everything.
  Tape<T> forward(std::shared_ptr<const Weights<T>> weights, const ForwardCall<T>& call, std::uint64_t key, int threads,
                  Index checkpoint = 0) const;
  void backward(const Tape<T>& tape, const BackwardCall<T>& call, int threads) const;

  // The multiply-adds of a forward pass that takes every step; a backward pass needs about twice as many.
  double multiply_adds(Index steps, Index batch) const { return work(steps, batch, true).multiply_adds; }

  // For streams.
  const detail::Recurrence<T>& recurrence() const { return *recurrence_; }
  detail::Sizes sizes(Index layer) const { return detail::Sizes(options_, layer, detail::widest<T>); }

 private:
  using Share = detail::Share;
  using Split = detail::Split;
  using Schedule = detail::Schedule;
  using Sizes = detail::Sizes;
  using Plan = detail::Plan;
  template <class Number>
  using Buffer = detail::Buffer<Number>;

  // What one layer hands to the next: outputs in forward, gradients in backward. Layers that run one after the other
  // need no more than two buffers.
  class LayerOutputs {
   public:
    LayerOutputs(const Plan& plan, Index layers, Index numbers) {
      const Index most = plan.split == Split::layers ? layers : 2;
      for (Index l = 0; l < std::min(layers - 1, most); ++l) buffers_.emplace_back(numbers);
    }
    // Between layer l and l + 1.
    const Buffer<T>& operator[](Index l) const { return buffers_[static_cast<std::size_t>(l) % buffers_.size()]; }

   private:
    std::vector<Buffer<T>> buffers_;
  };

  static View<T> dense(const Buffer<T>& buffer, Index batch, Index features) {
    return View<T>::dense(buffer.get(), batch, features);
  }
  // Whether a layer must wait until the layer before it has computed all steps, because the dropout between them is
  // applied to all steps at once.
  bool waits(const Tape<T>& tape) const { return tape.dropout && !options_.bidirectional; }
  // How many passes run at the same time, each with memory of its own.
  Index passes_at_once(const Plan& plan) const {
    return plan.split == Split::layers ? options_.num_layers : options_.directions();
  }
  // The maximum of bytes(sizes) over all layers. All layers but the first have the same sizes.
  template <class Bytes>
  Index over_layers(const Bytes& bytes) const {
    const Index first = bytes(sizes(0));
    return options_.num_layers == 1 ? first : std::max(first, bytes(sizes(1)));
  }
  // Where layer and direction i begins in an array of states; null if there is no array.
  template <class Number>
  Number* part_of(Number* states, int state, Index i, Index batch) const {
    return states ? states + i * batch * options_.state_size(state) : nullptr;
  }

  detail::Work work(Index steps, Index batch, bool side_by_side) const;
  detail::ForwardPass<T> pass(const ForwardCall<T>& call, const Schedule& schedule, const Weights<T>& weights, Index i,
                              View<const T> x, View<T> y, T* cells_before) const;
  detail::BackwardPass<T> pass(const BackwardCall<T>& call, const Tape<T>& tape, Index i, View<const T> x,
                               View<const T> d_y) const;
  void finish_outputs(const ForwardCall<T>& call, const Schedule* schedules, Index begin, Index end) const;
  void finish_input_gradient(const Tape<T>& tape, Index l, View<const T> apart, View<T> d_x, Index begin,
                             Index end) const;

  Options options_;
  detail::RecurrencePointer<T> recurrence_;
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
