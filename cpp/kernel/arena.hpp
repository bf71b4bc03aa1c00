// Memory of the core: aligned and uninitialized. Sizes that cannot be allocated throw std::bad_alloc.
#pragma once

#include <limits>
#include <new>
#include <utility>

#include "pool.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// Owns memory for `count` numbers. Throws std::bad_alloc if the size in bytes overflows or memory is exhausted.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Index count) : data_(allocate(count)), count_(count) {}
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~Buffer() { Pool::give(data_, count_ * static_cast<Index>(sizeof(T))); }

  T* get() const { return data_; }
  Index size() const { return count_; }
  T& operator[](Index i) const { return data_[i]; }

 private:
  static T* allocate(Index count) {
    if (count < 0 || count > std::numeric_limits<Index>::max() / static_cast<Index>(sizeof(T)) / 2)
      throw std::bad_alloc();
    return static_cast<T*>(Pool::take(count * static_cast<Index>(sizeof(T))));
  }

  T* data_ = nullptr;
  Index count_ = 0;
};

// Hands out pieces of one block. Without a block it only adds up the sizes. Scratch types use this: their constructor
// runs twice, first to measure the memory they need, then to take it.
class Arena {
 public:
  explicit Arena(std::byte* block = nullptr) : block_(block) {}

  // Takes memory for count · times numbers. Throws std::bad_alloc if the size overflows.
  template <class T>
  GATEWISE_INLINE T* take(Index count, Index times = 1) {
    const Index left = (std::numeric_limits<Index>::max() - used_ - alignment) / static_cast<Index>(sizeof(T));
    if (count < 0 || count > left || (times > 1 && count > left / times)) throw std::bad_alloc();
    const Index begin = used_;
    used_ = round_up(begin + count * times * static_cast<Index>(sizeof(T)), alignment);
    return block_ ? reinterpret_cast<T*>(block_ + begin) : nullptr;
  }
  Index used() const { return used_; }

 private:
  std::byte* block_;
  Index used_ = 0;
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
