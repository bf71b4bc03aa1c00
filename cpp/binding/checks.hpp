// Turns Python's arguments into checked arrays. All errors of shape, dtype and range are raised here.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <vector>

#include "../layer/stream.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace binding {

namespace py = pybind11;
using namespace detail;

// A list of at most as many items as an array has dimensions. It allocates nothing.
template <class T>
class Few {
 public:
  Few() = default;
  Few(std::initializer_list<T> items) : Few(items.begin(), items.end()) {}
  Few(const T* first, const T* last) { size_ = static_cast<std::size_t>(std::copy(first, last, items_) - items_); }
  Few(const Few& other) : Few(other.begin(), other.end()) {}
  Few& operator=(const Few& other) {
    size_ = static_cast<std::size_t>(std::copy(other.begin(), other.end(), items_) - items_);
    return *this;
  }

  std::size_t size() const { return size_; }
  const T* data() const { return items_; }
  const T* begin() const { return items_; }
  const T* end() const { return items_ + size_; }
  const T& operator[](std::size_t i) const { return items_[i]; }
  void push_back(const T& item) { items_[size_++] = item; }
  void push_front(const T& item) {
    std::copy_backward(begin(), end(), items_ + size_ + 1);
    items_[0] = item;
    ++size_;
  }
  void pop_back() { --size_; }

 private:
  T items_[64];  // NumPy's limit
  std::size_t size_ = 0;
};

using Shape = Few<py::ssize_t>;

[[noreturn]] inline void fail(PyObject* type, const std::string& message) {
  PyErr_SetString(type, message.c_str());
  throw py::error_already_set();
}

// Makes type.__new__ raise. It would make an instance without a C++ value, whose methods would crash.
inline void refuse_new(py::object type, const char* message) {
  const py::cpp_function refuse([message](const py::args&, const py::kwargs&) { fail(PyExc_TypeError, message); });
  type.attr("__new__") = py::reinterpret_steal<py::object>(PyStaticMethod_New(refuse.ptr()));
}

// A dimension as messages show it: its size, or a letter where any size is allowed.
struct Dimension {
  const char* letter;
  py::ssize_t size;
};
using Dimensions = Few<Dimension>;
inline Dimension any(const char* letter) { return {letter, -1}; }
inline Dimension exactly(py::ssize_t size) { return {nullptr, size}; }

inline std::string show(const Dimensions& dimensions) {
  std::string text = "(";
  for (std::size_t i = 0; i < dimensions.size(); ++i) {
    if (i > 0) text += ", ";
    text += dimensions[i].letter ? dimensions[i].letter : std::to_string(dimensions[i].size);
  }
  return text + (dimensions.size() == 1 ? ",)" : ")");
}

inline Dimensions exact(const Shape& shape) {
  Dimensions dimensions;
  for (const auto size : shape) dimensions.push_back(exactly(size));
  return dimensions;
}

inline std::string show_shape(const py::array& array) {
  return show(exact(Shape(array.shape(), array.shape() + array.ndim())));
}

inline bool fits(const py::array& array, const Dimensions& dimensions) {
  if (array.ndim() != static_cast<py::ssize_t>(dimensions.size())) return false;
  for (std::size_t i = 0; i < dimensions.size(); ++i)
    if (!dimensions[i].letter && array.shape(static_cast<py::ssize_t>(i)) != dimensions[i].size) return false;
  return true;
}

inline void require_shape(const std::string& name, const py::array& array, const Dimensions& expected) {
  if (!fits(array, expected))
    fail(PyExc_ValueError, name + ": expected " + show(expected) + ", got " + show_shape(array));
}

// Returns the number of elements of a shape. Raises MemoryError if their bytes cannot be addressed.
template <class T>
Index count_of(const std::string& name, const Shape& shape) {
  Index count = 1;
  for (const auto size : shape) {
    if (size > 0 && count > std::numeric_limits<Index>::max() / static_cast<Index>(sizeof(T)) / size) {
      fail(PyExc_MemoryError, name + ": expected a size that can be addressed, got " + show(exact(shape)));
    }
    count *= size;
  }
  return count;
}

