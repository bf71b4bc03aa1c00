// How many threads a call may use, and when it lets other Python threads run.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "../layer/split.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// The number of threads asked for (0: as many as are granted), and a limit that tests put in the machine's place.
struct ThreadSettings {
  std::atomic<int> wanted{0}, test_limit{0};

  int limit() const { return test_limit > 0 ? test_limit.load() : Team::granted(); }
  int num_threads() const { return wanted > 0 ? wanted.load() : limit(); }
  int usable() const { return std::min(num_threads(), limit()); }
  // For a call with so many multiply-adds: the machine is not asked where one thread does it in any case.
  int usable(double multiply_adds) const {
    const bool alone = multiply_adds < work_worth_a_team || (test_limit == 0 && Crowd::here());
    return alone ? 1 : usable();
  }
};
inline ThreadSettings thread_settings;

// Calls with more multiply-adds than some 20 µs hold let other Python threads run.
constexpr double work_worth_the_gil = 4e5;

// Without the GIL, where that pays.
inline std::unique_ptr<pybind11::gil_scoped_release> release_gil(double multiply_adds) {
  return multiply_adds > work_worth_the_gil ? std::make_unique<pybind11::gil_scoped_release>() : nullptr;
}

}  // namespace GATEWISE_ISA
}  // namespace gatewise
