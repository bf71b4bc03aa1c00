// Definitions for every header: the namespace of the instruction set, the index type, and inlining attributes.
#pragma once

#include <cstddef>

#if defined(__FAST_MATH__)
#error "gatewise needs exact floating-point semantics: compile without -ffast-math"
#endif

// All code is in the namespace gatewise::<instruction set>, so that builds for two instruction sets can be loaded into
// one process without mixing.
#ifndef GATEWISE_ISA
#if defined(__AVX512F__)
#define GATEWISE_ISA local_avx512
#elif defined(__AVX2__)
#define GATEWISE_ISA local_avx2
#else
#define GATEWISE_ISA local
#endif
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define GATEWISE_INLINE __forceinline
#define GATEWISE_INLINE_LAMBDA
#define GATEWISE_NOINLINE __declspec(noinline)
#define GATEWISE_UNROLL
#elif defined(__clang__)
#define GATEWISE_INLINE inline __attribute__((always_inline))
#define GATEWISE_INLINE_LAMBDA __attribute__((always_inline))
#define GATEWISE_NOINLINE __attribute__((noinline))
#define GATEWISE_UNROLL _Pragma("clang loop unroll(full)")
#else
#define GATEWISE_INLINE inline __attribute__((always_inline))
#define GATEWISE_INLINE_LAMBDA __attribute__((always_inline))
#define GATEWISE_NOINLINE __attribute__((noinline))
#define GATEWISE_UNROLL _Pragma("GCC unroll 32")
#endif

namespace gatewise {
inline namespace GATEWISE_ISA {

using Index = std::ptrdiff_t;

namespace detail {

constexpr Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }
constexpr Index round_up(Index a, Index b) { return ceil_div(a, b) * b; }

}  // namespace detail

}  // namespace GATEWISE_ISA
}  // namespace gatewise
