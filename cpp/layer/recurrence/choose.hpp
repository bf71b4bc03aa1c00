// Selects the code for options that are known at run time: the stages of the cell, with the widest packets.
#pragma once

#include <cmath>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "../stages/gru.hpp"
#include "../stages/lstm.hpp"
#include "../stages/rnn.hpp"
#include "recurrence_of.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

template <class P, class Stages, class Activations>
RecurrencePointer<scalar_t<P>> recurrence_of(const Activations& activations) {
  Stages stages;
  stages.activations = activations;
  return std::make_shared<RecurrenceOf<P, Stages>>(stages);
}

// The one switch over cells.
template <class P, class Activations>
RecurrencePointer<scalar_t<P>> make_recurrence(const Options& options, const Activations& activations) {
  switch (options.cell) {
    case Cell::rnn:
      if constexpr (std::is_same_v<Activations, Usual>)
        if (options.candidate.function == Function::relu) return recurrence_of<P, RnnStages<P, UsualRelu>>(UsualRelu());
      return recurrence_of<P, RnnStages<P, Activations>>(activations);
    case Cell::lstm:
      return recurrence_of<P, LstmStages<P, false, Activations>>(activations);
    case Cell::lstm_peephole:
      return recurrence_of<P, LstmStages<P, true, Activations>>(activations);
    case Cell::gru_after:
      return recurrence_of<P, GruAfterStages<P, Activations>>(activations);
    case Cell::gru_before:
      return recurrence_of<P, GruBeforeStages<P, Activations>>(activations);
  }
  throw std::invalid_argument("cell: expected a known one");
}

// An activation in the layer's type.
template <class T>
Activation<T> chosen(const Activation<double>& a, double clip) {
  Activation<T> activation;
  activation.function = a.function;
  activation.alpha = static_cast<T>(a.alpha);
  activation.beta = static_cast<T>(a.beta);
  activation.clip = static_cast<T>(clip);
  if (!std::isfinite(activation.alpha) || !std::isfinite(activation.beta))
    throw std::invalid_argument("activations: expected alpha and beta that are finite in the layer's type");
  return activation;
}

template <class T>
RecurrencePointer<T> choose_recurrence(const Options& options) {
  using P = Packet<T, widest<T>>;
  if (options.is_usual()) return make_recurrence<P>(options, Usual());
  Chosen<T> activations;
  activations.of_gates = chosen<T>(options.gate, options.clip);
  activations.of_candidate = chosen<T>(options.candidate, options.clip);
  // Only pre-activations are clipped, as in ONNX Runtime, and not an LSTM's c.
  activations.of_cell = chosen<T>(options.cell_state, std::numeric_limits<double>::infinity());
  activations.input_forget = options.input_forget;
  return make_recurrence<P>(options, activations);
}

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
