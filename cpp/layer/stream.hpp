// Step-by-step inference with a state of its own: what a server or an audio loop calls once a frame.
#pragma once

#include "stack.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

template <class T>
class Stream {
 public:
  // One direction, any number of layers; the state begins with zeros.
  Stream(const Stack<T>& stack, std::shared_ptr<const Weights<T>> weights, Index batch)
      : stack_(stack), weights_(std::move(weights)), batch_(batch), layers_(stack.options().num_layers) {
    Arena measure;
    take(measure);
    memory_ = Buffer<std::byte>(measure.used());
    Arena arena(memory_.get());
    take(arena);
    for (StepLayer<T>& layer : step_layers_) layer.clear();
  }

  Index batch() const { return batch_; }
  const Options& options() const { return stack_.options(); }
  void set_weights(std::shared_ptr<const Weights<T>> weights) { weights_ = std::move(weights); }

  // One step: x [B, I], y [B, Y], both without gaps. Takes no lock, allocates nothing, throws nothing.
  void step(const T* x, T* y) noexcept { step(x, y, FloatMode()); }
  // The same for a caller that holds the core's mode over many steps, as an audio callback may over its block: changing
  // it takes a tenth of a small step.
  void step(const T* x, T* y, const FloatMode&) noexcept {
    for (Index l = 0; l < layers_; ++l) {
      StepLayer<T>& layer = step_layers_[static_cast<std::size_t>(l)];
      stack_.sequence().step((*weights_)[l], x, l == layers_ - 1 ? y : nullptr, layer);
      x = layer.h();
    }
  }

  // Sequence b begins anew, from zeros.
  void reset(Index b) {
    for (StepLayer<T>& layer : step_layers_) layer.clear(b);
  }

  // The state as calls have it: h [L, B, Y], c [L, B, H] (null for a cell without).
  void get_state(T* h, T* c) const {
    for (const StepLayer<T>& layer : step_layers_) {
      h = std::copy_n(layer.h(), batch_ * layer.sizes.outputs, h);
      for (Index b = 0; layer.c && b < batch_; ++b) c = std::copy_n(layer.c_of(b), layer.sizes.hidden, c);
    }
  }
  void set_state(const T* h, const T* c) {
    for (StepLayer<T>& layer : step_layers_) {
      std::copy_n(h, batch_ * layer.sizes.outputs, layer.h());
      h += batch_ * layer.sizes.outputs;
      for (Index b = 0; layer.c && b < batch_; ++b, c += layer.sizes.hidden)
        std::copy_n(c, layer.sizes.hidden, layer.c_of(b));
    }
  }

  // A block of steps, with the bits of as many single ones.
  void run(Rows<const T> x, Rows<T> y, Index time, int threads) {
    const Index h_size = layers_ * batch_ * options().output_size();
    const Index c_size = options().is_lstm() ? layers_ * batch_ * options().hidden_size : 0;
    const Buffer<T> before(h_size + c_size), after(h_size + c_size);
    get_state(before.get(), before.get() + h_size);
    ForwardCall<T> call;
    call.steps.time = time;
    call.steps.batch = batch_;
    call.x = x;
    call.y = y;
    call.h = before.get();
    call.c = c_size ? before.get() + h_size : nullptr;
    call.h_last = after.get();
    call.c_last = c_size ? after.get() + h_size : nullptr;
    stack_.forward(*weights_, call, threads);
    set_state(after.get(), after.get() + h_size);
  }

 private:
  void take(Arena& arena) {
    step_layers_.clear();
    for (Index l = 0; l < layers_; ++l)
      step_layers_.emplace_back(arena, stack_.sizes(l), stack_.sequence().kept(), options().is_lstm(), batch_);
  }

  const Stack<T>& stack_;
  std::shared_ptr<const Weights<T>> weights_;
  Index batch_, layers_;
  Buffer<std::byte> memory_;
  std::vector<StepLayer<T>> step_layers_;
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
