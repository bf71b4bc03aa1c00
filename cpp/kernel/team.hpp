// A team of threads for one call. This is the only header that uses OpenMP.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#if defined(_OPENMP)
#include <omp.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

#include "../math/float_mode.hpp"
#include "limits.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

using Clock = std::chrono::steady_clock;

// Remembers whether other processes occupy the cores that a team needs. If one member loses its core, the others wait
// for it, and the call can take many times as long as on one thread. A call cannot know this beforehand, so a call that
// notices it warns later calls.
class Crowd {
 public:
  static bool here() {
    const auto until = until_.load(std::memory_order_relaxed);
    return until != 0 && Clock::now().time_since_epoch().count() < until;
  }

  // Records the duration of a team's call, and how long the first member has waited for the others. If one thread would
  // have been faster, calls use one thread for a while, and for twice as long each time that it happens again.
  static void report(int members, Clock::duration taken, Clock::duration waited) {
    const bool crowded = waited > std::chrono::microseconds(200) && taken > (taken - waited) * (2 * members + 1) / 2;
    const int times = crowded ? std::min(times_.load(std::memory_order_relaxed) + 1, 7) : 0;
    times_.store(times, std::memory_order_relaxed);
    const Clock::duration alone = std::chrono::milliseconds(5) * (1 << times);
    until_.store(crowded ? (Clock::now() + alone).time_since_epoch().count() : 0, std::memory_order_relaxed);
  }

 private:
  inline static std::atomic<Clock::rep> until_{0};
  inline static std::atomic<int> times_{0};
};

// Waits until done(): spins briefly, then yields, because the other member may have lost its core. Adds the time after
// spinning to `waited`.
template <class Done>
void wait_until(const Done& done, Clock::duration& waited) {
  for (int spins = 0; spins < 200; ++spins) {
    if (done()) return;
    spin_pause();
  }
  const auto begin = Clock::now();
  while (!done()) std::this_thread::yield();
  waited += Clock::now() - begin;
}

// A barrier: no member leaves `wait` before all have entered it.
class Barrier {
 public:
  void wait(int members, Clock::duration& waited) {
    if (members == 1) return;
    const unsigned round = round_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == members) {
      arrived_.store(0, std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
    } else {
      wait_until([&] { return round_.load(std::memory_order_acquire) != round; }, waited);
    }
  }

 private:
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<unsigned> round_{0};
};

// The number of steps that a member has finished, for another member that reads its results.
class Progress {
 public:
  void reach(Index steps) { steps_.store(steps, std::memory_order_release); }
  void wait(Index steps, Clock::duration& waited) const {
    wait_until([&] { return steps_.load(std::memory_order_acquire) >= steps; }, waited);
  }

 private:
  alignas(64) std::atomic<Index> steps_{0};
};

// One thread's place in its team.
struct Member {
  int index = 0, count = 1;
  Barrier* barrier = nullptr;
  Clock::duration* waited = nullptr;

  void wait() const {
    if (barrier) barrier->wait(count, *waited);
  }
  // This member's share of `total` items: [begin, end), contiguous and in the order of the members.
  Index begin(Index total) const { return total * index / count; }
  Index end(Index total) const { return total * (index + 1) / count; }
};

// There is only one team at a time. While a call uses it, other calls run on their own thread.
class Team {
 public:
  explicit Team(int threads) : size_(std::max(threads, 1)) {
#if defined(_OPENMP)
    if (size_ > 1 && (forked() || omp_in_parallel() || taken().exchange(true, std::memory_order_acquire))) size_ = 1;
    owner_ = size_ > 1;
#else
    size_ = 1;
#endif
  }
  ~Team() {
    if (owner_) taken().store(false, std::memory_order_release);
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const { return size_; }

  // Runs work(member) on `size` threads, each in the core's floating-point mode; `work` must not throw. If OpenMP
  // provides fewer threads, nothing runs, the size becomes 1 and the result is false: divide the work again and call
  // run again.
  template <class Work>
  bool run(const Work& work) {
#if defined(_OPENMP)
    if (size_ > 1) {
      Barrier barrier;
      bool complete = true;
      Clock::duration first_waited{};
      const auto begin = Clock::now();
      auto first_done = begin;
#pragma omp parallel num_threads(size_)
      {
        const int index = omp_get_thread_num();
        if (omp_get_num_threads() == size_) {
          FloatMode mode;
          Clock::duration waited{};
          work(Member{index, size_, &barrier, &waited});
          if (index == 0) first_done = Clock::now(), first_waited = waited;
        } else if (index == 0) {
          complete = false;
        }
      }
      const auto end = Clock::now();
      if (complete)
        Crowd::report(size_, end - begin, first_waited + (end - first_done));
      else
        size_ = 1;
      return complete;
    }
#endif
    FloatMode mode;
    work(Member{});
    return true;
  }

  // The number of threads that the calling thread may use now, limited by its affinity mask, the cgroup quota,
  // OMP_NUM_THREADS and threadpoolctl. It is 1 inside another library's parallel region, and in a forked child, where
  // OpenMP would wait for threads that do not exist in the child.
  static int granted() {
#if defined(_OPENMP)
    if (forked() || omp_in_parallel()) return 1;
    return std::max(1, std::min(omp_get_max_threads(), processors()));
#else
    return 1;
#endif
  }

  static constexpr bool has_openmp() {
#if defined(_OPENMP)
    return true;
#else
    return false;
#endif
  }

 private:
  static std::atomic<bool>& taken() {
    static std::atomic<bool> flag{false};
    return flag;
  }

  static bool forked() {
#if defined(__unix__) || defined(__APPLE__)
    static std::atomic<bool> flag{false};
    static const int registered = pthread_atfork(nullptr, nullptr, [] { flag.store(true); });
    (void)registered;
    return flag.load(std::memory_order_relaxed);
#else
    return false;
#endif
  }

  int size_;
  bool owner_ = false;
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
