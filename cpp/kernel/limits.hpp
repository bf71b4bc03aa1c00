// How many threads the process may use, as far as the operating system says.
#pragma once

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include "../math/base.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

#if defined(__linux__)
// The processors' worth of time that the control group grants (version 2, else 1), rounded up; 0: no limit.
inline int quota() {
  double period = 0;
  std::string granted;
  std::ifstream version2("/sys/fs/cgroup/cpu.max");
  if (version2 >> granted >> period)
    return granted == "max" ? 0 : static_cast<int>(std::ceil(std::stod(granted) / period));
  double time = 0;
  std::ifstream quota_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), period_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (quota_file >> time && period_file >> period && time > 0 && period > 0)
    return static_cast<int>(std::ceil(time / period));
  return 0;
}
#endif

// The processors of the affinity mask, no more than the quota. The quota is read once, the mask every time.
inline int processors() {
#if defined(__linux__)
  static const int granted = quota();
  cpu_set_t cpus;
  int count = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 0;
  if (count == 0) count = static_cast<int>(std::thread::hardware_concurrency());
  if (granted > 0) count = std::min(count, granted);
#else
  const int count = static_cast<int>(std::thread::hardware_concurrency());
#endif
  return std::max(count, 1);
}

}  // namespace GATEWISE_ISA
}  // namespace gatewise
