// How many threads a call may use, and when it lets other Python threads run.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "../layer/split/plan.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace binding {

using namespace detail;

// The number of threads asked for (0: as many as are granted), and a limit that tests use instead of the machine's.
struct ThreadSettings {
  std::atomic<int> wanted{0}, test_limit{0};

  int limit() const { return test_limit > 0 ? test_limit.load() : Team::granted(); }
  int num_threads() const { return wanted > 0 ? wanted.load() : limit(); }
  int usable() const { return std::min(num_threads(), limit()); }
  // The number for a call with this many multiply-adds. If the call runs on one thread anyway, the operating system is
  // not asked for its limits.
  int usable(double multiply_adds) const {
    const bool alone = multiply_adds < work_worth_a_team || (test_limit == 0 && Crowd::here());
    return alone ? 1 : usable();
  }
};
inline ThreadSettings thread_settings;

// Calls with more multiply-adds, which take more than about 20 µs, let other Python threads run.
constexpr double work_worth_the_gil = 4e5;

// Releases the GIL, if the call is long enough.
inline std::unique_ptr<pybind11::gil_scoped_release> release_gil(double multiply_adds) {
  return multiply_adds > work_worth_the_gil ? std::make_unique<pybind11::gil_scoped_release>() : nullptr;
}

}  // namespace binding
}  // namespace GATEWISE_ISA
}  // namespace gatewise
