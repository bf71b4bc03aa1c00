// The sizes of one layer and direction, and the probabilities of the noise on its state.
#pragma once

#include <algorithm>

#include "options.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

struct Sizes {
  Index inputs, hidden, outputs, gates;  // I, H, Y, G
  int states;
  Index padded;          // H rounded up to whole packets: the pitch of our own rows of units
  Index padded_outputs;  // Y likewise
  double recurrent_dropout;
  PerState<double> zoneout;

  Sizes(const Options& options, Index layer, Index width)
      : inputs(options.layer_input_size(layer)),
        hidden(options.hidden_size),
        outputs(options.output_size()),
        gates(options.gates()),
        states(options.states()),
        padded(round_up(hidden, width)),
        padded_outputs(round_up(outputs, width)),
        recurrent_dropout(options.recurrent_dropout),
        zoneout(options.zoneout) {}

  Index units(int state) const { return state == State::h ? outputs : hidden; }
  Index padded_units(int state) const { return state == State::h ? padded_outputs : padded; }
  // How many numbers all states but h of one row have; they are stored side by side, each padded.
  Index cell_states() const { return (states - 1) * padded; }
  // The length of an array of zeros that can stand for any row of states.
  Index zeros() const { return std::max(std::max(padded, padded_outputs), cell_states()); }
  Index deltas() const { return gates * hidden; }  // the length of a row of δ

  bool projects() const { return outputs != hidden; }
  bool zones_out(int state) const { return zoneout[state] > 0; }
  bool zones_out() const {
    for (int i = 0; i < states; ++i)
      if (zones_out(i)) return true;
    return false;
  }
  bool noisy() const { return recurrent_dropout > 0 || zones_out(); }
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
