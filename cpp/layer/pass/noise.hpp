// Noise on the state between two steps, outside the cell: recurrent dropout of the h that W_hh reads (Gal and
// Ghahramani 2016: one mask for all steps of a sequence), and zoneout of every state (Krueger et al. 2017).
#pragma once

#include <algorithm>

#include "../../math/philox.hpp"
#include "../stages/products.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// The random numbers of one layer and direction. The probabilities are in its sizes.
struct Noise {
  bool random = false;  // false: inference, which drops nothing and takes the expectation of zoneout
  std::uint64_t key = 0;
  Index index = 0;  // l·D + d

  Draw draw(Draw::Use use, double probability) const { return {key, probability, use, index}; }
  Draw zoneout(const Sizes& sizes, int state) const {
    return draw(state == State::h ? Draw::zoneout_h : Draw::zoneout_c, sizes.zoneout[state]);
  }
};

using Units = std::pair<Index, Index>;  // [first, last)

// Zoneout of one state s of a row: d s + (1 - d) s', where d is 1 with probability p, or, in inference, p itself. `to`
// may be `from_cell`.
template <class P>
void zone_out(const Noise& noise, const Sizes& sizes, int state, Index t, Index b, Units units,
              const scalar_t<P>* before, const scalar_t<P>* from_cell, scalar_t<P>* to) {
  using T = scalar_t<P>;
  if (noise.random) {
    noise.zoneout(sizes, state).each(t, b, units.first, units.second, [&](Index u, bool stays) {
      to[u] = stays ? before[u] : from_cell[u];
    });
    return;
  }
  const double p = sizes.zoneout[state];
  for_each_packet<P>(units, [&](auto packet, Index u, Index left) {
    using Q = decltype(packet);
    const Q stays = broadcast<Q>(static_cast<T>(p)), moves = broadcast<Q>(static_cast<T>(1.0 - p));
    store(to + u, fma(stays, load<Q>(before + u, left), moves * load<Q>(from_cell + u, left)), left);
  });
}

// Zoneout of all states of a row whose cell has written row.after. h' stays there; the other states go to `cells`, side
// by side.
template <class P>
void zone_out_row(const Sizes& sizes, const Noise& noise, Index t, Index b, const PerState<Units>& units,
                  const ForwardRow<scalar_t<P>>& row, scalar_t<P>* cells) {
  for (int i = 0; i < sizes.states; ++i)
    if (sizes.zones_out(i))
      zone_out<P>(noise, sizes, i, t, b, units[i], row.before[i], row.after[i],
                  i == State::h ? row.after[i] : cells + (i - 1) * sizes.padded);
}

// Divides d_s, the gradient of what zone_out has written. The part for the state that the cell computed stays in d_s;
// the part for the state before, which goes past the cell, is written to `past`.
template <class T>
void zone_out_backward(const Noise& noise, const Sizes& sizes, int state, Index t, Index b, Units units, T* d_s,
                       T* past) {
  noise.zoneout(sizes, state).each(t, b, units.first, units.second, [&](Index u, bool stays) {
    past[u] = stays ? d_s[u] : T(0);
    if (stays) d_s[u] = T(0);
  });
}

// Recurrent dropout for the sequences of one member.
template <class T>
class RecurrentDropout {
 public:
  RecurrentDropout(Arena& arena, const Sizes& sizes, Index sequences)
      : outputs_(sizes.outputs),
        scale_(arena.take<T>(sizes.recurrent_dropout > 0 ? sequences * outputs_ : 0)),
        left_(arena.take<T>(sizes.recurrent_dropout > 0 ? sequences * outputs_ : 0)) {}

  // Draws the masks of one pass, for the sequences [begin, end).
  void start(const Noise& noise, double p, Index begin, Index end) {
    begin_ = begin;
    const T scale = static_cast<T>(1.0 / (1.0 - p));
    for (Index b = begin; b < end; ++b)
      noise.draw(Draw::recurrent_dropout, p).each(0, b, 0, outputs_, [&](Index u, bool dropped) {
        scale_[(b - begin) * outputs_ + u] = dropped ? T(0) : scale;
      });
  }

  // Returns the h [Y] of sequence b as W_hh reads it, stored for row n of a step.
  const T* apply(const T* h, Index b, Index n) const {
    T* const to = left_ + n * outputs_;
    for_each({0, outputs_}, b, [&](Index u, T scale) { to[u] = scale > 0 ? h[u] * scale : T(0); });
    return to;
  }

  // Computes the gradient of h from d_in, the gradient of the masked h, for some units. It is added to d_h if `add`,
  // and else written there.
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
  T *scale_, *left_;  // [sequences][Y]: 0 or 1 / (1 - p); h as W_hh reads it
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
