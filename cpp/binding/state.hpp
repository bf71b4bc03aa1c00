// The state of a layer as Python passes it: h alone, or a tuple of all states, such as (h, c).
#pragma once

#include <optional>

#include "checks.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace binding {

// Whether a state belongs to a layer, (L·D, B, …), or to a single cell, (B, …).
enum class Owner { layer, cell };

inline Shape state_shape(const Options& o, const Layout& layout, Index batch, Index features,
                         Owner owner = Owner::layer) {
  Shape shape;
  if (owner == Owner::layer) shape.push_back(o.recurrences());
  if (layout.batched) shape.push_back(batch);
  shape.push_back(features);
  return shape;
}

// A state that was passed in. None, or an item that is None, stands for zeros.
template <class T>
struct StateArgument {
  StateArgument(const char* name, const Options& o, py::handle value, const Layout& layout, Index batch,
                Owner owner = Owner::layer) {
    if (value.is_none()) return;
    const auto take = [&](py::handle given, int state, const std::string& index) {
      if (!given.is_none())
        arrays[state] =
            shaped<T>(name + index, given, exact(state_shape(o, layout, batch, o.state_size(state), owner)));
    };
    if (o.states() == 1) {
      take(value, State::h, "");
      return;
    }
    const bool several = py::isinstance<py::tuple>(value) || py::isinstance<py::list>(value);
    if (!several || py::len(value) != static_cast<std::size_t>(o.states()))
      fail(PyExc_TypeError, std::string(name) + ": expected " + o.traits().state_form + ", got " + type_name(value) +
                                (several ? " of " + std::to_string(py::len(value)) : ""));
    const auto items = py::reinterpret_borrow<py::sequence>(value);
    for (int s = 0; s < o.states(); ++s) take(items[static_cast<std::size_t>(s)], s, "[" + std::to_string(s) + "]");
  }

  PerState<const T*> data() const {
    PerState<const T*> data;
    for (int s = 0; s < most_states; ++s)
      if (arrays[s]) data[s] = static_cast<const T*>(py::reinterpret_borrow<py::array>(arrays[s]).data());
    return data;
  }

 private:
  PerState<py::object> arrays;  // not py::array, because its default constructor allocates
};

// A state that a call returns.
template <class T>
struct StateResult {
  StateResult(const Options& o, const Layout& layout, Index batch, Owner owner = Owner::layer) : states(o.states()) {
    for (int s = 0; s < states; ++s)
      arrays[s].emplace(new_array<T>("state", state_shape(o, layout, batch, o.state_size(s), owner)));
  }
  PerState<T*> data() {
    PerState<T*> data;
    for (int s = 0; s < states; ++s) data[s] = arrays[s]->mutable_data();
    return data;
  }
  py::object object() const {
    if (states == 1) return *arrays[State::h];
    py::tuple all(static_cast<std::size_t>(states));
    for (int s = 0; s < states; ++s) all[static_cast<std::size_t>(s)] = *arrays[s];
    return std::move(all);
  }

 private:
  int states;
  PerState<std::optional<py::array_t<T>>> arrays;
};

}  // namespace binding
}  // namespace GATEWISE_ISA
}  // namespace gatewise
