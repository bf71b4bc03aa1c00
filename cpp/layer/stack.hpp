// The whole layer: stacked layers and directions over a batch, forward and backward, on one team of threads.
#pragma once

#include "choose.hpp"
#include "split.hpp"
#include "tape.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// A call in the caller's layout; the states are [L·D, B, Y] and [L·D, B, H] without gaps.
template <class T>
struct ForwardCall {
  Steps steps;
  Rows<const T> x;
  Rows<T> y;
  const T *h = nullptr, *c = nullptr;  // or null: zeros
  T *h_last = nullptr, *c_last = nullptr;
};

template <class T>
struct BackwardCall {
  Rows<const T> d_y;                                 // or null: zeros
  const T *d_h_last = nullptr, *d_c_last = nullptr;  // or null: zeros
  Rows<T> d_x;                                       // or null: not wanted
  T *d_h = nullptr, *d_c = nullptr;
  // Of the state after every step, 0 where none is taken: [T, L·D, B, Y] and [T, L·D, B, H]; or null: not wanted.
  T *d_h_steps = nullptr, *d_c_steps = nullptr;
  std::vector<Parameters<T>> gradients;  // l·D + d
};

template <class T>
class Stack {
 public:
  // Options that contradict each other are an invalid_argument.
  explicit Stack(const Options& options);

  const Options& options() const { return options_; }
  const Sequence<T>& sequence() const { return *sequence_; }
  Sizes sizes(Index layer) const { return Sizes(options_, layer, widest<T>); }

  // Parameters of all layers and directions, l·D + d, in the form that the products read.
  std::shared_ptr<const Weights<T>> pack(const std::vector<Parameters<const T>>& parameters) const {
    return std::make_shared<const Weights<T>>(options_, widest<T>, parameters);
  }

  // What a forward pass costs that takes every step.
  Work work(Index time, Index batch, bool side_by_side = true) const {
    const double outputs = static_cast<double>(options_.gates() * options_.hidden_size);
    const double recurrent = outputs * static_cast<double>(options_.output_size());
    double terms = 0;
    for (Index l = 0; l < options_.num_layers; ++l)
      terms += outputs * static_cast<double>(options_.layer_input_size(l)) + recurrent;
    // What a row costs beside its products: activations, some 16 multiply-adds each, and pointers.
    terms += static_cast<double>(options_.num_layers) * (16 * outputs + 500);
    terms *= static_cast<double>(options_.directions()) * static_cast<double>(time) * static_cast<double>(batch);
    const bool follow = !options_.bidirectional && time >= steps_worth_following;
    const Split apart = options_.bidirectional ? Split::directions : Split::layers;
    const Index passes = options_.bidirectional ? 2 : follow ? options_.num_layers : 1;
    return {terms, recurrent, recurrent * sizeof(T), apart, side_by_side ? passes : 1};
  }

  // Inference: no dropout, keeps nothing.
  void forward(const Weights<T>& weights, const ForwardCall<T>& call, int threads) const;
  // The same with dropout and zoneout, whose chances are the key's, and for a later backward pass; the call's y must
  // outlive the tape.
  // `checkpoint`: keep c every so many steps alone, rounded up to whole blocks of the gradients; 0: keep everything.
  Tape<T> forward(std::shared_ptr<const Weights<T>> weights, const ForwardCall<T>& call, std::uint64_t key, int threads,
                  Index checkpoint = 0) const;
  void backward(const Tape<T>& tape, const BackwardCall<T>& call, int threads) const;

 private:
  static Rows<T> dense(const Buffer<T>& buffer, Index batch, Index features) {
    return {buffer.get(), batch * features, features};
  }
  // Whether a layer waits for the whole of the one before: dropout between them acts on all steps at once.
  bool waits(const Tape<T>& tape) const { return tape.dropout && !options_.bidirectional; }
  // The passes that run at once, each with memory of its own.
  Index passes_at_once(const Plan& plan) const {
    return plan.split == Split::layers ? options_.num_layers : options_.directions();
  }
  // What one layer hands to the next, between l and l + 1: where one comes after the other, room for two is enough.
  class Between {
   public:
    Between(const Plan& plan, Index layers, Index numbers) {
      const Index most = plan.split == Split::layers ? layers : 2;
      for (Index l = 0; l < std::min(layers - 1, most); ++l) buffers_.emplace_back(numbers);
    }
    const Buffer<T>& operator[](Index l) const { return buffers_[static_cast<std::size_t>(l) % buffers_.size()]; }

