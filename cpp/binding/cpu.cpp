// Detects the instruction sets of this machine. Compiled for the lowest one, so that it runs on every machine.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#if defined(_M_X64)
#include <immintrin.h>
#include <intrin.h>
#elif defined(__x86_64__)
#include <cpuid.h>
#endif

namespace {

#if defined(__x86_64__) || defined(_M_X64)
enum Register { ebx = 1, ecx = 2 };

bool bits(unsigned leaf, Register which, unsigned wanted) {
#if defined(_M_X64)
  int words[4];
  __cpuidex(words, static_cast<int>(leaf), 0);
  const auto found = static_cast<unsigned>(words[which]);
#else
  unsigned words[4] = {};
  if (!__get_cpuid_count(leaf, 0, &words[0], &words[1], &words[2], &words[3])) return false;
  const unsigned found = words[which];
#endif
  return (found & wanted) == wanted;
}

// Whether the operating system saves these registers when it switches threads.
bool saved(unsigned long long wanted) {
  constexpr unsigned osxsave = 1u << 27;
  if (!bits(1, ecx, osxsave)) return false;
#if defined(_M_X64)
  const unsigned long long found = _xgetbv(0);
#else
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  const unsigned long long found = (static_cast<unsigned long long>(high) << 32) | low;
#endif
  return (found & wanted) == wanted;
}

bool has_v3() {
  constexpr unsigned fma = 1u << 12, movbe = 1u << 22, popcnt = 1u << 23, avx = 1u << 28, f16c = 1u << 29;
  constexpr unsigned bmi1 = 1u << 3, avx2 = 1u << 5, bmi2 = 1u << 8, lzcnt = 1u << 5;
  return saved(0x6) && bits(1, ecx, fma | movbe | popcnt | avx | f16c) && bits(7, ebx, bmi1 | avx2 | bmi2) &&
         bits(0x80000001, ecx, lzcnt);
}

bool has_v4() {
  constexpr unsigned f = 1u << 16, dq = 1u << 17, cd = 1u << 28, bw = 1u << 30, vl = 1u << 31;
  return has_v3() && saved(0xe6) && bits(7, ebx, f | dq | cd | bw | vl);
}
#endif

// From the lowest to the best.
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

PYBIND11_MODULE(cpu, module, pybind11::mod_gil_not_used()) {
  module.doc() = "Which instruction sets this machine has.";
  module.def("instruction_sets", &instruction_sets,
             "Return the names of the machine's instruction sets, from the lowest to the best.");
}
