// A layer as Python holds it: options, the packed weights of today, calls that check, compute and wrap.
#pragma once

#include <cmath>
#include <cstring>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "tape.hpp"
#include "threads.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

template <class T>
class Core {
 public:
  Core(const Options& options, bool batch_first) : stack_(options), batch_first_(batch_first) {}

  const Stack<T>& stack() const { return stack_; }
  bool batch_first() const { return batch_first_; }

  // Takes the parameters as they are now, in state_dict's order.
  // `version` counts the writes: what was packed of an older one, and comes late, is dropped. `others_write`: nobody
  // counts, so their values are compared with those packed last, which is quicker than to pack them again.
  void load(std::int64_t version, const py::list& arrays, bool others_write) {
    const auto parameters = read(arrays);
    auto now = others_write ? packed() : nullptr;
    if (!now || !same(parameters, now->values)) now = pack(parameters, others_write);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (version < version_) return;
    packed_ = std::move(now);
    version_ = version;
  }

  // Parameters as the products read them, and, where others may write, the values that they were made from.
  struct Packed {
    std::shared_ptr<const Weights<T>> weights;
    Buffer<T> values;  // of all parameters, one behind the other, or none
  };
  using Pointers = std::vector<Parameters<const T>>;

  Pointers read(const py::list& arrays) const {
    Pointers parameters(static_cast<std::size_t>(options().sequences()));
    std::size_t next = 0;
    for_each_parameter(parameters, [&](const T*& place, const Shape& shape) {
      if (next == arrays.size() || !py::isinstance<py::array_t<T, py::array::c_style>>(arrays[next]))
        fail(PyExc_TypeError, "parameters: expected a list of all, as contiguous arrays of the layer's dtype");
      const auto array = py::reinterpret_borrow<py::array>(arrays[next++]);
      require_shape("parameters", array, exact(shape));
      place = static_cast<const T*>(array.data());
    });
    return parameters;
  }

  std::shared_ptr<const Packed> pack(const Pointers& parameters, bool keep_values = false) const {
    const auto now = std::make_shared<Packed>();
    guard(
        "parameters", [] { return "no memory for their packs"; },
        [&] {
          const py::gil_scoped_release release;
          // First the values: what is written meanwhile then differs from them.
          if (keep_values) now->values = copy(parameters);
          now->weights = stack_.pack(parameters);
        });
    return now;
  }

  // y and the final state.
  py::tuple call(py::handle x, py::handle state, py::handle lengths, py::handle mask, py::handle resets) const {
    Call call(*this, x, state, lengths, mask, resets);
    auto y = new_array<T>("y", call.y_shape());
    call.arguments.y = call.rows(y.mutable_data());
    const auto weights = this->weights();
    guard(
        "x", [&] { return show_shape(call.x.array); },
        [&] {
          const auto release = release_gil(call.work);
          stack_.forward(*weights, call.arguments, thread_settings.usable(call.work));
        });
    return py::make_tuple(std::move(y), call.final_state());
  }

  // y, the final state, and the tape. `checkpoint`: steps from one to the next, 0: none, -1: the square root of T.
  py::tuple forward(py::handle x, py::handle state, py::handle lengths, py::handle mask, py::handle resets,
                    Index checkpoint, const py::object& key) const {
    Call call(*this, x, state, lengths, mask, resets);
    const Shape shape = call.y_shape();
    const std::uint64_t key_or_none = key.is_none() ? 0 : key.cast<std::uint64_t>();  // none: nothing asks for it
    const auto weights = this->weights();
    std::shared_ptr<HeldTape<T>> held;
    guard(
        "x", [&] { return show_shape(call.x.array); },
        [&] {
          const auto y = std::make_shared<Buffer<T>>(count_of<T>("y", shape));
          call.arguments.y = call.rows(y->get());
          const auto release = release_gil(call.work);
          if (checkpoint < 0) checkpoint = static_cast<Index>(std::ceil(std::sqrt(static_cast<double>(call.time))));
          auto tape =
              stack_.forward(weights, call.arguments, key_or_none, thread_settings.usable(call.work), checkpoint);
          held = std::make_shared<HeldTape<T>>(
              HeldTape<T>{std::move(tape), y, identity_, call.layout, call.time, call.batch, {}});
        });
    held->key = key;
    // Read-only, since the tape reads it too.
    return py::make_tuple(lend<T>(shape, {}, held->y->get(), held->y), call.final_state(), held);
  }