// NumPy's dtype object of T. There is only one, so it can be compared by address.
template <class T>
PyObject* type_of() {
  static PyObject* const type = py::dtype::of<T>().release().ptr();
  return type;
}

// A new array. Its MemoryError says what it was for. It is made by NumPy itself, because pybind11's constructors copy
// the shape first.
template <class T>
py::array_t<T> new_array(const std::string& name, const Shape& shape) {
  const Index count = count_of<T>(name, shape);
  const auto& numpy = py::detail::npy_api::get();
  PyObject* const made =
      numpy.PyArray_NewFromDescr_(numpy.PyArray_Type_, py::handle(type_of<T>()).inc_ref().ptr(),
                                  static_cast<int>(shape.size()), shape.data(), nullptr, nullptr, 0, nullptr);
  if (made) return py::reinterpret_steal<py::array_t<T>>(made);
  if (!PyErr_ExceptionMatches(PyExc_MemoryError) && !PyErr_ExceptionMatches(PyExc_ValueError))
    throw py::error_already_set();
  PyErr_Clear();
  fail(PyExc_MemoryError,
       name + ": not enough memory for " + std::to_string(count * static_cast<Index>(sizeof(T))) + " bytes");
}

// Whether a value is an array of T already, in this machine's byte order.
template <class T>
bool holds(py::handle value) {
  const auto& numpy = py::detail::npy_api::get();
  if (!numpy.PyArray_Check_(value.ptr())) return false;
  PyObject* const found = py::detail::array_proxy(value.ptr())->descr;
  return found == type_of<T>() || numpy.PyArray_EquivTypes_(found, type_of<T>());
}

inline std::string type_name(py::handle value) { return py::str(py::type::of(value).attr("__name__")); }
// How a message shows a value that should have been a C-contiguous array.
inline std::string show_array(py::handle value) {
  if (!py::isinstance<py::array>(value)) return type_name(value);
  const auto array = py::reinterpret_borrow<py::array>(value);
  const bool contiguous = (array.flags() & py::array::c_style) != 0;
  return std::string(contiguous ? "one" : "a strided one") + " of " + std::string(py::str(array.dtype()));
}

// Returns the argument as an array that NumPy's same_kind casting can convert to T. It is not converted yet, so that
// the shape can be checked before a large array is copied.
template <class T>
py::array as_array(const std::string& name, py::handle value) {
  if (holds<T>(value)) return py::reinterpret_borrow<py::array>(value);
  const auto numpy = py::module_::import("numpy");
  const py::dtype wanted = py::dtype::of<T>();
  py::array array;
  try {
    array = numpy.attr("asarray")(value);
  } catch (py::error_already_set& error) {
    if (error.matches(PyExc_MemoryError) || !error.matches(PyExc_Exception)) throw;
    fail(PyExc_TypeError, name + ": expected an array of " + std::string(py::str(wanted)) + ", got " +
                              type_name(value) + ": " + std::string(py::str(error.value())));
  }
  // An empty list has no dtype of its own, so NumPy's default for it does not matter.
  const bool empty_list = array.size() == 0 && !py::hasattr(value, "dtype");
  if (!empty_list && !numpy.attr("can_cast")(array.dtype(), wanted, "same_kind").template cast<bool>())
    fail(PyExc_TypeError, name + ": expected an array that converts to " + std::string(py::str(wanted)) + ", got " +
                              std::string(py::str(array.dtype())));
  return array;
}

// Runs a NumPy call that may copy. Its MemoryError names the argument.
template <class Copy>
py::array copied(const std::string& name, const Copy& copy) {
  try {
    return copy();
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_MemoryError)) throw;
    fail(PyExc_MemoryError, name + ": not enough memory for a copy");
  }
}

// The array, converted to T.
template <class T>
py::array cast(const std::string& name, const py::array& array) {
  if (holds<T>(array)) return array;
  count_of<T>(name, Shape(array.shape(), array.shape() + array.ndim()));
  return copied(name, [&] {
    return array.attr("astype")(py::dtype::of<T>(), py::arg("copy") = false, py::arg("casting") = "unsafe");
  });
}

