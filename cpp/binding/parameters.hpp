// Packs the parameters of a layer, which Python passes as a list of arrays.
#pragma once

#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

#include "checks.hpp"
#include "threads.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace binding {

// Runs `compute`. A bad_alloc becomes a MemoryError whose message shows got(), the size. If the call was interrupted,
// the exception that the signal's handler raised is passed on.
template <class Got, class Compute>
void guard(const char* name, const Got& got, const Compute& compute) {
  try {
    return compute();
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  } catch (const Stopped&) {
    throw py::error_already_set();
  }
  fail(PyExc_MemoryError, std::string(name) + ": expected a size that fits into memory, got " + got());
}

// Calls each(place, shape) for every parameter, in the order of state_dict. A place is a member of `list`, which has
// Parameters for every layer and direction.
template <class List, class Each>
void for_each_parameter(const Options& o, List& list, const Each& each) {
  const Index rows = o.gates() * o.hidden_size;
  for (Index i = 0; i < o.recurrences(); ++i) {
    auto& p = list[static_cast<std::size_t>(i)];
    each(p.weight_ih, Shape{rows, o.layer_input_size(i / o.directions())});
    if (o.traits().reads_h) each(p.weight_hh, Shape{rows, o.output_size()});
    if (o.bias) each(p.bias_ih, Shape{rows});
    if (o.bias && o.traits().reads_h) each(p.bias_hh, Shape{rows});
    if (o.proj_size > 0) each(p.weight_hr, Shape{o.proj_size, o.hidden_size});
    if (o.traits().peepholes) each(p.weight_peephole, Shape{3, o.hidden_size});
  }
}

// The total number of elements of all parameters.
template <class T, class List>
Index parameters_size(const Options& o, List& list) {
  Index size = 0;
  for_each_parameter(o, list, [&](const auto&, const Shape& shape) { size += count_of<T>("params", shape); });
  return size;
}

template <class T>
using ParameterPointers = std::vector<Parameters<const T>>;

// The addresses of a list of arrays, in the order of state_dict.
template <class T>
ParameterPointers<T> read_parameters(const Options& o, const py::list& arrays) {
  ParameterPointers<T> pointers(static_cast<std::size_t>(o.recurrences()));
  std::size_t next = 0;
  for_each_parameter(o, pointers, [&](const T*& place, const Shape& shape) {
    if (next == arrays.size() || !py::isinstance<py::array_t<T, py::array::c_style>>(arrays[next]))
      fail(PyExc_TypeError, "parameters: expected a list of all, as contiguous arrays of the layer's dtype");
    const auto array = py::reinterpret_borrow<py::array>(arrays[next++]);
    require_shape("parameters", array, exact(shape));
    place = static_cast<const T*>(array.data());
  });
  return pointers;
}

// Packed parameters and, if others may write to the arrays, a copy of the values that were packed.
template <class T>
struct PackedParameters {
  std::shared_ptr<const Weights<T>> weights;
  Buffer<T> values;  // of all parameters, one after another; or empty

  // Whether the values are bit-identical to the current ones: a NaN equals itself, and -0 differs from 0.
  bool same(const Options& o, const ParameterPointers<T>& pointers) const {
    const auto release = release_gil(static_cast<double>(values.size()));
    bool same = values.size() > 0;
    const T* before = values.get();
    for_each_parameter(o, pointers, [&](const T* now, const Shape& shape) {
      const Index count = count_of<T>("params", shape);
      same = same && std::memcmp(now, before, static_cast<std::size_t>(count) * sizeof(T)) == 0;
      before += count;
    });
    return same;
  }
};

template <class T>
std::shared_ptr<const PackedParameters<T>> pack_parameters(const Stack<T>& stack, const ParameterPointers<T>& pointers,
                                                           bool copy_values = false) {
  const auto& o = stack.options();
  const auto packed = std::make_shared<PackedParameters<T>>();
  guard(
      "parameters", [] { return "no memory for their packs"; },
      [&] {
        const py::gil_scoped_release release;
        // The values are copied before they are packed. If one is written in between, the copy differs from it, so the
        // next comparison notices the change.
        if (copy_values) {
          packed->values = Buffer<T>(parameters_size<T>(o, pointers));
          T* to = packed->values.get();
          for_each_parameter(o, pointers, [&](const T* from, const Shape& shape) {
            to = std::copy_n(from, count_of<T>("params", shape), to);
          });
        }
        packed->weights = stack.pack(pointers);
      });
  return packed;
}

}  // namespace binding
}  // namespace GATEWISE_ISA
}  // namespace gatewise