  // The gradients of x (or None), of the initial state, and of the parameters: one vector, in state_dict's order. With
  // `steps` those of h and c after every step too, else None.
  py::tuple backward(py::handle tape, py::handle dy, py::handle d_state, bool wrt_x, bool steps) const {
    if (!py::isinstance<HeldTape<T>>(tape))
      fail(PyExc_TypeError, "tape: expected what this layer's forward returned, got " + type_name(tape));
    const auto& held = py::cast<const HeldTape<T>&>(tape);
    if (held.layer != identity_)
      fail(PyExc_ValueError, "tape: expected one that this layer's forward made, got another layer's");
    const auto& o = options();
    BackwardCall<T> call;
    std::optional<RowsArgument<T>> d_y;
    if (!dy.is_none()) {
      const py::array array = as_array<T>("dy", dy);
      require_shape("dy", array, exact(held.layout.shape(held.time, held.batch, o.features())));
      d_y.emplace("dy", array, held.layout);
      call.d_y = d_y->rows;
    }
    const StateArgument<T> last("d_state", o, d_state, held.layout, held.batch);
    call.d_h_last = last.h_data();
    call.d_c_last = last.c_data();
    py::object d_x = py::none();
    if (wrt_x) {
      auto array = new_array<T>("x", held.layout.shape(held.time, held.batch, o.input_size));
      call.d_x = layout_rows(held.layout, array.mutable_data(), held.time, held.batch, o.input_size);
      d_x = std::move(array);
    }
    const auto states = [&](bool wanted, T*& place, Index size) -> py::object {
      if (!wanted) return py::none();
      auto array = new_array<T>("steps", steps_shape(o, held.layout, held.time, held.batch, size));
      place = array.mutable_data();
      return std::move(array);
    };
    const py::object h_steps = states(steps, call.d_h_steps, o.output_size());
    const py::object c_steps = states(steps && o.is_lstm(), call.d_c_steps, o.hidden_size);
    StateResult<T> first(o, held.layout, held.batch);
    call.d_h = first.h_data();
    call.d_c = first.c_data();
    call.gradients.resize(static_cast<std::size_t>(o.sequences()));
    Index size = 0;
    for_each_parameter(call.gradients, [&](T*&, const Shape& shape) { size += count_of<T>("params", shape); });
    auto gradients = new_array<T>("params", {size});
    T* next = gradients.mutable_data();
    for_each_parameter(call.gradients, [&](T*& place, const Shape& shape) {
      place = next;
      next += count_of<T>("params", shape);
    });
    guard(
        "tape", [&] { return "one of " + std::to_string(held.tape.bytes()) + " bytes"; },
        [&] {
          const double work = stack_.work(held.time, held.batch).multiply_adds;
          const auto release = release_gil(3 * work);
          stack_.backward(held.tape, call, thread_settings.usable(work));
        });
    return py::make_tuple(d_x, first.object(), gradients, h_steps, c_steps);
  }

