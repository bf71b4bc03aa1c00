// Philox 4×32-10, a counter-based generator: Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as
// 1, 2, 3".
#pragma once

#include <array>
#include <cstdint>

#include "base.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

inline std::array<std::uint32_t, 4> philox(std::uint64_t key, std::array<std::uint32_t, 4> counter) {
  auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0], b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ k0, static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ k1, static_cast<std::uint32_t>(a)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return counter;
}

// Inverted dropout of one row: whether element u stays is a function of (key, layer, t, b, u) alone.
struct Dropout {
  std::uint64_t key = 0;
  double probability = 0;

  explicit operator bool() const { return probability > 0; }

  // to[u] = from[u] / (1 - probability) or 0; from and to may be the same row.
  template <class T>
  void apply(const T* from, T* to, Index features, Index layer, Index t, Index b) const {
    const auto threshold = static_cast<std::uint32_t>(probability * 4294967296.0);
    const T scale = static_cast<T>(1.0 / (1.0 - probability));
    for (Index first = 0; first < features; first += 4) {
      const auto words = philox(key, {static_cast<std::uint32_t>(first / 4), static_cast<std::uint32_t>(b),
                                      static_cast<std::uint32_t>(t), static_cast<std::uint32_t>(layer)});
      for (Index u = first; u < features && u < first + 4; ++u)
        to[u] = words[static_cast<std::size_t>(u - first)] < threshold ? T(0) : from[u] * scale;
    }
  }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
