// The number of threads that the operating system lets the process use.
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
namespace detail {

#if defined(__linux__)
// The number of processors that a cgroup grants, as time per period, rounded up; 0 means no limit.
inline int granted_by(double time, double period) {
  return time > 0 && period > 0 ? static_cast<int>(std::ceil(time / period)) : 0;
}

// The smallest number of processors that the process's cgroup and its parents grant, for cgroup versions 1 and 2; 0
// means no limit.
inline int quota() {
  int least = 0;
  const auto limit = [&](int granted) {
    if (granted > 0) least = least == 0 ? granted : std::min(least, granted);
  };
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    // number:controllers:/path; version 2 has no controllers here
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool version2 = controllers == ",,";
    if (!version2 && controllers.find(",cpu,") == std::string::npos) continue;
    const std::string root = version2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
    for (std::string path = line.substr(second + 1);; path.resize(path.rfind('/'))) {
      if (path == "/") path.clear();
      double time = 0, period = 0;
      if (version2) {
        std::ifstream file(root + path + "/cpu.max");  // without a limit it is "max 100000", which is not a number
        if (file >> time >> period) limit(granted_by(time, period));
      } else {
        std::ifstream time_file(root + path + "/cpu.cfs_quota_us"), period_file(root + path + "/cpu.cfs_period_us");
        if (time_file >> time && period_file >> period) limit(granted_by(time, period));
      }
      if (path.empty() || path.rfind('/') == std::string::npos) break;
    }
  }
  return least;
}
#endif

// The number of processors in the affinity mask, limited by the quota. The quota is read once, the mask in every call.
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

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
