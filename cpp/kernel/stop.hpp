// Lets a long call stop between two pieces of its work, when the thread that called learns that it should: of Ctrl-C.
#pragma once

#include <atomic>
#include <chrono>
#include <limits>

#include "../math/base.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// What a stopped call throws; its results are worth nothing.
struct Stopped {};

// One call's.
class Stop {
 public:
  // Whether to stop. Set before any call, and asked, if at all, on the thread that called, ten times a second.
  using Question = bool (*)();
  inline static Question question = nullptr;

  bool wanted() const { return from_.load(std::memory_order_relaxed) != never; }

 private:
  friend class Watch;
  static constexpr Index never = std::numeric_limits<Index>::max();
  std::atomic<Index> from_{never};  // the common point of all members' work from which on they stop
};

// One member's look at it. Once stopped, it stays so: loops that look end at once.
class Watch {
 public:
  Watch(Stop& stop, bool calling) : stop_(stop), calling_(calling) {}

  // At any point of its own.
  bool stopped() {
    ask();
    return stop_.wanted();
  }

  // At a point that all members come to, with a barrier between any two of them, and where all must find the same. What
  // is learned up to a point counts from the next one on: by then everybody has passed the barrier in between.
  bool stopped_together() {
    const bool stopped = stop_.from_.load(std::memory_order_relaxed) <= point_;
    ask();
    ++point_;
    return stopped;
  }

 private:
  using Clock = std::chrono::steady_clock;

  // A call of a single piece does not even look at the clock.
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

}  // namespace GATEWISE_ISA
}  // namespace gatewise
