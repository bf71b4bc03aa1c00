// The calls of a stack: one team runs all its layers and directions.
#pragma once

#include "recurrence/choose.hpp"
#include "split/run.hpp"
#include "stack.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

template <class T>
Stack<T>::Stack(const Options& options)
    : options_(options.checked()), recurrence_(detail::choose_recurrence<T>(options)) {}

template <class T>
detail::Work Stack<T>::work(Index steps, Index batch, bool side_by_side) const {
  const double outputs = static_cast<double>(options_.gates() * options_.hidden_size);
  const double recurrent = options_.traits().reads_h ? outputs * static_cast<double>(options_.output_size()) : 0;
  double terms = 0;
  for (Index l = 0; l < options_.num_layers; ++l)
    terms += outputs * static_cast<double>(options_.layer_input_size(l)) + recurrent;
  // A row costs more than its products: an activation costs as much as about 16 multiply-adds, and setting up the row's
  // pointers as much as about 500.
  terms += static_cast<double>(options_.num_layers) * (16 * outputs + 500);
  terms *= static_cast<double>(options_.directions()) * static_cast<double>(steps) * static_cast<double>(batch);
  detail::Work work;
  work.multiply_adds = terms;
  work.step_multiply_adds = recurrent;
  work.recurrent_bytes = recurrent * sizeof(T);
  work.side_by_side = options_.bidirectional ? Split::directions : Split::layers;
  if (side_by_side && options_.bidirectional) work.passes = 2;
  if (side_by_side && !options_.bidirectional && steps >= detail::steps_worth_following)
    work.passes = options_.num_layers;
  return work;
}

// The pass of one layer and direction in a forward call.
template <class T>
detail::ForwardPass<T> Stack<T>::pass(const ForwardCall<T>& call, const Schedule& schedule, const Weights<T>& weights,
                                      Index i, View<const T> x, View<T> y, T* cells_before) const {
  detail::ForwardPass<T> pass;
  pass.schedule = &schedule;
  pass.weights = &weights[i];
  pass.x = x;
  pass.y = y.shifted(i % options_.directions() * options_.output_size());
  for (int s = 0; s < options_.states(); ++s) {
    pass.initial_state[s] = part_of(call.initial_state[s], s, i, call.batch.sequences);
    pass.final_state[s] = part_of(call.final_state[s], s, i, call.batch.sequences);
  }
  pass.cells_before = cells_before;
  return pass;
}

// The pass of one layer and direction in a backward call.
template <class T>
detail::BackwardPass<T> Stack<T>::pass(const BackwardCall<T>& call, const Tape<T>& tape, Index i, View<const T> x,
                                       View<const T> d_y) const {
  const Index d = i % options_.directions(), l = i / options_.directions(), B = tape.schedules[0].batch();
  detail::BackwardPass<T> pass;
  pass.schedule = &tape.schedules[d];
  pass.weights = &(*tape.weights)[i];
  pass.x = x;
  pass.y = tape.output(l).shifted(d * options_.output_size());
  pass.initial_h = part_of(static_cast<const T*>(tape.initial_h.get()), State::h, i, B);
  pass.saved = tape.saved(i);
  pass.cells = tape.cells(i);
  pass.cells_before = tape.starts(i);
  pass.segment = tape.segment;
  pass.d_y = d_y ? d_y.shifted(d * options_.output_size()) : d_y;
  for (int s = 0; s < options_.states(); ++s) {
    pass.d_final_state[s] = part_of(call.d_final_state[s], s, i, B);
    pass.d_initial_state[s] = part_of(call.d_initial_state[s], s, i, B);
    const Index size = options_.state_size(s);
    if (T* const steps = part_of(call.d_state_steps[s], s, i, B))
      pass.d_state_steps[s] = {steps, options_.recurrences() * B * size, size};
  }
  pass.gradients = call.gradients[static_cast<std::size_t>(i)];
  pass.noise.random = true;
  pass.noise.key = tape.key;
  pass.noise.index = i;
  return pass;
}

// Writes the outputs of steps that are not taken. They are zeros with lengths. With a mask, they repeat the output of
// the last taken step, or are zeros if there is none.
template <class T>
void Stack<T>::finish_outputs(const ForwardCall<T>& call, const Schedule* schedules, Index begin, Index end) const {
  const Index Y = options_.output_size();
  const Batch& batch = call.batch;
  for (Index d = 0; d < options_.directions() && !batch.dense(); ++d)
    for (Index b = begin; b < end; ++b)
      for (Index t = batch.lengths ? batch.lengths[b] : 0; t < batch.steps; ++t) {
        if (batch.mask && batch.mask.at(t, b)) continue;
        const Index row = batch.mask ? schedules[d].shown(t, b) : Schedule::zero;
        T* const to = call.y.at(t, b) + d * Y;
        if (row >= 0)
          std::copy_n(call.y.at(schedules[d].time_of(row), b) + d * Y, Y, to);
        else
          std::fill_n(to, Y, T(0));
      }
}