   private:
    std::vector<Buffer<T>> buffers_;
  };
  // The most that `bytes(sizes)` asks for in any layer: all but the first are alike.
  template <class Bytes>
  Index over_layers(const Bytes& bytes) const {
    const Index first = bytes(sizes(0));
    return options_.num_layers == 1 ? first : std::max(first, bytes(sizes(1)));
  }
  // One layer and direction of a forward call.
  ForwardPass<T> pass(const ForwardCall<T>& call, const Schedule& schedule, const Weights<T>& weights, Index i,
                      Rows<const T> x, Rows<T> y, T* c_before) const {
    const Index B = call.steps.batch, Y = options_.output_size(), H = options_.hidden_size;
    const auto part = [&](auto* state, Index size) { return state ? state + i * B * size : nullptr; };
    return {&schedule,
            &weights[i],
            x,
            y.shifted(i % options_.directions() * Y),
            part(call.h, Y),
            part(call.c, H),
            part(call.h_last, Y),
            part(call.c_last, H),
            c_before,
            nullptr,
            nullptr,
            nullptr,
            0,
            {}};
  }
  // And of a backward call, whose d_x the second direction adds to unless each has its own. `again`: room for a segment
  // that is made anew, or null.
  BackwardPass<T> pass(const BackwardCall<T>& call, const Tape<T>& tape, Index i, Rows<const T> x, Rows<const T> d_y,
                       Rows<T> d_x, bool add_to_d_x, T* kept_again, T* cells_again) const {
    const Index d = i % options_.directions(), l = i / options_.directions(), B = tape.schedules[0].batch();
    const Index Y = options_.output_size(), H = options_.hidden_size;
    const auto part = [&](auto* state, Index size) { return state ? state + i * B * size : nullptr; };
    return {&tape.schedules[d],
            &(*tape.weights)[i],
            x,
            tape.output(l).shifted(d * Y),
            part(tape.h_first.get(), Y),
            tape.segment > 0 ? kept_again : tape.kept_of(i),
            tape.segment > 0 ? cells_again : tape.cells_of(i),
            tape.starts_of(i),
            tape.segment,
            d_y ? d_y.shifted(d * Y) : d_y,
            part(call.d_h_last, Y),
            part(call.d_c_last, H),
            d_x,
            add_to_d_x,
            part(call.d_h, Y),
            part(call.d_c, H),
            steps_of(call.d_h_steps, i, B, Y),
            steps_of(call.d_c_steps, i, B, H),
            call.gradients[static_cast<std::size_t>(i)],
            {true, tape.key, i}};
  }
  // Those of one layer and direction among the states after every step, [T, L·D, B, size], or null.
  Rows<T> steps_of(T* states, Index i, Index batch, Index size) const {
    if (!states) return {};
    return {states + i * batch * size, options_.sequences() * batch * size, size};
  }
  void finish_outputs(const ForwardCall<T>& call, const Schedule* schedules, Index begin, Index end) const;
  void finish_input_gradient(const Tape<T>& tape, Index l, Rows<const T> apart, Rows<T> d_x, Index begin,
                             Index end) const;

  Options options_;
  SequencePointer<T> sequence_;
};

// Not in the class: so a source that only declares the instances does not compile every kernel again.
template <class T>
Stack<T>::Stack(const Options& options) : options_(options.checked()), sequence_(choose_sequence<T>(options)) {}

// The outputs of steps that were not taken: zeros with lengths, the last step's with a mask.
template <class T>
void Stack<T>::finish_outputs(const ForwardCall<T>& call, const Schedule* schedules, Index begin, Index end) const {
  const Index Y = options_.output_size();
  for (Index d = 0; d < options_.directions() && !call.steps.dense(); ++d)
    for (Index b = begin; b < end; ++b)
      for (Index t = call.steps.lengths ? call.steps.lengths[b] : 0; t < call.steps.time; ++t) {
        if (call.steps.mask && call.steps.mask.at(t, b)) continue;
        const Index row = call.steps.mask ? schedules[d].shown(t, b) : Schedule::zero;
        T* const to = call.y.at(t, b) + d * Y;
        if (row >= 0)
          std::copy_n(call.y.at(schedules[d].time_of(row), b) + d * Y, Y, to);
        else
          std::fill_n(to, Y, T(0));
      }
}

