// A tape as Python holds it, and the states and gates of every step that it shows.
#pragma once

#include <memory>
#include <utility>

#include "state.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace binding {

// A tape, and what backward must know about the forward call.
template <class T>
struct HeldTape {
  explicit HeldTape(Tape<T> made) : tape(std::move(made)) {}

  Tape<T> tape;
  std::shared_ptr<Buffer<T>> y;
  std::shared_ptr<const int> layer;  // the identity of the layer that made it
  Layout layout{};
  Index time = 0, batch = 0;
  py::object key;
};

inline void make_read_only(py::array& array) {
  py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
}

// A read-only array over memory that `owner` keeps alive; contiguous if `strides` is empty. Its base is not an array,
// so NumPy refuses to make it writeable.
template <class T, class OwnerOf>
py::array lend(const Shape& shape, const Shape& strides, const T* data, std::shared_ptr<OwnerOf> owner) {
  using Held = std::shared_ptr<OwnerOf>;
  const py::capsule base(new Held(std::move(owner)), [](void* held) { delete static_cast<Held*>(held); });
  py::array_t<T> array(shape, strides, data, base);
  make_read_only(array);
  return std::move(array);
}

// The shape of a state of every step: T, followed by the shape of the state.
inline Shape steps_shape(const Options& o, const Layout& layout, Index time, Index batch, Index features) {
  Shape shape = state_shape(o, layout, batch, features);
  shape.push_front(time);
  return shape;
}

// The states and gates of every step, read-only, with 0 at steps that are not taken. An array is a view of the tape's
// memory if the strides between steps, layers and sequences are constant there, which needs a unidirectional layer
// without lengths and masks. Otherwise it is a copy.
template <class T>
struct TapeArrays {
  std::shared_ptr<const HeldTape<T>> held;

  const Tape<T>& tape() const { return held->tape; }
  const Options& options() const { return tape().options; }

  // h: (T, L·D, B, Y). The y of several layers have no constant stride.
  py::array hidden(Index gates = 0) const {
    return array(gates, options().output_size(), 0, options().num_layers == 1,
                 [this](Index i, Index row) { return tape().state_at(State::h, i, row); });
  }
  // c: (T, L·D, B, H); None if the cell has no c.
  py::object cells() const {
    if (options().states() == 1) return py::none();
    require_all_saved("cells");
    return array(0, options().hidden_size, 0, true,
                 [this](Index i, Index row) { return tape().state_at(State::c, i, row); });
  }
  // The activated gates: (G, T, L·D, B, H), in the order i f g o or r z n. An RNN has one gate, which is its h.
  py::array gates() const {
    const Index G = options().gates();
    if (G == 1) return hidden(1);
    require_all_saved("gates");
    return array(G, options().hidden_size, tape().padded(), true,
                 [this](Index i, Index row) { return tape().saved_at(i, row); });
  }

 private:
  void require_all_saved(const char* name) const {
    if (tape().segment > 0)
      fail(PyExc_ValueError,
           std::string(name) + ": not available, because the tape has checkpoints; call forward without checkpoint");
  }

  // An array (gates, T, L·D, B, size), without the first axis if `gates` is 0. Gate g of a row is at(i, row) + g ·
  // pitch. `even`: whether the rows of all layers have a constant stride.
  template <class At>
  py::array array(Index gates, Index size, Index pitch, bool even, const At& at) const {
    Shape shape = steps_shape(options(), held->layout, held->time, held->batch, size);
    if (gates > 0) shape.push_front(gates);
    const Index batch = held->batch, recurrences = options().recurrences();
    if (even && options().directions() == 1 && tape().schedules[0].dense() && tape().schedules[0].rows() > 0) {
      const T* const first = at(0, 0);
      const auto bytes = [&](Index i, Index row) { return (at(i, row) - first) * static_cast<Index>(sizeof(T)); };
      Shape strides;
      if (gates > 0) strides.push_back(pitch * static_cast<Index>(sizeof(T)));
      strides.push_back(held->time > 1 ? bytes(0, batch) : 0);
      strides.push_back(recurrences > 1 ? bytes(1, 0) : 0);
      if (held->layout.batched) strides.push_back(batch > 1 ? bytes(0, 1) : 0);
      strides.push_back(sizeof(T));
      return lend(shape, strides, first, held);
    }
    auto copy = new_array<T>("tape", shape);
    std::fill_n(copy.mutable_data(), copy.size(), T(0));
    for (Index i = 0; i < recurrences; ++i) {
      const Schedule& schedule = tape().schedules[i % options().directions()];
      for (Index row = 0; row < schedule.rows(); ++row)
        for (Index g = 0; g < std::max<Index>(gates, 1); ++g) {
          const Index state = (g * held->time + schedule.time_of(row)) * recurrences + i;
          std::copy_n(at(i, row) + g * pitch, size,
                      copy.mutable_data() + (state * batch + schedule.sequence(row)) * size);
        }
    }
    make_read_only(copy);
    return std::move(copy);
  }
};

}  // namespace binding
}  // namespace GATEWISE_ISA
}  // namespace gatewise
