// A look at somebody's numbers: rows of features at (t, b).
#pragma once

#include "base.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// [T, B, features] in any order of the first two: batch_first and the directions' halves are strides.
template <class T>
struct Rows {
  T* data = nullptr;
  Index time_stride = 0, batch_stride = 0;  // in elements

  T* at(Index t, Index b) const { return data + t * time_stride + b * batch_stride; }
  Rows shifted(Index features) const { return {data + features, time_stride, batch_stride}; }
  operator Rows<const T>() const { return {data, time_stride, batch_stride}; }
  explicit operator bool() const { return data != nullptr; }
};

// Truth values at (t, b); absent: null.
struct Flags {
  const unsigned char* data = nullptr;
  Index time_stride = 0, batch_stride = 0;

  bool at(Index t, Index b) const { return data[t * time_stride + b * batch_stride] != 0; }
  explicit operator bool() const { return data != nullptr; }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
