// Activations of an array, computed as the cells do, in packets of any width: their error and bits are tested here.
// alpha is 1 and beta 0.
#pragma once

#include "options.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

template <class T, int W = narrowest<T>>
void apply(const Activation<T>& activation, Index width, const T* from, T* to, Index count) {
  using P = Packet<T, W>;
  if constexpr (W < widest<T>) {
    if (width > W) return apply<T, 2 * W>(activation, width, from, to, count);
  }
  for (Index i = 0; i < count; i += W) store(to + i, activate(activation, load<P>(from + i, count - i)), count - i);
}

template <class T>
void bind_activation(py::module_& module) {
  module.def(
      "activation",
      [](const std::string& name, const py::array_t<T>& x, Index width) {
        const py::array given = contiguous<T>("x", x);
        auto y = new_array<T>("y", {given.size()});
        const FloatMode mode;
        apply<T>({function_of(name), T(1), T(0)}, width, static_cast<const T*>(given.data()), y.mutable_data(),
                 given.size());
        return y;
      },
      py::arg("name"), py::arg("x").noconvert(), py::arg("width"));
}

}  // namespace GATEWISE_ISA
}  // namespace gatewise
