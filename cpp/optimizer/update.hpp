// Optimizers as single passes over flat arrays of n numbers: the parameters p, the gradients g and the optimizer's
// state. These are plain loops, which the compiler vectorizes. A product and a sum are rounded separately, so results
// are bit-identical on every instruction set.
#pragma once

#include <cmath>
#include <limits>

#include "../kernel/team.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// Prepares a gradient for the optimizer: scales it, clips it to [-limit, limit] and adds the L2 penalty decay·p.
template <class T>
struct Preparation {
  T scale = 1, limit = std::numeric_limits<T>::infinity(), decay = 0;

  GATEWISE_INLINE T operator()(T g, T p) const {
    g *= scale;
    g = g < -limit ? -limit : g;
    g = limit < g ? limit : g;
    return g + decay * p;
  }
};

// Sutskever et al. 2013, in PyTorch's form: b ← momentum·b + g; p ← p − lr·b, or Nesterov's p − lr·(g + momentum·b).
template <class T>
struct Sgd {
  T lr, momentum;
  bool nesterov;
  Preparation<T> prepare;

  // b may be null if momentum is 0.
  void operator()(Index begin, Index end, T* p, const T* g, T* b) const {
    if (momentum == 0) {
      for (Index i = begin; i < end; ++i) p[i] -= lr * prepare(g[i], p[i]);
      return;
    }
    const T ahead = nesterov ? momentum : T(1), own = nesterov ? T(1) : T(0);
    for (Index i = begin; i < end; ++i) {
      const T d = prepare(g[i], p[i]);
      b[i] = momentum * b[i] + d;
      p[i] -= lr * (own * d + ahead * b[i]);
    }
  }
};

// Tieleman and Hinton 2012, in PyTorch's form: v ← α·v + (1−α)·g²; d = g / (√v + ε); with momentum b ← momentum·b + d.
template <class T>
struct RmsProp {
  T lr, alpha, rest, eps, momentum;
  Preparation<T> prepare;

  // b may be null if momentum is 0.
  void operator()(Index begin, Index end, T* p, const T* g, T* v, T* b) const {
    const auto direction = [&](Index i) {
      const T d = prepare(g[i], p[i]);
      v[i] = alpha * v[i] + rest * d * d;
      return d / (std::sqrt(v[i]) + eps);
    };
    if (momentum == 0) {
      for (Index i = begin; i < end; ++i) p[i] -= lr * direction(i);
      return;
    }
    for (Index i = begin; i < end; ++i) {
      b[i] = momentum * b[i] + direction(i);
      p[i] -= lr * b[i];
    }
  }
};

// Kingma and Ba 2015, Algorithm 1. With keep < 1 it is AdamW: first p ← keep·p (Loshchilov and Hutter 2019).
// step = lr / (1 − β1ᵗ), root = √(1 − β2ᵗ).
template <class T>
struct Adam {
  T step, root, beta1, rest1, beta2, rest2, eps, keep;
  Preparation<T> prepare;

  void operator()(Index begin, Index end, T* p, const T* g, T* m, T* v) const {
    for (Index i = begin; i < end; ++i) {
      const T d = prepare(g[i], p[i]);
      m[i] = beta1 * m[i] + rest1 * d;
      v[i] = beta2 * v[i] + rest2 * d * d;
      p[i] = keep * p[i] - step * m[i] / (std::sqrt(v[i]) / root + eps);
    }
  }
};

// Runs an optimizer over n numbers. Above about ten microseconds of work it uses several threads, each with its own
// range of numbers.
template <class Optimizer, class... Arrays>
void update(const Optimizer& optimizer, Index n, int threads, Arrays... arrays) {
  constexpr Index worth_a_team = 1 << 16;
  Team team(n < worth_a_team ? 1 : threads);
  const auto work = [&](Member member) { optimizer(member.begin(n), member.end(n), arrays...); };
  if (!team.run(work)) team.run(work);
}

// Σ g² in double, in an order that does not depend on the packet width.
template <class T>
double sum_of_squares(const T* g, Index n) {
  constexpr Index lanes = 16;
  double sums[lanes] = {};
  const FloatMode mode;
  Index i = 0;
  for (; i + lanes <= n; i += lanes)
    for (Index lane = 0; lane < lanes; ++lane) {
      const double value = g[i + lane];
      sums[lane] += value * value;
    }
  for (Index lane = 0; i + lane < n; ++lane) sums[lane] += static_cast<double>(g[i + lane]) * g[i + lane];
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
