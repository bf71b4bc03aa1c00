// Activations of an array, computed as in the cells, in packets of a given width. Tests check their error and bits.
// alpha is 1 and beta is 0.
#pragma once

#include "options.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace binding {

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
        Activation<T> function;
        function.function = function_of(name);
        function.alpha = 1;
        apply<T>(function, width, static_cast<const T*>(given.data()), y.mutable_data(), given.size());
        return y;
      },
      py::arg("name"), py::arg("x").noconvert(), py::arg("width"));
}

}  // namespace binding
}  // namespace GATEWISE_ISA
}  // namespace gatewise
