// What a forward pass saves for its backward pass: the weights that it read, x, all states, and values of the cells.
#pragma once

#include <memory>
#include <vector>

#include "../kernel/arena.hpp"
#include "../math/philox.hpp"
#include "base/schedule.hpp"
#include "base/sizes.hpp"
#include "base/weights.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// Made by Stack::forward. Everywhere, i is the number l·D + d of a layer and direction.
template <class T>
class Tape {
 public:
  // Each row saves saved_count values for each of sizes.padded units. With segments, only the states before each
  // segment are saved.
  Tape(const Options& layer, std::shared_ptr<const Weights<T>> read, const Batch& batch, std::uint64_t call_key,
       Index saved_count, const detail::Sizes& sizes, Index segment_steps)
      : weights(std::move(read)),
        schedules{detail::Schedule(batch, false),
                  layer.bidirectional ? detail::Schedule(batch, true) : detail::Schedule()},
        key(call_key),
        dropout{key, layer.num_layers > 1 ? layer.dropout : 0},
        x(batch.steps * batch.sequences * layer.input_size),
        options(layer),
        segment(segment_steps),
        padded_(sizes.padded),
        saved_row_(saved_count * sizes.padded),
        cells_row_(sizes.cell_states()),
        rows_(segment > 0 ? 0 : schedules[0].rows()),
        starts_(segment > 0 ? detail::ceil_div(schedules[0].steps(), segment) : 1),
        saved_(options.recurrences() * rows_ * saved_row_),
        cells_(options.recurrences() * (starts_ * batch.sequences + rows_) * cells_row_) {
    const Index y_size = batch.steps * batch.sequences * options.features();
    for (Index l = 0; l + 1 < options.num_layers; ++l) y_.emplace_back(y_size);
  }

  // The output of layer l.
  View<T> output(Index l) const {
    return l < static_cast<Index>(y_.size()) ? view(y_[static_cast<std::size_t>(l)], options.features()) : last_y;
  }

  // The input of layer l: x, or the output of the layer below. With dropout, the output after dropout is in `dropped`.
  View<const T> input(Index l, const detail::Buffer<T>& dropped) const {
    if (l == 0) return view(x, options.input_size);
    return dropout ? view(dropped, options.features()) : output(l - 1);
  }
  // With dropout, writes the input of layer l to `dropped`, for the sequences [begin, end).
  void make_input(Index l, const detail::Buffer<T>& dropped, Index begin, Index end) const {
    if (l == 0 || !dropout) return;
    const View<T> from = output(l - 1), to = view(dropped, options.features());
    schedules[0].for_each_row(begin, end, [&](Index t, Index b) {
      dropout.apply(from.at(t, b), to.at(t, b), options.features(), l - 1, t, b);
    });
  }

  // The values that the cells saved, [rows][saved_count][padded], and all states but h after each row,
  // [rows][states - 1][padded]. Both are null with segments.
  T* saved(Index i) const { return segment > 0 ? nullptr : saved_.get() + i * rows_ * saved_row_; }
  T* cells(Index i) const { return segment > 0 ? nullptr : starts(i) + schedules[0].batch() * cells_row_; }
  // All states but h before the first row, [B][states - 1][padded], or, with segments, before every segment,
  // [segments][B][states - 1][padded].
  T* starts(Index i) const { return cells_.get() + i * (starts_ * schedules[0].batch() + rows_) * cells_row_; }

  // The saved values of one row, [saved_count][padded], and a state after the row: h [Y], any other [padded].
  const T* saved_at(Index i, Index row) const { return saved(i) + row * saved_row_; }
  const T* state_at(int state, Index i, Index row) const {
    if (state != State::h) return cells(i) + row * cells_row_ + (state - 1) * padded_;
    const Index d = i % options.directions();
    return output(i / options.directions()).at(schedules[d].time_of(row), schedules[d].sequence(row)) +
           d * options.output_size();
  }
  Index padded() const { return padded_; }

  // Excludes the weights, which the layer shares, and the last layer's y, which belongs to the caller.
  Index bytes() const {
    Index numbers = x.size() + initial_h.size() + saved_.size() + cells_.size();
    for (const auto& buffer : y_) numbers += buffer.size();
    return numbers * static_cast<Index>(sizeof(T)) + schedules[0].bytes() + schedules[1].bytes();
  }

  std::shared_ptr<const Weights<T>> weights;
  detail::Schedule schedules[2];  // forward and reverse
  std::uint64_t key;
  detail::Dropout dropout;      // between layers
  detail::Buffer<T> x;          // [T, B, I]
  detail::Buffer<T> initial_h;  // [L·D, B, Y], or empty: zeros
  View<T> last_y;               // of the last layer, in the caller's layout
  Options options;
  Index segment;  // steps from checkpoint to checkpoint; 0: every row is saved

 private:
  View<T> view(const detail::Buffer<T>& buffer, Index features) const {
    return View<T>::dense(buffer.get(), schedules[0].batch(), features);
  }

  Index padded_, saved_row_, cells_row_, rows_, starts_;
  detail::Buffer<T> saved_, cells_;   // of all layers and directions, one after another
  std::vector<detail::Buffer<T>> y_;  // of each layer but the last: [T, B, D·Y]
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