template <class T>
void Stack<T>::forward(const Weights<T>& weights, const ForwardCall<T>& call, int threads) const {
  const Index D = options_.directions(), L = options_.num_layers, B = call.steps.batch, features = options_.features();
  const Schedule schedules[2] = {Schedule(call.steps, false), D == 2 ? Schedule(call.steps, true) : Schedule()};
  const Plan wanted = plan(threads, work(call.steps.time, B), B);
  const Index passes = passes_at_once(wanted), state = options_.is_lstm() ? B * sizes(0).padded : 0;
  const Between between(wanted, L, call.steps.time * B * features);
  const Buffer<T> cells(passes * state);
  const auto scratch_bytes = [&](Index share) {
    return over_layers([&](const Sizes& s) { return sequence_->forward_scratch(s, call.steps.time, share); });
  };
  on_team(wanted, schedules[0], scratch_bytes, 0, [&](const Part& part, std::byte* scratch, std::byte* common) {
    part.by_layer(L, [&](Index l, const Part& layer) {
      const Rows<const T> x = l == 0 ? call.x : dense(between[l - 1], B, features);
      const Rows<T> y = l + 1 == L ? call.y : dense(between[l], B, features);
      layer.by_direction(D, [&](Index d, const Part& own) {
        const Index i = l * D + d;
        const auto one = pass(call, schedules[d], weights, i, x, y, cells.get() + i % passes * state);
        sequence_->forward(sizes(l), one, own, scratch, common);
      });
    });
    part.by_sequence([&] { finish_outputs(call, schedules, part.begin, part.end); });
  });
}

template <class T>
Tape<T> Stack<T>::forward(std::shared_ptr<const Weights<T>> weights, const ForwardCall<T>& call, std::uint64_t key,
                          int threads, Index checkpoint) const {
  const Index D = options_.directions(), L = options_.num_layers, B = call.steps.batch, features = options_.features();
  const Index segment = round_up(std::min(checkpoint, call.steps.time), block_steps(B));
  Tape<T> tape(options_, std::move(weights), call.steps, key, sequence_->kept(), sizes(0).padded, segment);
  const Plan wanted = plan(threads, work(call.steps.time, B, !waits(tape)), B);
  const Index passes = passes_at_once(wanted), state = segment > 0 && options_.is_lstm() ? B * sizes(0).padded : 0;
  const Buffer<T> cells(passes * state);
  tape.last_y = call.y;
  if (call.h) {
    tape.h_first = Buffer<T>(options_.sequences() * B * options_.output_size());
    std::copy_n(call.h, tape.h_first.size(), tape.h_first.get());
  }
  const Buffer<T> dropped(tape.dropout ? call.steps.time * B * features : 0);
  const auto scratch_bytes = [&](Index share) {
    return over_layers([&](const Sizes& s) { return sequence_->forward_scratch(s, call.steps.time, share); });
  };
  on_team(wanted, tape.schedules[0], scratch_bytes, 0, [&](const Part& part, std::byte* scratch, std::byte* common) {
    const Rows<T> kept_x = dense(tape.x, B, options_.input_size);
    part.by_sequence([&] {
      tape.schedules[0].for_each_row(part.begin, part.end, [&](Index t, Index b) {
        std::copy_n(call.x.at(t, b), options_.input_size, kept_x.at(t, b));
      });
    });
    part.by_layer(L, [&](Index l, const Part& layer) {
      layer.by_sequence([&] { tape.make_input(l, dropped, part.begin, part.end); });
      const Rows<const T> x = tape.input(l, dropped);
      const Rows<T> y = tape.output(l);
      layer.by_direction(D, [&](Index d, const Part& own) {
        const Index i = l * D + d;
        auto one = pass(call, tape.schedules[d], *tape.weights, i, x, y,
                        segment > 0 ? cells.get() + i % passes * state : tape.starts_of(i));
        one.kept = tape.kept_of(i);
        one.cells = tape.cells_of(i);
        one.checkpoints = segment > 0 ? tape.starts_of(i) : nullptr;
        one.segment = segment;
        one.noise = {true, key, i};
        sequence_->forward(sizes(l), one, own, scratch, common);
      });
    });
    part.by_sequence([&] { finish_outputs(call, tape.schedules, part.begin, part.end); });
  });
  return tape;
}

