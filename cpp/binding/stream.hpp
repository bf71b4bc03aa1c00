// A stream as Python holds it. Python calls `step` directly, without a Python function in between.
#pragma once

#include "../layer/stream.hpp"
#include "core.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace binding {

template <class T>
class BoundStream {
 public:
  // `layer` is the Python layer, which the stream's repr and pickle contain, and `core` is its core. snapshot() returns
  // the layer's current parameters as a list. rebuild(layer, batch_size, arrays, state) makes an equal stream. If
  // batch_size is None, arrays have no batch axis.
  static std::unique_ptr<BoundStream> make(const py::object& layer, const py::object& core,
                                           const py::object& batch_size, const py::object& snapshot,
                                           const py::object& rebuild, const py::list& arrays) {
    std::unique_ptr<BoundStream> made;
    guard(
        "batch_size", [&] { return std::string(py::str(batch_size)); },
        [&] { made = std::make_unique<BoundStream>(layer, core, batch_size, snapshot, rebuild, arrays); });
    return made;
  }

  BoundStream(py::object layer, py::object core, const py::object& batch_size, py::object snapshot, py::object rebuild,
              py::list arrays)
      : layer_(std::move(layer)),
        core_object_(std::move(core)),
        core_(py::cast<Core<T>&>(core_object_)),
        snapshot_(std::move(snapshot)),
        rebuild_(std::move(rebuild)),
        arrays_(std::move(arrays)),
        layout_{!batch_size.is_none(), core_.batch_first()},
        stream_(core_.stack(), core_.pack(arrays_), batch_size.is_none() ? 1 : batch_size.cast<Index>()) {}

  py::array step(py::handle x, py::handle out) {
    const Use use(*this);
    const auto& o = core_.options();
    const Shape in = shape(o.input_size), result = shape(o.output_size());
    const py::array array = shaped<T>("x", x, exact(in));
    py::array y = out.is_none() ? new_array<T>("y", result) : output(out, result);
    const auto release = release_gil(core_.stack().multiply_adds(1, stream_.batch()));
    stream_.step(static_cast<const T*>(array.data()), static_cast<T*>(y.mutable_data()));
    return y;
  }

  py::array run(py::handle x) {
    const Use use(*this);
    const auto& o = core_.options();
    const py::array given = as_array<T>("x", x);
    const auto size = exactly(stream_.batch()), features = exactly(o.input_size);
    require_shape("x", given,
                  !layout_.batched      ? Dimensions{any("T"), features}
                  : layout_.batch_first ? Dimensions{size, any("T"), features}
                                        : Dimensions{any("T"), size, features});
    const ViewArgument<T> argument("x", given, layout_);
    const Index time = argument.time, batch = stream_.batch(), features_out = o.output_size();
    auto y = new_array<T>("y", layout_.shape(time, batch, features_out));
    const View<T> view = view_of(layout_, y.mutable_data(), time, batch, features_out);
    guard(
        "x", [&] { return show_shape(given); },
        [&] {
          const double work = core_.stack().multiply_adds(time, batch);
          const auto release = release_gil(work);
          stream_.run(argument.view, view, time, thread_settings.usable(work));
        });
    return std::move(y);
  }

  // Resets all sequences, or those that `rows` names: by integers, or by one bool for each sequence.
  void reset(py::handle rows) {
    const Use use(*this);
    const Index batch = stream_.batch();
    if (rows.is_none()) {
      for (Index b = 0; b < batch; ++b) stream_.reset(b);
      return;
    }
    const py::array chosen = py::module_::import("numpy").attr("asarray")(rows);
    if (chosen.dtype().kind() == 'b') {
      const py::array flags = shaped<bool>("rows", chosen, {exactly(batch)});
      for (Index b = 0; b < batch; ++b)
        if (static_cast<const bool*>(flags.data())[b]) stream_.reset(b);
      return;
    }
    const py::array indices = contiguous<std::int64_t>("rows", as_array<std::int64_t>("rows", rows));
    if (indices.ndim() > 1) require_shape("rows", indices, {any("n")});
    const auto* const data = static_cast<const std::int64_t*>(indices.data());
    for (Index i = 0; i < indices.size(); ++i)
      if (data[i] < -batch || data[i] >= batch)
        fail(PyExc_ValueError, "rows: expected integers from " + std::to_string(-batch) + " to " +
                                   std::to_string(batch - 1) + ", got " + std::to_string(data[i]));
    for (Index i = 0; i < indices.size(); ++i) stream_.reset(data[i] < 0 ? data[i] + batch : data[i]);
  }

