// h and c as Python gives and takes them.
#pragma once

#include <optional>

#include "checks.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// The shape of h or c; a cell's has no axis of layers.
inline Shape state_shape(const Options& o, const Layout& layout, Index batch, Index features, bool cell) {
  Shape shape;
  if (!cell) shape.push_back(o.sequences());
  if (layout.batched) shape.push_back(batch);
  shape.push_back(features);
  return shape;
}

// h, or (h, c) of an LSTM; None, or a half that is None, is zeros.
template <class T>
struct StateArgument {
  StateArgument(const char* name, const Options& o, py::handle value, const Layout& layout, Index batch,
                bool cell = false) {
    if (value.is_none()) return;
    const auto part = [&](py::handle given, py::object& array, Index features, const char* index) {
      if (!given.is_none())
        array = shaped<T>(std::string(name) + index, given, exact(state_shape(o, layout, batch, features, cell)));
    };
    if (!o.is_lstm()) {
      part(value, h, o.output_size(), "");
      return;
    }
    const bool several = py::isinstance<py::tuple>(value) || py::isinstance<py::list>(value);
    if (!several || py::len(value) != 2)
      fail(PyExc_TypeError, std::string(name) + ": expected a pair (h, c), got " + type_name(value) +
                                (several ? " of " + std::to_string(py::len(value)) : ""));
    const auto pair = py::reinterpret_borrow<py::sequence>(value);
    part(pair[0], h, o.output_size(), "[0]");
    part(pair[1], c, o.hidden_size, "[1]");
  }

  const T* h_data() const { return data(h); }
  const T* c_data() const { return data(c); }

 private:
  static const T* data(const py::object& array) {
    return array ? static_cast<const T*>(py::reinterpret_borrow<py::array>(array).data()) : nullptr;
  }

  py::object h, c;  // arrays, or nothing: a py::array is made even where none is wanted
};

template <class T>
struct StateResult {
  StateResult(const Options& o, const Layout& layout, Index batch, bool cell = false)
      : h(new_array<T>("state", state_shape(o, layout, batch, o.output_size(), cell))) {
    if (o.is_lstm()) c.emplace(new_array<T>("state", state_shape(o, layout, batch, o.hidden_size, cell)));
  }
  T* h_data() { return h.mutable_data(); }
  T* c_data() { return c ? c->mutable_data() : nullptr; }
  py::object object() const {
    if (c) return py::make_tuple(h, *c);
    return h;
  }

 private:
  py::array_t<T> h;
  std::optional<py::array_t<T>> c;
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
