// Strided views of the caller's arrays, indexed by time step t and sequence b.
#pragma once

#include "base.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// A view of [T, B, features] or, with other strides, of [B, T, features]. It can also show only one direction's half
// of the features.
template <class T>
struct View {
  T* data = nullptr;
  Index time_stride = 0, batch_stride = 0;  // in elements

  // A view of [T, B, features] without gaps.
  static View dense(T* data, Index batch, Index features) {
    View view;
    view.data = data;
    view.time_stride = batch * features;
    view.batch_stride = features;
    return view;
  }

  T* at(Index t, Index b) const { return data + t * time_stride + b * batch_stride; }
  View shifted(Index features) const { return {data + features, time_stride, batch_stride}; }
  operator View<const T>() const { return {data, time_stride, batch_stride}; }
  explicit operator bool() const { return data != nullptr; }
};

// A view of booleans at (t, b); data is null if there are none.
struct Flags {
  const unsigned char* data = nullptr;
  Index time_stride = 0, batch_stride = 0;

  bool at(Index t, Index b) const { return data[t * time_stride + b * batch_stride] != 0; }
  explicit operator bool() const { return data != nullptr; }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
