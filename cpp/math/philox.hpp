// Dropout and zoneout decisions from Philox 4×32-10, a counter-based random number generator (Salmon, Moraes, Dror and
// Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3").
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "base.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

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

// Random decisions with one probability. The decision for unit u is a function of (key, use, index, t, b, u) only.
struct Draw {
  // The use is the top two bits of the counter's last word, so no two uses share random numbers.
  enum Use : std::uint32_t { dropout, recurrent_dropout, zoneout_h, zoneout_c };

  std::uint64_t key;
  double probability;
  Use use;
  Index index;  // dropout: the layer l; other uses: the direction of a layer, l·D + d

  // Calls each(u, hit) for the units [first, last); hit is true with the probability.
  template <class Each>
  void each(Index t, Index b, Index first, Index last, const Each& each) const {
    const auto threshold = static_cast<std::uint32_t>(probability * 4294967296.0);
    const auto stream = std::uint32_t{use} << 30 | static_cast<std::uint32_t>(index);
    for (Index quad = first / 4 * 4; quad < last; quad += 4) {
      const auto words = philox(key, {static_cast<std::uint32_t>(quad / 4), static_cast<std::uint32_t>(b),
                                      static_cast<std::uint32_t>(t), stream});
      for (Index u = std::max(first, quad); u < std::min(last, quad + 4); ++u)
        each(u, words[static_cast<std::size_t>(u - quad)] < threshold);
    }
  }
};

// Inverted dropout of one row between two layers: kept numbers are divided by 1 - probability.
struct Dropout {
  std::uint64_t key = 0;
  double probability = 0;

  explicit operator bool() const { return probability > 0; }

  // to[u] = from[u] / (1 - probability) or 0; from and to may be the same row.
  template <class T>
  void apply(const T* from, T* to, Index features, Index layer, Index t, Index b) const {
    const T scale = static_cast<T>(1.0 / (1.0 - probability));
    Draw{key, probability, Draw::dropout, layer}.each(
        t, b, 0, features, [&](Index u, bool dropped) { to[u] = dropped ? T(0) : from[u] * scale; });
  }
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
