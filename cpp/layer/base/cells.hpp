// The table of cells: everything that is known about a cell before its code is chosen.
#pragma once

#include <array>

#include "../../math/base.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

enum class Cell { rnn, lstm, lstm_peephole, gru_after, gru_before };
constexpr int cell_count = static_cast<int>(Cell::gru_before) + 1;

// The numbers of a cell's states. State 0 is the output h: Y numbers, and the only one that W_hh and the next layer
// read. Every other state has H numbers and stays inside its cell; the LSTM's is c.
struct State {
  static constexpr int h = 0, c = 1;
};

constexpr int most_stages = 2;

struct CellTraits {
  const char* name = nullptr;
  int states = 1;
  const char* state_form = "h";  // the form of the state in Python, for error messages
  // A stage computes W_ih x + b_ih and W_hh h + b_hh for some of the gates. A cell needs several stages only if some
  // gates depend on the values of others. The stages divide the gates in order: each has the gates that follow those of
  // the stage before.
  int stages = 1;
  Index stage_gates[most_stages] = {1, 0};
  bool reads_h = true;  // whether there is a W_hh at all
  // Options that a layer of this cell may use.
  bool projection = false, input_forget = false;
  bool peepholes = false;  // whether the cell has peepholes, and so a weight_peephole
  // Every cell applies an activation to its candidate. Whether it also applies one to its gates, and one to c' for h':
  bool activates_gates = true, activates_state = false;
  bool usual_relu = false;  // whether the candidate's relu, like its tanh, is known at compile time

  constexpr Index gates() const {
    Index gates = 0;
    for (int s = 0; s < stages; ++s) gates += stage_gates[s];
    return gates;
  }
  // The first gate of a stage.
  constexpr Index first_gate(int stage) const {
    Index gate = 0;
    for (int s = 0; s < stage; ++s) gate += stage_gates[s];
    return gate;
  }
};

// The one table of cells.
struct CellTable {
  std::array<CellTraits, cell_count> rows{};

  constexpr CellTable() {
    CellTraits& rnn = row(Cell::rnn);
    rnn.name = "rnn";
    rnn.activates_gates = false;
    rnn.usual_relu = true;

    CellTraits& lstm = row(Cell::lstm);
    lstm.name = "lstm";
    lstm.states = 2;
    lstm.state_form = "a pair (h, c)";
    lstm.stage_gates[0] = 4;
    lstm.projection = lstm.input_forget = lstm.activates_state = true;

    CellTraits& lstm_peephole = row(Cell::lstm_peephole);
    lstm_peephole = lstm;
    lstm_peephole.name = "lstm_peephole";
    lstm_peephole.peepholes = true;

    CellTraits& gru_after = row(Cell::gru_after);
    gru_after.name = "gru_after";
    gru_after.stage_gates[0] = 3;

    CellTraits& gru_before = row(Cell::gru_before);
    gru_before.name = "gru_before";
    gru_before.stages = 2;
    gru_before.stage_gates[0] = 2;
    gru_before.stage_gates[1] = 1;
  }

  constexpr CellTraits& row(Cell cell) { return rows[static_cast<std::size_t>(cell)]; }

  constexpr bool complete() const {
    for (const CellTraits& traits : rows)
      if (!traits.name) return false;
    return true;
  }
  constexpr int most_states() const {
    int most = 1;
    for (const CellTraits& traits : rows) most = traits.states > most ? traits.states : most;
    return most;
  }
};
inline constexpr CellTable cell_table;
static_assert(cell_table.complete(), "every cell needs its row in CellTable");

constexpr const CellTraits& traits_of(Cell cell) { return cell_table.rows[static_cast<std::size_t>(cell)]; }

constexpr int most_states = cell_table.most_states();

// One value per state of a cell: values[State::h] and so on.
template <class Value>
struct PerState {
  Value values[most_states] = {};

  GATEWISE_INLINE constexpr Value& operator[](int state) { return values[state]; }
  GATEWISE_INLINE constexpr const Value& operator[](int state) const { return values[state]; }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