  py::object state() {
    const Use use(*this);
    StateResult<T> result(core_.options(), layout_, stream_.batch());
    stream_.get_state(result.data());
    return result.object();
  }
  void set_state(py::handle value) {
    const Use use(*this);
    const auto& o = core_.options();
    const StateArgument<T> given("state", o, value, layout_, stream_.batch());
    PerState<const T*> state = given.data();
    PerState<Buffer<T>> zeros;
    for (int s = 0; s < o.states(); ++s) {
      if (state[s]) continue;
      zeros[s] = Buffer<T>(o.num_layers * stream_.batch() * o.state_size(s));
      std::fill_n(zeros[s].get(), zeros[s].size(), T(0));
      state[s] = zeros[s].get();
    }
    stream_.set_state(state);
  }

  void reload() {
    const Use use(*this);
    py::list arrays = snapshot_();
    stream_.set_weights(core_.pack(arrays));
    arrays_ = std::move(arrays);
  }

  // What Python's __reduce__ returns.
  py::tuple reduce() {
    py::object batch = py::none();
    if (layout_.batched) batch = py::int_(stream_.batch());
    return py::make_tuple(rebuild_, py::make_tuple(layer_, batch, arrays_, state()));
  }

  std::string repr() const {
    return "Stream(" + std::string(py::str(layer_)) +
           ", batch_size=" + (layout_.batched ? std::to_string(stream_.batch()) : "None") + ")";
  }

 private:
  // Held while a thread uses the stream: a second thread gets an error.
  class Use {
   public:
    explicit Use(BoundStream& stream) : busy_(stream.busy_) {
      if (busy_.exchange(true, std::memory_order_acquire))
        fail(PyExc_RuntimeError, "stream: another thread is using it; make a stream for each thread");
    }
    ~Use() { busy_.store(false, std::memory_order_release); }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    std::atomic<bool>& busy_;
  };

  // The caller's array into which y is written.
  static py::array output(py::handle out, const Shape& expected) {
    if (!py::isinstance<py::array_t<T, py::array::c_style>>(out))
      fail(PyExc_TypeError, "out: expected a C-contiguous array of " +
                                std::string(py::str(static_cast<py::object>(py::dtype::of<T>()))) + ", got " +
                                show_array(out));
    auto y = py::reinterpret_borrow<py::array>(out);
    require_shape("out", y, exact(expected));
    if (!y.writeable()) fail(PyExc_ValueError, "out: expected a writeable array, got a read-only one");
    return y;
  }

  Shape shape(Index features) const { return layout_.batched ? Shape{stream_.batch(), features} : Shape{features}; }

  py::object layer_, core_object_;
  const Core<T>& core_;
  py::object snapshot_, rebuild_;
  py::list arrays_;
  Layout layout_;
  Stream<T> stream_;
  std::atomic<bool> busy_{false};
};

template <class T>
void bind_stream(py::module_& module, const char* name) {
  using Bound = BoundStream<T>;
  py::class_<Bound> bound(module, name, py::module_local(),
                          "A layer run step by step, with its own state and a snapshot of the layer's weights.");
  refuse_new(bound, "stream: cannot be constructed; call a layer's stream()");
  bound.def_static("make", &Bound::make)
      .def("step", &Bound::step, py::arg("x"), py::arg("out") = py::none(),
           "Compute one step: x (B, I) to y (B, Y), or (I,) to (Y,) with batch_size=None.\n\n"
           "`out` is an array into which y is written; by default a new one is made. With it nothing is allocated.")
      .def("run", &Bound::run, py::arg("x"),
           "Compute a block of steps: x (T, B, I) to y (T, B, Y), with the layer's order of axes. The result is\n"
           "bit-identical to single steps.")
      .def("reset", &Bound::reset, py::arg("rows") = py::none(),
           "Set the state to zeros: of all sequences, or of those given by integers or by a bool for each.")
      .def_property("state", &Bound::state, &Bound::set_state,
                    "A copy of the state, in the form of the layer's calls. Assign to it to set it; None is zeros.")
      .def("reload", &Bound::reload, "Take a new snapshot of the layer's weights. The state stays.")
      .def("__reduce__", &Bound::reduce)
      .def("__repr__", &Bound::repr);
}

}  // namespace binding
}  // namespace GATEWISE_ISA
}  // namespace gatewise
