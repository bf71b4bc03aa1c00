// The arguments that inference and training have in common, checked.
#pragma once

#include <vector>

#include "state.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace binding {

template <class T>
View<T> view_of(const Layout& layout, T* data, Index time, Index batch, Index features) {
  if (layout.batched && layout.batch_first) return {data, features, time * features};
  return View<T>::dense(data, batch, features);
}

inline Layout layout_of(const py::array& x, const Options& o, bool batch_first) {
  const auto features = exactly(o.input_size);
  const Dimensions batched =
      batch_first ? Dimensions{any("B"), any("T"), features} : Dimensions{any("T"), any("B"), features};
  const Dimensions single{any("T"), features};
  if (x.ndim() != 2 && x.ndim() != 3)
    fail(PyExc_ValueError, "x: expected " + show(batched) + " or " + show(single) + ", got " + show_shape(x));
  require_shape("x", x, x.ndim() == 3 ? batched : single);
  return {x.ndim() == 3, batch_first};
}

template <class T>
struct CallArguments {
  CallArguments(const Options& layer, bool batch_first, py::handle x_object, py::handle state_object,
                py::handle lengths_object, py::handle mask_object, py::handle resets_object)
      : options(layer),
        given(as_array<T>("x", x_object)),
        layout(layout_of(given, layer, batch_first)),
        x("x", given, layout),
        time(x.time),
        batch(x.batch),
        state("state", layer, state_object, layout, batch),
        last(layer, layout, batch) {
    if (!lengths_object.is_none() && !mask_object.is_none())
      fail(PyExc_ValueError, "lengths: expected None together with a mask, got both");
    count_of<Index>("x", {time, batch});
    call.batch.steps = time;
    call.batch.sequences = batch;
    if (!lengths_object.is_none()) {
      lengths = lengths_argument(lengths_object, layout, time, batch);
      // An empty vector may have no address, but the call must still see that lengths were given.
      call.batch.lengths = lengths.empty() ? &no_length : lengths.data();
    }
    if (!mask_object.is_none()) mask = FlagsArgument("mask", mask_object, layout, time, batch);
    if (!resets_object.is_none()) resets = FlagsArgument("resets", resets_object, layout, time, batch);
    call.batch.mask = mask.flags;
    call.batch.resets = resets.flags;
    call.x = x.view;
    call.initial_state = state.data();
    call.final_state = last.data();
  }

  Shape y_shape() const { return layout.shape(time, batch, options.features()); }
  View<T> y_view(T* y) const { return view_of(layout, y, time, batch, options.features()); }

  const Options& options;
  py::array given;
  Layout layout;
  ViewArgument<T> x;
  Index time, batch;
  StateArgument<T> state;
  StateResult<T> last;
  std::vector<Index> lengths;
  FlagsArgument mask, resets;
  ForwardCall<T> call;
  static constexpr Index no_length = 0;
};

}  // namespace binding
}  // namespace GATEWISE_ISA
}  // namespace gatewise
