// A tape as Python holds it, and what it shows of every step.
#pragma once

#include <memory>
#include <utility>

#include "state.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// A tape and what a later backward must know of its call.
template <class T>
struct HeldTape {
  Tape<T> tape;
  std::shared_ptr<Buffer<T>> y;
  std::shared_ptr<const int> layer;  // whose it is
  Layout layout;
  Index time, batch;
  py::object key;
};

inline void make_read_only(py::array& array) {
  py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
}

// A read-only array over memory that `owner` keeps; without strides: without gaps. Its base is no array, so nobody can
// make it writeable.
template <class T, class Owner>
py::array lend(const Shape& shape, const Shape& strides, const T* data, std::shared_ptr<Owner> owner) {
  using Held = std::shared_ptr<Owner>;
  const py::capsule base(new Held(std::move(owner)), [](void* held) { delete static_cast<Held*>(held); });
  py::array_t<T> array(shape, strides, data, base);
  make_read_only(array);
  return std::move(array);
}

// What lies behind one axis more than a state has: one state for each step.
inline Shape steps_shape(const Options& o, const Layout& layout, Index time, Index batch, Index features) {
  Shape shape = state_shape(o, layout, batch, features, false);
  shape.push_front(time);
  return shape;
}

// The states and gates of every step, read-only; 0 at steps not taken. Where steps, layers and sequences lie evenly in
// the tape's memory, as those of one direction without lengths and masks do, it is a view, else a copy.
template <class T>
struct TapeArrays {
  std::shared_ptr<const HeldTape<T>> held;

  const Tape<T>& tape() const { return held->tape; }
  const Options& options() const { return tape().options; }

  // (T, L·D, B, Y). The layers' y lie apart.
  py::array hidden(Index parts = 0) const {
    return array(parts, options().output_size(), 0, options().num_layers == 1,
                 [this](Index i, Index row) { return tape().h_at(i, row); });
  }
  // (T, L·D, B, H), or None.
  py::object cells() const {
    if (!options().is_lstm()) return py::none();
    require_all_kept("cells");
    return array(0, options().hidden_size, 0, true, [this](Index i, Index row) { return tape().c_at(i, row); });
  }
  // (G, T, L·D, B, H): i, f, g, o; r, z, n; of an RNN its h.
  py::array gates() const {
    const Index G = options().gates();
    if (G == 1) return hidden(1);
    require_all_kept("gates");
    return array(G, options().hidden_size, tape().padded(), true,
                 [this](Index i, Index row) { return tape().kept_at(i, row); });
  }

 private:
  void require_all_kept(const char* name) const {
    if (tape().segment > 0)
      fail(PyExc_ValueError,
           std::string(name) + ": expected a tape that has kept every step, got one with checkpoints");
  }

  // An array (parts, T, L·D, B, size), or without the first axis where `parts` is 0: part p of the row that begins at
  // at(i, row) lies p · pitch behind it. `even`: whether the rows of all layers lie at equal distances.
  template <class At>
  py::array array(Index parts, Index size, Index pitch, bool even, const At& at) const {
    Shape shape = steps_shape(options(), held->layout, held->time, held->batch, size);
    if (parts > 0) shape.push_front(parts);
    const Index batch = held->batch, sequences = options().sequences();
    if (even && options().directions() == 1 && tape().schedules[0].dense() && tape().schedules[0].rows() > 0) {
      const T* const first = at(0, 0);
      const auto bytes = [&](Index i, Index row) { return (at(i, row) - first) * static_cast<Index>(sizeof(T)); };
      Shape strides;
      if (parts > 0) strides.push_back(pitch * static_cast<Index>(sizeof(T)));
      strides.push_back(held->time > 1 ? bytes(0, batch) : 0);
      strides.push_back(sequences > 1 ? bytes(1, 0) : 0);
      if (held->layout.batched) strides.push_back(batch > 1 ? bytes(0, 1) : 0);
      strides.push_back(sizeof(T));
      return lend(shape, strides, first, held);
    }
    auto copy = new_array<T>("tape", shape);
    std::fill_n(copy.mutable_data(), copy.size(), T(0));
    for (Index i = 0; i < sequences; ++i) {
      const Schedule& schedule = tape().schedules[i % options().directions()];
      for (Index row = 0; row < schedule.rows(); ++row)
        for (Index p = 0; p < std::max<Index>(parts, 1); ++p) {
          const Index state = (p * held->time + schedule.time_of(row)) * sequences + i;
          std::copy_n(at(i, row) + p * pitch, size,
                      copy.mutable_data() + (state * batch + schedule.sequence(row)) * size);
        }
    }
    make_read_only(copy);
    return std::move(copy);
  }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
