// The extension module of one instruction set. The Python code above it is in python/gatewise/_core.
#include "activation.hpp"
#include "optimizer.hpp"
#include "stream.hpp"

#define GATEWISE_STRING_(x) #x
#define GATEWISE_STRING(x) GATEWISE_STRING_(x)

namespace gatewise {
inline namespace GATEWISE_ISA {

// Instantiated in source files of their own, so that a build can compile them in parallel.
extern template class Stack<float>;
extern template class Stack<double>;

namespace binding {

template <class T>
void bind(py::module_& module, const char* layer_name, const char* tape_name) {
  using Held = HeldTape<T>;
  py::class_<Held, std::shared_ptr<Held>> tape(module, tape_name, py::module_local(),
                                               "What a forward pass saves for its backward pass.");
  refuse_new(tape, "tape: cannot be constructed; call a layer's forward()");
  tape.def_property_readonly(
          "nbytes", [](const Held& held) { return held.tape.bytes(); },
          "The size of the tape in bytes, without y and the layer's weights.")
      .def_property_readonly(
          "key", [](const Held& held) { return held.key; },
          "The key of dropout and zoneout, or None if neither was active.")
      .def_property_readonly(
          "hidden", [](std::shared_ptr<Held> held) { return TapeArrays<T>{std::move(held)}.hidden(); },
          "h after every step: (T, L D, B, Y), without B for a single sequence. Read-only; 0 at steps not taken.")
      .def_property_readonly(
          "cells", [](std::shared_ptr<Held> held) { return TapeArrays<T>{std::move(held)}.cells(); },
          "c after every step of an LSTM: (T, L D, B, H), like `hidden`. None for other cells.")
      .def_property_readonly(
          "gates", [](std::shared_ptr<Held> held) { return TapeArrays<T>{std::move(held)}.gates(); },
          "The activated gates of every step, i f g o or r z n, or an RNN's h: (G, T, L D, B, H), like `hidden`.")
      .def("__reduce_ex__", [](const Held&, py::handle) -> py::object {
        fail(PyExc_TypeError, "tape: cannot be copied or pickled; call forward again instead");
      });

  py::class_<Core<T>> core(module, layer_name, py::module_local());
  refuse_new(core, "core: cannot be constructed; make a layer");
  core.def_static("make",
                  [](const py::kwargs& given) {
                    return std::make_unique<Core<T>>(options_of(given), py::cast<bool>(given["batch_first"]));
                  })
      .def("load", &Core<T>::load)
      .def("call", &Core<T>::call)
      .def("forward", &Core<T>::forward)
      .def("backward", &Core<T>::backward)
      .def("step", &Core<T>::step);
}

// Runs Python's handlers of pending signals, and returns whether one of them raised an exception, as the handler of
// Ctrl-C does. Python runs handlers on the main thread only.
unsigned long main_thread = 0;
bool signal_raised() {
  if (PyThread_get_thread_ident() != main_thread) return false;
  const py::gil_scoped_acquire acquire;
  return PyErr_CheckSignals() != 0;
}

}  // namespace binding
}  // namespace GATEWISE_ISA
}  // namespace gatewise

PYBIND11_MODULE(GATEWISE_MODULE, module, pybind11::mod_gil_not_used()) {
  using namespace gatewise;
  using namespace gatewise::binding;
  module.doc() = "gatewise's kernels for one instruction set.";
  module.attr("isa") = GATEWISE_ISA_NAME;
  module.attr("version") = GATEWISE_VERSION;
  module.attr("eigen_version") = GATEWISE_STRING(EIGEN_WORLD_VERSION) "." GATEWISE_STRING(
      EIGEN_MAJOR_VERSION) "." GATEWISE_STRING(EIGEN_MINOR_VERSION);
  py::dict cells;
  for (const CellTraits& traits : cell_table.rows) cells[traits.name] = py::make_tuple(traits.gates(), traits.states);
  module.attr("cells") = cells;
  module.attr("has_openmp") = Team::has_openmp();
  module.attr("packet_bytes") = widest<float> * sizeof(float);
  main_thread = py::cast<unsigned long>(py::module_::import("threading").attr("main_thread")().attr("ident"));
  Stop::question = &signal_raised;
  // Registers the handler that notices forks, before the first fork.
  Team::granted();
  module.def("set_num_threads", [](int threads) { thread_settings.wanted = threads; });
  module.def("num_threads", [] { return thread_settings.num_threads(); });
  module.def("wanted_threads", [] { return thread_settings.wanted.load(); });
  module.def("usable_threads", [] { return thread_settings.usable(); });
  module.def(
      "set_team_limit", [](int threads) { thread_settings.test_limit = threads; },
      "Replace the machine's own limit by a number, for tests; 0 restores it.");
  bind_activation<float>(module);
  bind_activation<double>(module);
  bind<float>(module, "Float32Core", "Float32Tape");
  bind<double>(module, "Float64Core", "Float64Tape");
  bind_optimizers<float>(module, "Float32Optimizers");
  bind_optimizers<double>(module, "Float64Optimizers");
  bind_stream<float>(module, "Float32Stream");
  bind_stream<double>(module, "Float64Stream");
}
