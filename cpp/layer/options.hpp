// What a layer is, and what follows from it.
#pragma once

#include <limits>
#include <stdexcept>

#include "../math/chosen.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

enum class Cell { rnn, lstm, lstm_peephole, gru_after, gru_before };

struct Options {
  Cell cell = Cell::lstm;
  Index input_size = 1, hidden_size = 1, num_layers = 1, proj_size = 0;
  bool bias = true, bidirectional = false;
  double dropout = 0, recurrent_dropout = 0, zoneout_h = 0, zoneout_c = 0;
  // What gates, candidate (an RNN's only one) and an LSTM's c' go through, before which pre-activations are held
  // between -clip and clip; their own clips are not read.
  Activation<double> gate{Function::sigmoid}, candidate{Function::tanh}, cell_state{Function::tanh};
  double clip = std::numeric_limits<double>::infinity();
  bool input_forget = false;  // of an LSTM: f = 1 - i

  const Options& checked() const {
    const auto require = [](bool fine, const char* rule) {
      if (!fine) throw std::invalid_argument(rule);
    };
    require(input_size >= 1 && hidden_size >= 1 && num_layers >= 1, "sizes: expected input, hidden and layers >= 1");
    require(proj_size >= 0 && proj_size < hidden_size, "proj_size: expected 0 <= proj_size < hidden_size");
    require(proj_size == 0 || is_lstm(), "proj_size: expected 0 for a cell that is not an LSTM");
    for (const double p : {dropout, recurrent_dropout, zoneout_h, zoneout_c})
      require(p >= 0 && p < 1, "dropout, recurrent_dropout, zoneout: expected 0 <= p < 1");
    require(zoneout_c == 0 || is_lstm(), "zoneout_c: expected 0 for a cell that is not an LSTM");
    require(clip > 0, "clip: expected a number > 0");
    require(!input_forget || is_lstm(), "input_forget: expected false for a cell that is not an LSTM");
    return *this;
  }

  // Whether there is nothing to choose at run time: sigmoid and tanh, or, in an RNN, relu.
  bool is_usual() const {
    if (clip < std::numeric_limits<double>::infinity() || input_forget) return false;
    if (cell == Cell::rnn) return candidate.function == Function::tanh || candidate.function == Function::relu;
    return gate.function == Function::sigmoid && candidate.function == Function::tanh &&
           (!is_lstm() || cell_state.function == Function::tanh);
  }

  Index gates() const {
    switch (cell) {
      case Cell::rnn:
        return 1;
      case Cell::lstm:
      case Cell::lstm_peephole:
        return 4;
      default:
        return 3;
    }
  }
  bool is_lstm() const { return gates() == 4; }
  bool has_peepholes() const { return cell == Cell::lstm_peephole; }
  Index directions() const { return bidirectional ? 2 : 1; }
  Index output_size() const { return proj_size > 0 ? proj_size : hidden_size; }
  Index features() const { return directions() * output_size(); }  // of y: D·Y
  Index layer_input_size(Index layer) const { return layer == 0 ? input_size : features(); }
  Index sequences() const { return num_layers * directions(); }  // pairs of layer and direction: l·D + d
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