// The array, converted to T, contiguous and aligned.
template <class T>
py::array contiguous(const std::string& name, const py::array& given) {
  const py::array array = cast<T>(name, given);
  const bool aligned = reinterpret_cast<std::uintptr_t>(array.data()) % alignof(T) == 0;
  if ((array.flags() & py::array::c_style) && aligned) return array;
  count_of<T>(name, Shape(array.shape(), array.shape() + array.ndim()));
  return copied(
      name, [&] { return py::module_::import("numpy").attr("require")(array, py::none(), py::make_tuple("C", "A")); });
}

// An argument that must have this shape, converted to T and contiguous.
template <class T>
py::array shaped(const std::string& name, py::handle value, const Dimensions& expected) {
  const py::array array = as_array<T>(name, value);
  require_shape(name, array, expected);
  return contiguous<T>(name, array);
}

// The order of an argument's axes: time first, batch first, or without a batch.
struct Layout {
  bool batched, batch_first;

  int time_axis() const { return batched && batch_first ? 1 : 0; }
  int batch_axis() const { return batch_first ? 0 : 1; }
  Shape shape(Index time, Index batch, Index features) const {
    if (!batched) return {time, features};
    return batch_first ? Shape{batch, time, features} : Shape{time, batch, features};
  }
};

// An argument (T, B, features) in some order of axes. It is read in place if its features are contiguous and aligned,
// and copied if not.
template <class T>
struct ViewArgument {
  py::array array;
  View<const T> view;
  Index time = 0, batch = 1;

  ViewArgument(const std::string& name, const py::array& given, const Layout& layout) : array(cast<T>(name, given)) {
    const int last = static_cast<int>(array.ndim()) - 1;
    constexpr auto item = static_cast<py::ssize_t>(sizeof(T));
    bool direct = reinterpret_cast<std::uintptr_t>(array.data()) % alignof(T) == 0 &&
                  (array.shape(last) <= 1 || array.strides(last) == item);
    for (int axis = 0; axis < last; ++axis) direct = direct && array.strides(axis) % item == 0;
    if (!direct) array = contiguous<T>(name, array);
    time = array.shape(layout.time_axis());
    view.data = static_cast<const T*>(array.data());
    view.time_stride = array.strides(layout.time_axis()) / item;
    if (layout.batched) {
      batch = array.shape(layout.batch_axis());
      view.batch_stride = array.strides(layout.batch_axis()) / item;
    }
  }
};

// The lengths, checked, and copied so that nobody can change them during the call.
inline std::vector<Index> lengths_argument(py::handle value, const Layout& layout, Index time, Index batch) {
  const py::array array =
      shaped<std::int64_t>("lengths", value, layout.batched ? Dimensions{exactly(batch)} : Dimensions{});
  const auto* const data = static_cast<const std::int64_t*>(array.data());
  std::vector<Index> lengths(data, data + batch);
  for (const Index length : lengths)
    if (length < 0 || length > time)
      fail(PyExc_ValueError,
           "lengths: expected integers from 0 to " + std::to_string(time) + ", got " + std::to_string(length));
  return lengths;
}

// A mask or resets, checked, and copied so that nobody can change them during the call.
struct FlagsArgument {
  std::vector<unsigned char> copy;
  Flags flags;

  FlagsArgument() = default;
  FlagsArgument(const char* name, py::handle value, const Layout& layout, Index time, Index batch) {
    Shape expected = layout.shape(time, batch, 0);
    expected.pop_back();
    const py::array array = shaped<bool>(name, value, exact(expected));
    const auto* const data = static_cast<const unsigned char*>(array.data());
    copy.assign(data, data + time * batch);
    const bool batch_first = layout.batched && layout.batch_first;
    flags = {copy.data(), batch_first ? 1 : batch, batch_first ? time : 1};
  }
};

}  // namespace binding
}  // namespace GATEWISE_ISA
}  // namespace gatewise
