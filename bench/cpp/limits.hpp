// The machine's peak: how many fused multiply-adds per second it reaches, measured on numbers that stay in registers.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "math/float_mode.hpp"
#include "math/packet.hpp"

namespace bench {

using namespace gatewise;
using namespace gatewise::detail;

// The seconds that work(thread) takes on `threads` threads, from their common start until the last one ends: the best
// of several rounds.
template <class Work>
double best_seconds(int threads, int rounds, const Work& work) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9;
  for (int round = 0; round < rounds; ++round) {
    std::atomic<int> ready{0};
    std::vector<Clock::time_point> begins(static_cast<std::size_t>(threads)), ends(begins);
    const auto run = [&](int thread) {
      ++ready;
      while (ready < threads) spin_pause();
      begins[static_cast<std::size_t>(thread)] = Clock::now();
      work(thread);
      ends[static_cast<std::size_t>(thread)] = Clock::now();
    };
    std::vector<std::thread> others;
    for (int thread = 1; thread < threads; ++thread) others.emplace_back(run, thread);
    run(0);
    for (std::thread& other : others) other.join();
    const auto begin = *std::min_element(begins.begin(), begins.end());
    const auto end = *std::max_element(ends.begin(), ends.end());
    best = std::min(best, std::chrono::duration<double>(end - begin).count());
  }
  return best;
}

// Independent chains: enough for two execution units with a latency of five cycles, and few enough for the registers.
constexpr int chains = 12;

template <class P>
GATEWISE_NOINLINE scalar_t<P> multiply_add(Index times, scalar_t<P> factor, scalar_t<P> start) {
  const P a = broadcast<P>(factor), b = broadcast<P>(factor);
  P v[chains];
  for (int i = 0; i < chains; ++i) v[i] = broadcast<P>(start + static_cast<scalar_t<P>>(i));
  for (Index t = 0; t < times; ++t) {
    GATEWISE_UNROLL
    for (int i = 0; i < chains; ++i) v[i] = fma(a, b, v[i]);
  }
  for (int i = 1; i < chains; ++i) v[0] = v[0] + v[i];
  scalar_t<P> lanes[P::width];
  store(lanes, v[0]);
  return lanes[0];
}

// The floating-point operations per second of `threads` threads, with the widest packets of T.
template <class T>
double measure_peak(int threads) {
  using P = Packet<T, widest<T>>;
  constexpr Index times = 400000;     // about a millisecond
  static volatile T factor = T(0.5);  // volatile: the compiler must not compute with it
  static std::atomic<T> result;       // so that the compiler does not remove the work
  const double seconds = best_seconds(threads, 40, [](int) { result = multiply_add<P>(times, factor, factor); });
  return 2.0 * P::width * chains * static_cast<double>(times) * threads / seconds;
}

}  // namespace bench
