// The options of a layer, and the sizes that follow from them.
#pragma once

#include <limits>
#include <stdexcept>

#include "../../math/chosen.hpp"
#include "cells.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

struct Options {
  Cell cell = Cell::lstm;
  Index input_size = 1, hidden_size = 1, num_layers = 1, proj_size = 0;
  bool bias = true, bidirectional = false;
  double dropout = 0, recurrent_dropout = 0;
  PerState<double> zoneout;  // the probability of zoneout of each state
  // The activations of the gates, of the candidate (the only one that an RNN has), and of c' for h'. Their own clip is
  // ignored: `clip` bounds the pre-activations of gates and candidate to [-clip, clip].
  Activation<double> gate{Function::sigmoid}, candidate{Function::tanh}, cell_state{Function::tanh};
  double clip = std::numeric_limits<double>::infinity();
  bool input_forget = false;  // f = 1 - i

  // Returns these options. Throws std::invalid_argument if they contradict each other.
  const Options& checked() const {
    const auto require = [](bool fine, const char* rule) {
      if (!fine) throw std::invalid_argument(rule);
    };
    require(input_size >= 1 && hidden_size >= 1 && num_layers >= 1, "sizes: expected input, hidden and layers >= 1");
    require(proj_size >= 0 && proj_size < hidden_size, "proj_size: expected 0 <= proj_size < hidden_size");
    require(proj_size == 0 || traits().projection, "proj_size: expected 0 for a cell without a projection");
    for (const double p : {dropout, recurrent_dropout})
      require(p >= 0 && p < 1, "dropout, recurrent_dropout: expected 0 <= p < 1");
    require(recurrent_dropout == 0 || traits().reads_h, "recurrent_dropout: expected 0 for a cell without W_hh");
    for (int i = 0; i < most_states; ++i) {
      require(zoneout[i] >= 0 && zoneout[i] < 1, "zoneout: expected 0 <= p < 1");
      require(zoneout[i] == 0 || i < traits().states, "zoneout: expected 0 for a state that the cell does not have");
      require(zoneout[i] == 0 || i <= State::c, "zoneout: expected 0 for states after the second");  // see Draw::Use
    }
    require(clip > 0, "clip: expected a number > 0");
    require(!input_forget || traits().input_forget, "input_forget: expected false for a cell without this option");
    return *this;
  }

  // Whether the cell has code for which these activations are known at compile time.
  bool is_usual() const {
    if (clip < std::numeric_limits<double>::infinity() || input_forget) return false;
    return (candidate.function == Function::tanh || (traits().usual_relu && candidate.function == Function::relu)) &&
           (!traits().activates_gates || gate.function == Function::sigmoid) &&
           (!traits().activates_state || cell_state.function == Function::tanh);
  }

  const CellTraits& traits() const { return traits_of(cell); }
  Index gates() const { return traits().gates(); }
  int states() const { return traits().states; }
  Index directions() const { return bidirectional ? 2 : 1; }
  Index output_size() const { return proj_size > 0 ? proj_size : hidden_size; }  // Y
  Index state_size(int state) const { return state == State::h ? output_size() : hidden_size; }
  Index features() const { return directions() * output_size(); }  // of y: D·Y
  Index layer_input_size(Index layer) const { return layer == 0 ? input_size : features(); }
  // One recurrence is one layer in one direction: number l·D + d.
  Index recurrences() const { return num_layers * directions(); }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