template <class T>
void Stack<T>::forward(const Weights<T>& weights, const ForwardCall<T>& call, int threads) const {
  const Index D = options_.directions(), L = options_.num_layers, features = options_.features();
  const Index B = call.batch.sequences, steps = call.batch.steps;
  const Schedule schedules[2] = {Schedule(call.batch, false), D == 2 ? Schedule(call.batch, true) : Schedule()};
  const Plan plan = detail::plan(threads, work(steps, B, true), B);
  const Index passes = passes_at_once(plan), cells_size = B * sizes(0).cell_states();
  const LayerOutputs outputs(plan, L, steps * B * features);
  const Buffer<T> cells(passes * cells_size);
  const auto scratch_bytes = [&](Index sequences) {
    return over_layers([&](const Sizes& s) { return recurrence_->forward_scratch(s, steps, sequences); });
  };
  run_on_team(plan, schedules[0], scratch_bytes, 0, [&](const Share& share, std::byte* scratch, std::byte* common) {
    share.for_each_layer(L, [&](Index l, const Share& layer) {
      const View<const T> x = l == 0 ? call.x : dense(outputs[l - 1], B, features);
      const View<T> y = l + 1 == L ? call.y : dense(outputs[l], B, features);
      layer.for_each_direction(D, [&](Index d, const Share& own) {
        const Index i = l * D + d;
        const auto one = pass(call, schedules[d], weights, i, x, y, cells.get() + i % passes * cells_size);
        recurrence_->forward(sizes(l), one, own, scratch, common);
      });
    });
    share.once_per_sequence([&] { finish_outputs(call, schedules, share.begin, share.end); });
  });
}

template <class T>
Tape<T> Stack<T>::forward(std::shared_ptr<const Weights<T>> weights, const ForwardCall<T>& call, std::uint64_t key,
                          int threads, Index checkpoint) const {
  const Index D = options_.directions(), L = options_.num_layers, features = options_.features();
  const Index B = call.batch.sequences, steps = call.batch.steps;
  const Index segment = detail::round_up(std::min(checkpoint, steps), detail::block_steps(B));
  Tape<T> tape(options_, std::move(weights), call.batch, key, recurrence_->saved_count(), sizes(0), segment);
  const Plan plan = detail::plan(threads, work(steps, B, !waits(tape)), B);
  const Index passes = passes_at_once(plan), cells_size = segment > 0 ? B * sizes(0).cell_states() : 0;
  const Buffer<T> cells(passes * cells_size);
  tape.last_y = call.y;
  if (const T* const h = call.initial_state[State::h]) {
    tape.initial_h = Buffer<T>(options_.recurrences() * B * options_.output_size());
    std::copy_n(h, tape.initial_h.size(), tape.initial_h.get());
  }
  const Buffer<T> dropped(tape.dropout ? steps * B * features : 0);
  const auto scratch_bytes = [&](Index sequences) {
    return over_layers([&](const Sizes& s) { return recurrence_->forward_scratch(s, steps, sequences); });
  };
  const auto run = [&](const Share& share, std::byte* scratch, std::byte* common) {
    const View<T> own_x = dense(tape.x, B, options_.input_size);
    share.once_per_sequence([&] {
      tape.schedules[0].for_each_row(share.begin, share.end, [&](Index t, Index b) {
        std::copy_n(call.x.at(t, b), options_.input_size, own_x.at(t, b));
      });
    });
    share.for_each_layer(L, [&](Index l, const Share& layer) {
      layer.once_per_sequence([&] { tape.make_input(l, dropped, share.begin, share.end); });
      const View<const T> x = tape.input(l, dropped);
      const View<T> y = tape.output(l);
      layer.for_each_direction(D, [&](Index d, const Share& own) {
        const Index i = l * D + d;
        T* const before = segment > 0 ? cells.get() + i % passes * cells_size : tape.starts(i);
        auto one = pass(call, tape.schedules[d], *tape.weights, i, x, y, before);
        one.saved = tape.saved(i);
        one.cells = tape.cells(i);
        one.checkpoints = segment > 0 ? tape.starts(i) : nullptr;
        one.segment = segment;
        one.noise.random = true;
        one.noise.key = key;
        one.noise.index = i;
        recurrence_->forward(sizes(l), one, own, scratch, common);
      });
    });
    share.once_per_sequence([&] { finish_outputs(call, tape.schedules, share.begin, share.end); });
  };
  run_on_team(plan, tape.schedules[0], scratch_bytes, 0, run);
  return tape;
}