// What a layer's passes leave to be done to the gradient of its input: the second direction's part is added, if it lies
// apart, and what dropout between the layers has dropped is dropped.
template <class T>
void Stack<T>::finish_input_gradient(const Tape<T>& tape, Index l, Rows<const T> apart, Rows<T> d_x, Index begin,
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
  const Index D = options_.directions(), L = options_.num_layers, Y = options_.output_size(), H = options_.hidden_size;
  const Index B = tape.schedules[0].batch(), time = tape.schedules[0].steps(), features = options_.features();
  tape.weights->prepare_backward();
  const Buffer<T> dropped(tape.dropout ? time * B * features : 0);
  const bool fold = call.d_y && tape.schedules[0].masked();
  const Buffer<T> folded(fold ? time * B * features : 0);
  // There is room for one segment: then one pass comes after the other.
  const Plan wanted = plan(threads, work(time, B, tape.segment == 0 && !waits(tape)), B);
  const Between between(wanted, L, time * B * features);
  // What the tape has not kept is made anew here, segment by segment.
  const Index segment = tape.segment, rows_again = std::min(segment, time) * B, padded = sizes(0).padded;
  const Buffer<T> kept_again(rows_again * sequence_->kept() * padded);
  const Buffer<T> cells_again(options_.is_lstm() ? rows_again * padded : 0);
  const auto scratch_bytes = [&](Index share) {
    return over_layers([&](const Sizes& s) { return sequence_->backward_scratch(s, share, B, segment); });
  };
  const Index shared_bytes =
      over_layers([&](const Sizes& s) { return sequence_->shared_scratch(s, time, B, segment); });
  // The second direction's dx, until both are done.
  const Index widest_dx = std::max(call.d_x ? options_.input_size : 0, L > 1 ? features : 0);
  const Buffer<T> apart(wanted.split == Split::directions ? time * B * widest_dx : 0);
  on_team(wanted, tape.schedules[0], scratch_bytes, shared_bytes,
          [&](const Part& part, std::byte* scratch, std::byte* shared) {
            const Rows<T> unfolded = dense(folded, B, features);
            if (fold)
              part.by_sequence([&] {
                for (Index d = 0; d < D; ++d)
                  fold_repeated(tape.schedules[d], call.d_y.shifted(d * Y), unfolded.shifted(d * Y), Y, part.begin,
                                part.end);
              });
            part.by_layer(L, [&](Index n, const Part& layer) {
              const Index l = L - 1 - n, read = options_.layer_input_size(l);
              layer.by_sequence([&] { tape.make_input(l, dropped, part.begin, part.end); });
              const Rows<const T> x = tape.input(l, dropped);
              const Rows<const T> d_y = n > 0 ? dense(between[l], B, features) : fold ? unfolded : call.d_y;
              const Rows<T> d_x = l == 0 ? call.d_x : dense(between[l - 1], B, features);
              const Rows<T> d_x_apart = layer.by_directions() && d_x ? dense(apart, B, read) : Rows<T>{};
              layer.by_direction(D, [&](Index d, const Part& own) {
                const auto one = pass(call, tape, l * D + d, x, d_y, d == 1 && d_x_apart ? d_x_apart : d_x,
                                      d == 1 && !d_x_apart, kept_again.get(), cells_again.get());
                sequence_->backward(sizes(l), one, own, scratch, shared);
                if (call.d_h_steps)
                  own.by_sequence([&] {
                    tape.schedules[d].clear_untaken(one.d_h_steps, Y, own.begin, own.end);
                    if (one.d_c_steps) tape.schedules[d].clear_untaken(one.d_c_steps, H, own.begin, own.end);
                  });
              });
              if (d_x_apart || (tape.dropout && l > 0))
                layer.by_sequence([&] { finish_input_gradient(tape, l, d_x_apart, d_x, part.begin, part.end); });
            });
            if (call.d_x)
              part.by_sequence(
                  [&] { tape.schedules[0].clear_untaken(call.d_x, options_.input_size, part.begin, part.end); });
          });
}

}  // namespace GATEWISE_ISA
}  // namespace gatewise
