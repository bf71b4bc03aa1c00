// Interrupts a long call between two pieces of its work, for example on Ctrl-C. The calling thread asks whether to
// stop.
#pragma once

#include <atomic>
#include <chrono>
#include <limits>

#include "../math/base.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

namespace detail {
class Watch;
}  // namespace detail

// Thrown by an interrupted call, whose results are undefined.
struct Stopped {};

// The stop request of one call, shared by its threads.
class Stop {
 public:
  // Returns whether to stop. It must be set before any call. The calling thread calls it up to ten times a second.
  using Question = bool (*)();
  inline static Question question = nullptr;

  bool wanted() const { return from_.load(std::memory_order_relaxed) != never; }

 private:
  friend class detail::Watch;
  static constexpr Index never = std::numeric_limits<Index>::max();
  std::atomic<Index> from_{never};  // the first common point at which all members stop
};

namespace detail {

// One member's view of the stop request. Once it has stopped, it stays stopped, so that all later loops end at once.
class Watch {
 public:
  Watch(Stop& stop, bool calling) : stop_(stop), calling_(calling) {}

  // May be called at any point of the member's work.
  bool stopped() {
    ask();
    return stop_.wanted();
  }

  // Must be called at points that all members reach, with a barrier between any two of them; all members get the same
  // result at a point. A stop that is requested before one point takes effect at the next: by then, the barrier in
  // between has made the request visible to all members.
  bool stopped_together() {
    const bool stopped = stop_.from_.load(std::memory_order_relaxed) <= point_;
    ask();
    ++point_;
    return stopped;
  }

 private:
  using Clock = std::chrono::steady_clock;

  // The first look does not read the clock, so a call with a single piece of work never does.
  void ask() {
    if (!calling_ || !Stop::question || stop_.wanted()) return;
    ++looks_;
    if (looks_ == 1) return;
    const auto now = Clock::now();
    if (looks_ == 2) asked_ = now;
    if (now - asked_ < std::chrono::milliseconds(100)) return;
    asked_ = now;
    if (Stop::question()) stop_.from_.store(point_ + 1, std::memory_order_relaxed);
  }

  Stop& stop_;
  bool calling_;
  Index point_ = 0, looks_ = 0;
  Clock::time_point asked_;
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