// Completes the gradient of a layer's input after the layer's passes: adds the second direction's gradient, if it was
// written to an array of its own (`apart`), and applies the dropout between the layers.
template <class T>
void Stack<T>::finish_input_gradient(const Tape<T>& tape, Index l, View<const T> apart, View<T> d_x, Index begin,
                                     Index end) const {
  const Index features = options_.layer_input_size(l);
  tape.schedules[0].for_each_row(begin, end, [&](Index t, Index b) {
    T* const to = d_x.at(t, b);
    for (Index k = 0; apart && k < features; ++k) to[k] += apart.at(t, b)[k];
    if (tape.dropout && l > 0) tape.dropout.apply(to, to, features, l - 1, t, b);
  });
}

template <class T>
void Stack<T>::backward(const Tape<T>& tape, const BackwardCall<T>& call, int threads) const {
  const Index D = options_.directions(), L = options_.num_layers, Y = options_.output_size();
  const Index B = tape.schedules[0].batch(), steps = tape.schedules[0].steps(), features = options_.features();
  tape.weights->prepare_backward();
  const Buffer<T> dropped(tape.dropout ? steps * B * features : 0);
  const bool fold = call.d_y && tape.schedules[0].masked();
  const Buffer<T> folded(fold ? steps * B * features : 0);
  // With segments there is memory for one segment, so the passes run one after the other.
  const Plan plan = detail::plan(threads, work(steps, B, tape.segment == 0 && !waits(tape)), B);
  const LayerOutputs gradients(plan, L, steps * B * features);
  // With segments, backward recomputes one segment at a time. These are its saved values and cell states.
  const Index segment = tape.segment, rows_again = std::min(segment, steps) * B;
  const Buffer<T> saved_again(rows_again * recurrence_->saved_count() * sizes(0).padded);
  const Buffer<T> cells_again(rows_again * sizes(0).cell_states());
  const auto scratch_bytes = [&](Index sequences) {
    return over_layers([&](const Sizes& s) { return recurrence_->backward_scratch(s, sequences, B, segment); });
  };
  const Index shared_bytes =
      over_layers([&](const Sizes& s) { return recurrence_->shared_scratch(s, steps, B, segment); });
  // The second direction's dx, until both directions are done.
  const Index widest_dx = std::max(call.d_x ? options_.input_size : 0, L > 1 ? features : 0);
  const Buffer<T> apart(plan.split == Split::directions ? steps * B * widest_dx : 0);
  const auto run = [&](const Share& share, std::byte* scratch, std::byte* shared) {
    const View<T> unfolded = dense(folded, B, features);
    if (fold)
      share.once_per_sequence([&] {
        for (Index d = 0; d < D; ++d)
          fold_repeated(tape.schedules[d], call.d_y.shifted(d * Y), unfolded.shifted(d * Y), Y, share.begin, share.end);
      });
    share.for_each_layer(L, [&](Index n, const Share& layer) {
      const Index l = L - 1 - n, read = options_.layer_input_size(l);
      layer.once_per_sequence([&] { tape.make_input(l, dropped, share.begin, share.end); });
      const View<const T> x = tape.input(l, dropped);
      const View<const T> d_y = n > 0 ? dense(gradients[l], B, features) : fold ? unfolded : call.d_y;
      const View<T> d_x = l == 0 ? call.d_x : dense(gradients[l - 1], B, features);
      const View<T> d_x_apart = layer.divides_directions() && d_x ? dense(apart, B, read) : View<T>{};
      layer.for_each_direction(D, [&](Index d, const Share& own) {
        auto one = pass(call, tape, l * D + d, x, d_y);
        one.d_x = d == 1 && d_x_apart ? d_x_apart : d_x;
        one.add_to_d_x = d == 1 && !d_x_apart;
        if (segment > 0) {
          one.saved = saved_again.get();
          one.cells = cells_again.get();
        }
        recurrence_->backward(sizes(l), one, own, scratch, shared);
        if (call.d_state_steps[State::h])
          own.once_per_sequence([&] {
            for (int s = 0; s < options_.states(); ++s)
              tape.schedules[d].clear_untaken(one.d_state_steps[s], options_.state_size(s), own.begin, own.end);
          });
      });
      if (d_x_apart || (tape.dropout && l > 0))
        layer.once_per_sequence([&] { finish_input_gradient(tape, l, d_x_apart, d_x, share.begin, share.end); });
    });
    if (call.d_x)
      share.once_per_sequence(
          [&] { tape.schedules[0].clear_untaken(call.d_x, options_.input_size, share.begin, share.end); });
  };
  run_on_team(plan, tape.schedules[0], scratch_bytes, shared_bytes, run);
}

}  // namespace GATEWISE_ISA
}  // namespace gatewise
