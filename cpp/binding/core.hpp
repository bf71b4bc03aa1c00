// A layer as Python holds it: its options, its packed weights, and calls that check arguments, compute and wrap
// results.
#pragma once

#include <cmath>
#include <memory>
#include <mutex>

#include "call.hpp"
#include "parameters.hpp"
#include "tape.hpp"
#include "threads.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace binding {

template <class T>
class Core {
 public:
  Core(const Options& options, bool batch_first) : stack_(options), batch_first_(batch_first) {}

  const Stack<T>& stack() const { return stack_; }
  const Options& options() const { return stack_.options(); }
  bool batch_first() const { return batch_first_; }

  // Packs the current parameters, in the order of state_dict. `version` counts the writes to them: a pack that arrives
  // later than one of a newer version is dropped. `others_write`: the caller may write to the arrays without being
  // counted, so the values are compared with those packed last, which is faster than packing them again.
  void load(std::int64_t version, const py::list& arrays, bool others_write) {
    const auto pointers = read_parameters<T>(options(), arrays);
    auto now = others_write ? packed() : nullptr;
    if (!now || !now->same(options(), pointers)) now = pack_parameters(stack_, pointers, others_write);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (version < version_) return;
    packed_ = std::move(now);
    version_ = version;
  }

  // Packs a snapshot of parameters that this core does not keep.
  std::shared_ptr<const Weights<T>> pack(const py::list& arrays) const {
    return pack_parameters(stack_, read_parameters<T>(options(), arrays))->weights;
  }

  // Returns y and the final state.
  py::tuple call(py::handle x, py::handle state, py::handle lengths, py::handle mask, py::handle resets) const {
    CallArguments<T> arguments(options(), batch_first_, x, state, lengths, mask, resets);
    auto y = new_array<T>("y", arguments.y_shape());
    arguments.call.y = arguments.y_view(y.mutable_data());
    const auto weights = this->weights();
    guard(
        "x", [&] { return show_shape(arguments.x.array); },
        [&] {
          const double work = stack_.multiply_adds(arguments.time, arguments.batch);
          const auto release = release_gil(work);
          stack_.forward(*weights, arguments.call, thread_settings.usable(work));
        });
    return py::make_tuple(std::move(y), arguments.last.object());
  }

  // Returns y, the final state and the tape. `checkpoint`: the steps between checkpoints; 0: none, -1: the square root
  // of T.
  py::tuple forward(py::handle x, py::handle state, py::handle lengths, py::handle mask, py::handle resets,
                    Index checkpoint, const py::object& key) const {
    CallArguments<T> arguments(options(), batch_first_, x, state, lengths, mask, resets);
    const Shape shape = arguments.y_shape();
    const std::uint64_t key_or_none = key.is_none() ? 0 : key.cast<std::uint64_t>();  // None: no noise, key unused
    const auto weights = this->weights();
    std::shared_ptr<HeldTape<T>> held;
    guard(
        "x", [&] { return show_shape(arguments.x.array); },
        [&] {
          const auto y = std::make_shared<Buffer<T>>(count_of<T>("y", shape));
          arguments.call.y = arguments.y_view(y->get());
          const double work = stack_.multiply_adds(arguments.time, arguments.batch);
          const auto release = release_gil(work);
          if (checkpoint < 0)
            checkpoint = static_cast<Index>(std::ceil(std::sqrt(static_cast<double>(arguments.time))));
          held = std::make_shared<HeldTape<T>>(
              stack_.forward(weights, arguments.call, key_or_none, thread_settings.usable(work), checkpoint));
          held->y = y;
        });
    held->layer = identity_;
    held->layout = arguments.layout;
    held->time = arguments.time;
    held->batch = arguments.batch;
    held->key = key;
    // y is read-only, because the tape reads it too.
    return py::make_tuple(lend<T>(shape, {}, held->y->get(), held->y), arguments.last.object(), held);
  }

