// A layer's options from what Python has checked.
#pragma once

#include <string>

#include "checks.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

template <class Value, std::size_t n>
Value value_of(const char* argument, const std::pair<const char*, Value> (&names)[n], const std::string& name) {
  for (const auto& [known, value] : names)
    if (name == known) return value;
  fail(PyExc_ValueError, std::string(argument) + ": expected a known name, got " + name);
}

inline Cell cell_of(const std::string& name) {
  static constexpr std::pair<const char*, Cell> names[] = {{"rnn", Cell::rnn},
                                                           {"lstm", Cell::lstm},
                                                           {"lstm_peephole", Cell::lstm_peephole},
                                                           {"gru_after", Cell::gru_after},
                                                           {"gru_before", Cell::gru_before}};
  return value_of("cell", names, name);
}

inline Function function_of(const std::string& name) {
  static constexpr std::pair<const char*, Function> names[] = {{"linear", Function::linear},
                                                               {"affine", Function::affine},
                                                               {"tanh", Function::tanh},
                                                               {"scaled_tanh", Function::scaled_tanh},
                                                               {"sigmoid", Function::sigmoid},
                                                               {"hard_sigmoid", Function::hard_sigmoid},
                                                               {"relu", Function::relu},
                                                               {"leaky_relu", Function::leaky_relu},
                                                               {"thresholded_relu", Function::thresholded_relu},
                                                               {"elu", Function::elu},
                                                               {"softplus", Function::softplus},
                                                               {"softsign", Function::softsign}};
  return value_of("activation", names, name);
}

// (name, alpha, beta)
inline Activation<double> activation_of(const py::handle& given) {
  const auto parts = py::cast<py::tuple>(given);
  return {function_of(py::cast<std::string>(parts[0])), py::cast<double>(parts[1]), py::cast<double>(parts[2])};
}

// The keyword arguments of a core's `make`. Those that a cell does not have are left out.
inline Options options_of(const py::kwargs& given) {
  Options options;
  const auto take = [&](auto& place, const char* name) {
    if (given.contains(name)) place = py::cast<std::decay_t<decltype(place)>>(given[name]);
  };
  options.cell = cell_of(py::cast<std::string>(given["cell"]));
  take(options.input_size, "input_size");
  take(options.hidden_size, "hidden_size");
  take(options.num_layers, "num_layers");
  take(options.proj_size, "proj_size");
  take(options.bias, "bias");
  take(options.bidirectional, "bidirectional");
  take(options.dropout, "dropout");
  take(options.recurrent_dropout, "recurrent_dropout");
  take(options.clip, "clip");
  take(options.input_forget, "input_forget");
  if (given.contains("zoneout")) {  // one probability for each state
    const auto zoneout = py::cast<py::tuple>(given["zoneout"]);
    options.zoneout_h = py::cast<double>(zoneout[0]);
    if (zoneout.size() > 1) options.zoneout_c = py::cast<double>(zoneout[1]);
  }
  if (given.contains("activations")) {  // role to (name, alpha, beta)
    const auto activations = py::cast<py::dict>(given["activations"]);
    const auto choose = [&](Activation<double>& place, const char* role) {
      if (activations.contains(role)) place = activation_of(activations[role]);
    };
    choose(options.gate, "gates");
    choose(options.candidate, "candidate");
    choose(options.cell_state, "cell");
  }
  return options;
}

}  // namespace GATEWISE_ISA
}  // namespace gatewise
