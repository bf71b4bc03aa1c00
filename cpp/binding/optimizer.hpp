// The optimizers for Python: they change flat arrays of one type and size in place.
#pragma once

#include "../optimizer/update.hpp"
#include "core.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace binding {

// An array whose memory the optimizer reads or, if `writes`, changes. An argument that would have to be copied is an
// error.
template <class T>
T* flat(const char* name, py::handle value, Index n, bool writes) {
  if (!py::isinstance<py::array_t<T, py::array::c_style>>(value))
    fail(PyExc_TypeError,
         std::string(name) + ": expected a C-contiguous array of the parameters' dtype, got " + show_array(value));
  const auto array = py::reinterpret_borrow<py::array>(value);
  if (array.ndim() != 1 || array.shape(0) != n)
    fail(PyExc_ValueError, std::string(name) + ": expected " + show({exactly(n)}) + ", got " + show_shape(array));
  if (reinterpret_cast<std::uintptr_t>(array.data()) % alignof(T) != 0)
    fail(PyExc_ValueError, std::string(name) + ": expected an aligned array, got one that is not");
  if (writes && !array.writeable())
    fail(PyExc_ValueError, std::string(name) + ": expected a writeable array, got a read-only one");
  return static_cast<T*>(const_cast<void*>(array.data()));
}

inline Index flat_size(py::handle params) {
  if (!py::isinstance<py::array>(params) || py::reinterpret_borrow<py::array>(params).ndim() != 1)
    fail(PyExc_TypeError, "params: expected a flat array, got " + type_name(params));
  return py::reinterpret_borrow<py::array>(params).shape(0);
}

template <class T, class Optimizer, class... Arrays>
void run(const Optimizer& optimizer, Index n, Arrays... arrays) {
  const auto release = release_gil(40.0 * static_cast<double>(n));
  update(optimizer, n, thread_settings.usable(), arrays...);
}

template <class T>
Preparation<T> preparation(double scale, double limit, double decay) {
  return {T(scale), T(limit), T(decay)};
}

template <class T>
void bind_optimizers(py::module_& module, const char* name) {
  struct Passes {};
  py::class_<Passes> passes(module, name, py::module_local(), "Optimizers over flat arrays.");
  passes.def_static("sgd", [](py::handle params, py::handle grads, py::handle buffer, double lr, double momentum,
                              bool nesterov, double scale, double limit, double decay) {
    const Index n = flat_size(params);
    T* const p = flat<T>("params", params, n, true);
    const T* const g = flat<T>("grads", grads, n, false);
    T* const b = momentum == 0 ? nullptr : flat<T>("buffer", buffer, n, true);
    run<T>(Sgd<T>{T(lr), T(momentum), nesterov, preparation<T>(scale, limit, decay)}, n, p, g, b);
  });
  passes.def_static("rmsprop", [](py::handle params, py::handle grads, py::handle square, py::handle buffer, double lr,
                                  double alpha, double eps, double momentum, double scale, double limit, double decay) {
    const Index n = flat_size(params);
    T* const p = flat<T>("params", params, n, true);
    const T* const g = flat<T>("grads", grads, n, false);
    T* const v = flat<T>("square", square, n, true);
    T* const b = momentum == 0 ? nullptr : flat<T>("buffer", buffer, n, true);
    const auto prepare = preparation<T>(scale, limit, decay);
    run<T>(RmsProp<T>{T(lr), T(alpha), T(1 - alpha), T(eps), T(momentum), prepare}, n, p, g, v, b);
  });
  passes.def_static(
      "adam", [](py::handle params, py::handle grads, py::handle mean, py::handle square, double step, double root,
                 double beta1, double beta2, double eps, double keep, double scale, double limit, double decay) {
        const Index n = flat_size(params);
        T* const p = flat<T>("params", params, n, true);
        const T* const g = flat<T>("grads", grads, n, false);
        T* const m = flat<T>("mean", mean, n, true);
        T* const v = flat<T>("square", square, n, true);
        const auto prepare = preparation<T>(scale, limit, decay);
        run<T>(Adam<T>{T(step), T(root), T(beta1), T(1 - beta1), T(beta2), T(1 - beta2), T(eps), T(keep), prepare}, n,
               p, g, m, v);
      });
  passes.def_static("sum_of_squares", [](py::handle grads) {
    const Index n = flat_size(grads);
    const T* const g = flat<T>("grads", grads, n, false);
    const auto release = release_gil(4.0 * static_cast<double>(n));
    return sum_of_squares<T>(g, n);
  });
}

}  // namespace binding
}  // namespace GATEWISE_ISA
}  // namespace gatewise
