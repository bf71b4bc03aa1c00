// Which instruction sets this machine has. Compiled for the least of them, so that it can be asked anywhere.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#if defined(_MSC_VER) && !defined(__clang__)
#include <immintrin.h>
#include <intrin.h>
#endif

namespace {

#if defined(_MSC_VER) && !defined(__clang__) && defined(_M_X64)
bool bits(int leaf, int reg, int wanted) {
  int words[4];
  __cpuidex(words, leaf, 0);
  return (words[reg] & wanted) == wanted;
}
bool saved(unsigned long long wanted) { return bits(1, 2, 1 << 27) && (_xgetbv(0) & wanted) == wanted; }
bool has_v3() {
  return saved(0x6) && bits(1, 2, (1 << 12) | (1 << 22) | (1 << 29)) && bits(7, 1, (1 << 3) | (1 << 5) | (1 << 8)) &&
         bits(static_cast<int>(0x80000001), 2, 1 << 5);
}
bool has_v4() {
  return has_v3() && saved(0xe6) && bits(7, 1, (1 << 16) | (1 << 17) | (1 << 28) | (1 << 30) | (1 << 31));
}
#elif defined(__x86_64__)
bool has_v3() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}
bool has_v4() {
  return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

// From the least to the best.
std::vector<std::string> instruction_sets() {
#if defined(__aarch64__) || defined(_M_ARM64)
  return {"arm64"};
#else
  std::vector<std::string> names{"x86-64"};
  if (has_v3()) names.push_back("x86-64-v3");
  if (has_v4()) names.push_back("x86-64-v4");
  return names;
#endif
}

}  // namespace

PYBIND11_MODULE(_cpu, module, pybind11::mod_gil_not_used()) {
  module.doc() = "Which instruction sets this machine has.";
  module.def("instruction_sets", &instruction_sets, "Their names, from the least to the best.");
}