  // A cell's single step: x (B, I) or (I,), state without the layers' axis.
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
    const StateArgument<T> before("state", o, state, layout, batch, true);
    StateResult<T> after(o, layout, batch, true);
    ForwardCall<T> call;
    call.steps.time = 1;
    call.steps.batch = batch;
    call.x = {static_cast<const T*>(array.data()), 0, o.input_size};
    call.h = before.h_data();
    call.c = before.c_data();
    call.h_last = after.h_data();
    call.c_last = after.c_data();
    const auto weights = this->weights();
    guard(
        "x", [&] { return show_shape(array); },
        [&] {
          const Buffer<T> y(batch * o.features());
          call.y = {y.get(), 0, o.features()};
          const double work = stack_.work(1, batch).multiply_adds;
          const auto release = release_gil(work);
          stack_.forward(*weights, call, thread_settings.usable(work));
        });
    return after.object();
  }

  // Runs `compute`, lets a signal's exception out of it, and gives what memory did not hold a message of its own, in
  // which got() tells the size.
  template <class Got, class Compute>
  static void guard(const char* name, const Got& got, const Compute& compute) {
    try {
      return compute();
    } catch (const std::bad_alloc&) {
    } catch (const std::length_error&) {
    } catch (const Stopped&) {
      throw py::error_already_set();  // what a signal's handler has raised
    }
    fail(PyExc_MemoryError, std::string(name) + ": expected a size that fits into memory, got " + got());
  }

  static Rows<T> layout_rows(const Layout& layout, T* data, Index time, Index batch, Index features) {
    if (layout.batched && layout.batch_first) return {data, features, time * features};
    return {data, batch * features, features};
  }

 private:
  const Options& options() const { return stack_.options(); }

  std::shared_ptr<const Packed> packed() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return packed_;
  }
  std::shared_ptr<const Weights<T>> weights() const {
    const auto now = packed();
    if (!now) fail(PyExc_ValueError, "parameters: expected them to be loaded, got none");
    return now->weights;
  }

  Buffer<T> copy(const Pointers& parameters) const {
    Index size = 0;
    for_each_parameter(parameters, [&](const T*, const Shape& shape) { size += count_of<T>("params", shape); });
    Buffer<T> values(size);
    T* to = values.get();
    for_each_parameter(parameters, [&](const T* from, const Shape& shape) {
      to = std::copy_n(from, count_of<T>("params", shape), to);
    });
    return values;
  }
  // Bit for bit: a NaN is the same as itself, and -0 not as 0.
  bool same(const Pointers& parameters, const Buffer<T>& values) const {
    const auto release = release_gil(static_cast<double>(values.size()));
    bool same = values.size() > 0;
    const T* before = values.get();
    for_each_parameter(parameters, [&](const T* now, const Shape& shape) {
      const Index count = count_of<T>("params", shape);
      same = same && std::memcmp(now, before, static_cast<std::size_t>(count) * sizeof(T)) == 0;
      before += count;
    });
    return same;
  }

  // Calls each(place, shape) for every parameter, in state_dict's order.
  template <class List, class Each>
  void for_each_parameter(List& parameters, const Each& each) const {
    const auto& o = options();
    const Index rows = o.gates() * o.hidden_size;
    for (Index i = 0; i < o.sequences(); ++i) {
      auto& p = parameters[static_cast<std::size_t>(i)];
      each(p.weight_ih, Shape{rows, o.layer_input_size(i / o.directions())});
      each(p.weight_hh, Shape{rows, o.output_size()});
      if (o.bias) {
        each(p.bias_ih, Shape{rows});
        each(p.bias_hh, Shape{rows});
      }
      if (o.proj_size > 0) each(p.weight_hr, Shape{o.proj_size, o.hidden_size});
      if (o.has_peepholes()) each(p.weight_peephole, Shape{3, o.hidden_size});
    }
  }

  // The arguments that inference and forward have in common.
  struct Call {
    static Layout layout_of(const py::array& x, const Core& core) {
      const auto& o = core.options();
      const Dimensions batched = core.batch_first_ ? Dimensions{any("B"), any("T"), exactly(o.input_size)}
                                                   : Dimensions{any("T"), any("B"), exactly(o.input_size)};
      const Dimensions single{any("T"), exactly(o.input_size)};
      if (x.ndim() != 2 && x.ndim() != 3)
        fail(PyExc_ValueError, "x: expected " + show(batched) + " or " + show(single) + ", got " + show_shape(x));
      require_shape("x", x, x.ndim() == 3 ? batched : single);
      return {x.ndim() == 3, core.batch_first_};
    }

    Call(const Core& layer, py::handle x_object, py::handle state_object, py::handle lengths_object,
         py::handle mask_object, py::handle resets_object)
        : core(layer),
          given(as_array<T>("x", x_object)),
          layout(layout_of(given, layer)),
          x("x", given, layout),
          time(x.time),
          batch(x.batch),
          state("state", layer.options(), state_object, layout, batch),
          last(layer.options(), layout, batch),
          work(layer.stack_.work(time, batch).multiply_adds) {
      if (!lengths_object.is_none() && !mask_object.is_none())
        fail(PyExc_ValueError, "lengths: expected None beside a mask, got both");
      count_of<Index>("x", {time, batch});
      arguments.steps.time = time;
      arguments.steps.batch = batch;
      if (!lengths_object.is_none()) {
        lengths = lengths_argument(lengths_object, layout, time, batch);
        arguments.steps.lengths = lengths.data();
        // An empty vector may have no address, but still says that there are lengths.
        if (lengths.empty()) arguments.steps.lengths = &no_length;
      }
      if (!mask_object.is_none()) mask = FlagsArgument("mask", mask_object, layout, time, batch);
      if (!resets_object.is_none()) resets = FlagsArgument("resets", resets_object, layout, time, batch);
      arguments.steps.mask = mask.flags;
      arguments.steps.resets = resets.flags;
      arguments.x = x.rows;
      arguments.h = state.h_data();
      arguments.c = state.c_data();
      arguments.h_last = last.h_data();
      arguments.c_last = last.c_data();
    }

    Shape y_shape() const { return layout.shape(time, batch, core.options().features()); }
    Rows<T> rows(T* y) const { return layout_rows(layout, y, time, batch, core.options().features()); }
    py::object final_state() const { return last.object(); }

    const Core& core;
    py::array given;
    Layout layout;
    RowsArgument<T> x;
    Index time, batch;
    StateArgument<T> state;
    StateResult<T> last;
    double work;
    std::vector<Index> lengths;
    FlagsArgument mask, resets;
    ForwardCall<T> arguments;
    static constexpr Index no_length = 0;
  };

  Stack<T> stack_;
  bool batch_first_;
  std::shared_ptr<const int> identity_ = std::make_shared<const int>(0);
  mutable std::mutex mutex_;
  std::shared_ptr<const Packed> packed_;
  std::int64_t version_ = -1;
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
