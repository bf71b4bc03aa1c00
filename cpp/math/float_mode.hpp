// The floating-point mode of the core: round to nearest, exceptions masked, denormals flushed to zero. FloatMode sets
// it and restores the caller's mode.
#pragma once

#include <cstdint>

#include "base.hpp"

#if defined(__SSE2__) || defined(_M_X64)
#include <xmmintrin.h>
#elif defined(_M_ARM64)
#include <intrin.h>
#endif

namespace gatewise {
inline namespace GATEWISE_ISA {

namespace detail {

// Tells the processor that this thread is spinning while it waits for another.
inline void spin_pause() {
#if defined(__SSE2__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

}  // namespace detail

class FloatMode {
 public:
  FloatMode() : saved_(read()) {
    write(ours);
    keep_order();
  }
  ~FloatMode() {
    keep_order();
    write(saved_);
  }
  FloatMode(const FloatMode&) = delete;
  FloatMode& operator=(const FloatMode&) = delete;

 private:
  // Keeps the compiler from moving arithmetic on memory across a change of the mode.
  static void keep_order() {
#if defined(__GNUC__)
    __asm__ __volatile__("" ::: "memory");
#endif
  }

#if defined(__SSE2__) || defined(_M_X64)
  using Word = unsigned;
  static constexpr Word ours = 0x9FC0;  // MXCSR: all exceptions masked, flush to zero, denormals are zero
  static Word read() { return _mm_getcsr(); }
  static void write(Word word) { _mm_setcsr(word); }
#elif defined(__aarch64__)
  using Word = std::uint64_t;
  static constexpr Word ours = Word{1} << 24;  // FPCR: FZ, which covers operands and results
  static Word read() {
    Word word;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(word));
    return word;
  }
  static void write(Word word) { __asm__ __volatile__("msr fpcr, %0" : : "r"(word)); }
#elif defined(_M_ARM64)
  using Word = std::int64_t;
  static constexpr Word ours = Word{1} << 24;
  static Word read() { return _ReadStatusReg(ARM64_FPCR); }
  static void write(Word word) { _WriteStatusReg(ARM64_FPCR, word); }
#else
#error "gatewise supports x86-64 and arm64 only"
#endif
  Word saved_;
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