  // Returns the gradients of x (or None), of the initial state, and of the parameters, as one vector in the order of
  // state_dict; then the gradients of h and of c after every step if `steps`, and else None twice.
  py::tuple backward(py::handle tape, py::handle dy, py::handle d_state, bool wrt_x, bool steps) const {
    if (!py::isinstance<HeldTape<T>>(tape))
      fail(PyExc_TypeError, "tape: expected what this layer's forward returned, got " + type_name(tape));
    const auto& held = py::cast<const HeldTape<T>&>(tape);
    if (held.layer != identity_)
      fail(PyExc_ValueError, "tape: expected one that this layer's forward made, got another layer's");
    const auto& o = options();
    BackwardCall<T> call;
    std::optional<ViewArgument<T>> d_y;
    if (!dy.is_none()) {
      const py::array array = as_array<T>("dy", dy);
      require_shape("dy", array, exact(held.layout.shape(held.time, held.batch, o.features())));
      d_y.emplace("dy", array, held.layout);
      call.d_y = d_y->view;
    }
    const StateArgument<T> last("d_state", o, d_state, held.layout, held.batch);
    call.d_final_state = last.data();
    py::object d_x = py::none();
    if (wrt_x) {
      auto array = new_array<T>("x", held.layout.shape(held.time, held.batch, o.input_size));
      call.d_x = view_of(held.layout, array.mutable_data(), held.time, held.batch, o.input_size);
      d_x = std::move(array);
    }
    PerState<py::object> state_steps;
    for (int s = 0; s < most_states; ++s) {
      state_steps[s] = py::none();
      if (!steps || s >= o.states()) continue;
      auto array = new_array<T>("steps", steps_shape(o, held.layout, held.time, held.batch, o.state_size(s)));
      call.d_state_steps[s] = array.mutable_data();
      state_steps[s] = std::move(array);
    }
    StateResult<T> first(o, held.layout, held.batch);
    call.d_initial_state = first.data();
    call.gradients.resize(static_cast<std::size_t>(o.recurrences()));
    auto gradients = new_array<T>("params", {parameters_size<T>(o, call.gradients)});
    T* next = gradients.mutable_data();
    for_each_parameter(o, call.gradients, [&](T*& place, const Shape& shape) {
      place = next;
      next += count_of<T>("params", shape);
    });
    guard(
        "tape", [&] { return "one of " + std::to_string(held.tape.bytes()) + " bytes"; },
        [&] {
          const double work = stack_.multiply_adds(held.time, held.batch);
          const auto release = release_gil(3 * work);
          stack_.backward(held.tape, call, thread_settings.usable(work));
        });
    return py::make_tuple(d_x, first.object(), gradients, state_steps[State::h], state_steps[State::c]);
  }

  // Computes a cell's single step and returns the state after it. x is (B, I) or (I,), and states have no axis of
  // layers.
  py::object step(py::handle x, py::handle state) const {
    const auto& o = options();
    const py::array given = as_array<T>("x", x);
    const Dimensions several{any("B"), exactly(o.input_size)}, single{exactly(o.input_size)};
    const bool batched = given.ndim() != 1;
    if (batched && given.ndim() != 2)
      fail(PyExc_ValueError, "x: expected " + show(several) + " or " + show(single) + ", got " + show_shape(given));
    require_shape("x", given, batched ? several : single);
    const py::array array = contiguous<T>("x", given);
    const Index batch = batched ? array.shape(0) : 1;
    const Layout layout{batched, false};
    const StateArgument<T> before("state", o, state, layout, batch, Owner::cell);
    StateResult<T> after(o, layout, batch, Owner::cell);
    ForwardCall<T> call;
    call.batch.steps = 1;
    call.batch.sequences = batch;
    call.x = {static_cast<const T*>(array.data()), 0, o.input_size};
    call.initial_state = before.data();
    call.final_state = after.data();
    const auto weights = this->weights();
    guard(
        "x", [&] { return show_shape(array); },
        [&] {
          const Buffer<T> y(batch * o.features());
          call.y = {y.get(), 0, o.features()};
          const double work = stack_.multiply_adds(1, batch);
          const auto release = release_gil(work);
          stack_.forward(*weights, call, thread_settings.usable(work));
        });
    return after.object();
  }

 private:
  std::shared_ptr<const PackedParameters<T>> packed() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return packed_;
  }
  std::shared_ptr<const Weights<T>> weights() const {
    const auto now = packed();
    if (!now) fail(PyExc_ValueError, "parameters: load() must be called before the layer computes");
    return now->weights;
  }

  Stack<T> stack_;
  bool batch_first_;
  std::shared_ptr<const int> identity_ = std::make_shared<const int>(0);
  mutable std::mutex mutex_;
  std::shared_ptr<const PackedParameters<T>> packed_;
  std::int64_t version_ = -1;
};

}  // namespace binding
}  // namespace GATEWISE_ISA
}  // namespace gatewise
