// Sigmoid and tanh of an array, computed as the cells do, in packets of any width: their error and bits are tested
// here.
#pragma once

#include "checks.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

template <class P, class Function>
void apply(const Function& function, const scalar_t<P>* from, scalar_t<P>* to, Index count) {
  for (Index i = 0; i < count; i += P::width) store(to + i, function(load<P>(from + i, count - i)), count - i);
}

template <class T, int W = narrowest<T>>
void apply(const std::string& name, Index width, const T* from, T* to, Index count) {
  using P = Packet<T, W>;
  if constexpr (W < widest<T>) {
    if (width > W) return apply<T, 2 * W>(name, width, from, to, count);
  }
  if (name == "tanh") return apply<P>([](P x) { return tanh(x); }, from, to, count);
  if (name == "sigmoid") return apply<P>([](P x) { return sigmoid(x); }, from, to, count);
  fail(PyExc_ValueError, "name: expected 'sigmoid' or 'tanh', got '" + name + "'");
}

template <class T>
void bind_activation(py::module_& module) {
  module.def(
      "activation",
      [](const std::string& name, const py::array_t<T>& x, Index width) {
        const py::array given = contiguous<T>("x", x);
        auto y = new_array<T>("y", {given.size()});
        const FloatMode mode;
        apply<T>(name, width, static_cast<const T*>(given.data()), y.mutable_data(), given.size());
        return y;
      },
      py::arg("name"), py::arg("x").noconvert(), py::arg("width"));
}

}  // namespace GATEWISE_ISA
}  // namespace gatewise
