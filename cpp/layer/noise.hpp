// Noise on the state between two steps, outside the cell: recurrent dropout on the h that W_hh reads (Gal and
// Ghahramani 2016: one mask for all steps of a sequence), and zoneout of h and c (Krueger et al. 2017).
#pragma once

#include <algorithm>

#include "../math/philox.hpp"
#include "step.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// Where one layer and direction has its random words; how likely they strike is in its sizes.
struct Noise {
  bool random = false;  // false: inference, which drops nothing and takes zoneout's expectation
  std::uint64_t key = 0;
  Index index = 0;  // l·D + d

  Draw draw(Draw::Use use, double probability) const { return {key, probability, use, index}; }
};

using Units = std::pair<Index, Index>;  // [first, last)
struct RowUnits {
  Units h, c;
};

// Zoneout of one part s of a row's state: d s + (1 - d) s', where d is 1 with probability p, or, in inference, p. `to`
// may be `from_cell`.
template <class P>
void zone_out(const Noise& noise, Draw::Use use, double p, Index t, Index b, Units units, const scalar_t<P>* before,
              const scalar_t<P>* from_cell, scalar_t<P>* to) {
  using T = scalar_t<P>;
  if (noise.random) {
    noise.draw(use, p).each(t, b, units.first, units.second,
                            [&](Index u, bool stays) { to[u] = stays ? before[u] : from_cell[u]; });
    return;
  }
  for_each_packet<P>(units, [&](auto packet, Index u, Index left) {
    using Q = decltype(packet);
    const Q stays = broadcast<Q>(static_cast<T>(p)), moves = broadcast<Q>(static_cast<T>(1.0 - p));
    store(to + u, fma(stays, load<Q>(before + u, left), moves * load<Q>(from_cell + u, left)), left);
  });
}

// Of h' and c' as a row's cell has left them there: h' stays there, c' goes to its place.
template <class P>
void zone_out_row(const Sizes& sizes, const Noise& noise, Index t, Index b, const RowUnits& units,
                  const ForwardRow<scalar_t<P>>& row, scalar_t<P>* c) {
  if (sizes.zoneout_h > 0)
    zone_out<P>(noise, Draw::zoneout_h, sizes.zoneout_h, t, b, units.h, row.h_prev, row.h, row.h);
  if (sizes.zoneout_c > 0) zone_out<P>(noise, Draw::zoneout_c, sizes.zoneout_c, t, b, units.c, row.c_prev, row.c, c);
}

// Of d_s, the gradient of what zone_out has made: leaves there what goes to the cell; what passes by it goes to `past`.
template <class T>
void zone_out_backward(const Noise& noise, Draw::Use use, double p, Index t, Index b, Units units, T* d_s, T* past) {
  noise.draw(use, p).each(t, b, units.first, units.second, [&](Index u, bool stays) {
    past[u] = stays ? d_s[u] : T(0);
    if (stays) d_s[u] = T(0);
  });
}

// What recurrent dropout leaves of h, for a member's sequences.
template <class T>
class RecurrentDropout {
 public:
  RecurrentDropout(Arena& arena, const Sizes& sizes, Index share)
      : outputs_(sizes.outputs),
        scale_(arena.take<T>(sizes.recurrent_dropout > 0 ? share * outputs_ : 0)),
        left_(arena.take<T>(sizes.recurrent_dropout > 0 ? share * outputs_ : 0)) {}

  // For the sequences [begin, end) of one pass.
  void start(const Noise& noise, double p, Index begin, Index end) {
    begin_ = begin;
    const T scale = static_cast<T>(1.0 / (1.0 - p));
    for (Index b = begin; b < end; ++b)
      noise.draw(Draw::recurrent_dropout, p).each(0, b, 0, outputs_, [&](Index u, bool dropped) {
        scale_[(b - begin) * outputs_ + u] = dropped ? T(0) : scale;
      });
  }

  // h [Y] of sequence b as W_hh reads it, in a place for row n of a step.
  const T* apply(const T* h, Index b, Index n) const {
    T* const to = left_ + n * outputs_;
    for_each({0, outputs_}, b, [&](Index u, T scale) { to[u] = scale > 0 ? h[u] * scale : T(0); });
    return to;
  }

  // From the gradient of that, d_in, over some units: adds to what of d_h has gone round the product, or replaces it.
  void backward(const T* d_in, Units units, Index b, bool add, T* d_h) const {
    for_each(units, b, [&](Index u, T scale) {
      const T through = scale > 0 ? d_in[u] * scale : T(0);
      d_h[u] = add ? d_h[u] + through : through;
    });
  }

 private:
  template <class Each>
  void for_each(Units units, Index b, const Each& each) const {
    for (Index u = units.first; u < units.second; ++u) each(u, scale_[(b - begin_) * outputs_ + u]);
  }

  Index outputs_, begin_ = 0;
  T *scale_, *left_;  // [share][Y]: 0 or 1 / (1 - p); h as W_hh reads it
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
