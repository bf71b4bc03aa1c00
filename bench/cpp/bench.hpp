// Helpers of the benches.
#pragma once

#include <benchmark/benchmark.h>

#include <random>
#include <string>

#include "kernel/arena.hpp"
#include "limits.hpp"

namespace bench {

// The highest number of threads that is measured: 2, if the machine has them.
inline int most_threads() { return std::thread::hardware_concurrency() > 1 ? 2 : 1; }

// The peak, measured once, before the first bench.
template <class T>
double peak(int threads) {
  static const std::vector<double> measured = [] {
    std::vector<double> found;
    for (int t = 1; t <= most_threads(); ++t) found.push_back(measure_peak<T>(t));
    return found;
  }();
  return measured[static_cast<std::size_t>(threads - 1)];
}

// Declares what one iteration does. The output shows the rate and, for operations, the fraction of the peak.
inline void count_bytes(benchmark::State& state, double bytes) {
  state.counters["B/s"] = benchmark::Counter(bytes, benchmark::Counter::kIsIterationInvariantRate);
}
template <class T>
void count_operations(benchmark::State& state, double operations, int threads = 1) {
  using benchmark::Counter;
  state.counters["FLOP/s"] = Counter(operations, Counter::kIsIterationInvariantRate);
  state.counters["of peak"] = Counter(operations / peak<T>(threads), Counter::kIsIterationInvariantRate);
}
// Declares how many elements one iteration computes. Times are then shown per element.
inline void count_elements(benchmark::State& state, double elements) { state.counters["elements"] = elements; }

template <class T>
constexpr const char* type_name = sizeof(T) == 4 ? "float32" : "float64";

template <class T>
void fill(const Buffer<T>& numbers, double bound) {
  static std::minstd_rand generator(1);
  std::uniform_real_distribution<T> draw(static_cast<T>(-bound), static_cast<T>(bound));
  for (Index i = 0; i < numbers.size(); ++i) numbers[i] = draw(generator);
}
template <class T>
Buffer<T> random_numbers(Index count, double bound) {
  Buffer<T> numbers(count);
  fill(numbers, bound);
  return numbers;
}

template <class Run>
void add(const std::string& name, const Run& run) {
  benchmark::RegisterBenchmark(name.c_str(), run)->UseRealTime();
}

void add_activations();
void add_layers();
void add_products();
void add_reading();

}  // namespace bench
