// A layer's options from keyword arguments that Python has checked.
#pragma once

#include <string>

#include "checks.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace binding {

inline Cell cell_of(const std::string& name) {
  for (int i = 0; i < cell_count; ++i)
    if (name == traits_of(static_cast<Cell>(i)).name) return static_cast<Cell>(i);
  fail(PyExc_ValueError, "cell: expected a known name, got " + name);
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
  for (const auto& [known, function] : names)
    if (name == known) return function;
  fail(PyExc_ValueError, "activation: expected a known name, got " + name);
}

// Reads an activation from (name, alpha, beta).
inline Activation<double> activation_of(const py::handle& given) {
  const auto items = py::cast<py::tuple>(given);
  Activation<double> activation;
  activation.function = function_of(py::cast<std::string>(items[0]));
  activation.alpha = py::cast<double>(items[1]);
  activation.beta = py::cast<double>(items[2]);
  return activation;
}

// Reads the options from the keyword arguments of a core's `make`. Options that the cell does not have are missing
// there.
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
  if (given.contains("zoneout")) {  // a probability for each state
    const auto zoneout = py::cast<py::tuple>(given["zoneout"]);
    if (zoneout.size() != static_cast<std::size_t>(options.states()))
      fail(PyExc_ValueError, "zoneout: expected a probability for each of " + std::to_string(options.states()) +
                                 " states, got " + std::to_string(zoneout.size()));
    for (int s = 0; s < options.states(); ++s)
      options.zoneout[s] = py::cast<double>(zoneout[static_cast<std::size_t>(s)]);
  }
  if (given.contains("activations")) {  // role: (name, alpha, beta)
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

}  // namespace binding
}  // namespace GATEWISE_ISA
}  // namespace gatewise
