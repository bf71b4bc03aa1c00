// Step-by-step inference with a state of its own, for servers and audio loops that compute one step per frame.
#pragma once

#include "stack.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

template <class T>
class Stream {
 public:
  // The stack must be unidirectional and outlive the stream. The initial state is zero.
  Stream(const Stack<T>& stack, std::shared_ptr<const Weights<T>> weights, Index batch)
      : stack_(stack), weights_(std::move(weights)), batch_(batch), layers_(stack.options().num_layers) {
    detail::Arena measure;
    take(measure);
    memory_ = detail::Buffer<std::byte>(measure.used());
    detail::Arena arena(memory_.get());
    take(arena);
    for (Index b = 0; b < batch_; ++b) reset(b);
  }

  Index batch() const { return batch_; }
  const Options& options() const { return stack_.options(); }
  void set_weights(std::shared_ptr<const Weights<T>> weights) { weights_ = std::move(weights); }

  // One step: x [B, I], y [B, Y], both without gaps. Takes no lock, allocates nothing, throws nothing.
  void step(const T* x, T* y) noexcept { step(x, y, FloatMode()); }
  // The same, for a caller that keeps a FloatMode alive over many steps, such as those of an audio block. Setting the
  // mode and restoring it takes a tenth of the time of a small step.
  void step(const T* x, T* y, const FloatMode&) noexcept {
    for (Index l = 0; l < layers_; ++l) {
      auto& layer = stream_layers_[static_cast<std::size_t>(l)];
      stack_.recurrence().step((*weights_)[l], x, l == layers_ - 1 ? y : nullptr, layer);
      x = layer.h();
    }
  }

  // Sets the state of sequence b to zeros.
  void reset(Index b) {
    for (auto& layer : stream_layers_) layer.clear(b);
  }

  // The state in the layout of a call: [L, B, Y] of h, [L, B, H] of every other state.
  void get_state(const PerState<T*>& to) const {
    for_each_state([&](int s, Index at, T* state, Index size) { std::copy_n(state, size, to[s] + at); });
  }
  void set_state(const PerState<const T*>& from) {
    for_each_state([&](int s, Index at, T* state, Index size) { std::copy_n(from[s] + at, size, state); });
  }

  // Runs a block of steps. The results are bit-identical to those of single steps.
  void run(View<const T> x, View<T> y, Index steps, int threads) {
    ForwardCall<T> call;
    call.batch.steps = steps;
    call.batch.sequences = batch_;
    call.x = x;
    call.y = y;
    PerState<detail::Buffer<T>> before, after;
    PerState<T*> places;
    for (int s = 0; s < options().states(); ++s) {
      const Index size = layers_ * batch_ * options().state_size(s);
      before[s] = detail::Buffer<T>(size);
      after[s] = detail::Buffer<T>(size);
      call.initial_state[s] = places[s] = before[s].get();
      call.final_state[s] = after[s].get();
    }
    get_state(places);
    stack_.forward(*weights_, call, threads);
    PerState<const T*> made;
    for (int s = 0; s < options().states(); ++s) made[s] = after[s].get();
    set_state(made);
  }

 private:
  void take(detail::Arena& arena) {
    stream_layers_.clear();
    for (Index l = 0; l < layers_; ++l)
      stream_layers_.emplace_back(arena, stack_.sizes(l), stack_.recurrence().saved_count(), batch_);
  }

  // Calls each(number of the state, its place in a call's array, the state, its size) for all layers and sequences.
  template <class Each>
  void for_each_state(const Each& each) const {
    for (int s = 0; s < options().states(); ++s) {
      const Index size = options().state_size(s);
      Index at = 0;
      for (const auto& layer : stream_layers_)
        for (Index b = 0; b < batch_; ++b, at += size) each(s, at, layer.state(s, b), size);
    }
  }

  const Stack<T>& stack_;
  std::shared_ptr<const Weights<T>> weights_;
  Index batch_, layers_;
  detail::Buffer<std::byte> memory_;
  std::vector<detail::StreamLayer<T>> stream_layers_;
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
