// What a forward pass keeps for its backward pass: the weights it read, x, every h and c, and the cells' activations.
#pragma once

#include <memory>
#include <vector>

#include "../kernel/arena.hpp"
#include "../math/philox.hpp"
#include "schedule.hpp"
#include "weights.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

template <class T>
class Tape {
 public:
  // `kept` activations of `padded` units a row. `segment`: for checkpoints every so many steps, instead of every row.
  Tape(const Options& layer, std::shared_ptr<const Weights<T>> read, const Steps& steps, std::uint64_t call_key,
       Index kept, Index padded, Index segment_steps)
      : weights(std::move(read)),
        schedules{Schedule(steps, false), layer.bidirectional ? Schedule(steps, true) : Schedule()},
        key(call_key),
        dropout{key, layer.num_layers > 1 ? layer.dropout : 0},
        x(steps.time * steps.batch * layer.input_size),
        options(layer),
        segment(segment_steps),
        padded_(padded),
        kept_row_(kept * padded),
        rows_(segment > 0 ? 0 : schedules[0].rows()),
        starts_(segment > 0 ? ceil_div(schedules[0].steps(), segment) : 1),
        kept_(options.sequences() * rows_ * kept_row_),
        cells_(options.is_lstm() ? options.sequences() * (starts_ * steps.batch + rows_) * padded : 0) {
    for (Index l = 0; l + 1 < options.num_layers; ++l) y_.emplace_back(steps.time * steps.batch * options.features());
  }

  // The output of layer l.
  Rows<T> output(Index l) const {
    return l < static_cast<Index>(y_.size()) ? rows(y_[static_cast<std::size_t>(l)], options.features()) : last_y;
  }

  // What layer l reads: x, or the output of the layer below, less what dropout drops: that lies in `dropped`.
  Rows<const T> input(Index l, const Buffer<T>& dropped) const {
    if (l == 0) return rows(x, options.input_size);
    return dropout ? rows(dropped, options.features()) : output(l - 1);
  }
  // Makes it there, where there is dropout, for the sequences [begin, end).
  void make_input(Index l, const Buffer<T>& dropped, Index begin, Index end) const {
    if (l == 0 || !dropout) return;
    const Rows<T> from = output(l - 1), to = rows(dropped, options.features());
    schedules[0].for_each_row(begin, end, [&](Index t, Index b) {
      dropout.apply(from.at(t, b), to.at(t, b), options.features(), l - 1, t, b);
    });
  }

  // Of a layer and direction: what its cells kept, [rows][kept][padded], and c, [rows][padded]; null with checkpoints.
  T* kept_of(Index i) const { return segment > 0 ? nullptr : kept_.get() + i * rows_ * kept_row_; }
  T* cells_of(Index i) const { return segment > 0 ? nullptr : starts_of(i) + schedules[0].batch() * padded_; }
  // The c that it begins with, [B][padded]; with checkpoints that of every segment, [segments][B][padded].
  T* starts_of(Index i) const { return cells_.get() + i * (starts_ * schedules[0].batch() + rows_) * padded_; }

  // Of one row: what its cell kept, [kept][padded], and the state after it, h [Y] and c [padded].
  const T* kept_at(Index i, Index row) const { return kept_of(i) + row * kept_row_; }
  const T* c_at(Index i, Index row) const { return cells_of(i) + row * padded_; }
  const T* h_at(Index i, Index row) const {
    const Index d = i % options.directions();
    return output(i / options.directions()).at(schedules[d].time_of(row), schedules[d].sequence(row)) +
           d * options.output_size();
  }
  Index padded() const { return padded_; }

  // Without the weights, which the layer shares, and the last layer's y, which belongs to the caller.
  Index bytes() const {
    Index numbers = x.size() + h_first.size() + kept_.size() + cells_.size();
    for (const auto& buffer : y_) numbers += buffer.size();
    return numbers * static_cast<Index>(sizeof(T)) + schedules[0].bytes() + schedules[1].bytes();
  }

  std::shared_ptr<const Weights<T>> weights;
  Schedule schedules[2];  // forward and reverse
  std::uint64_t key;
  Dropout dropout;
  Buffer<T> x;        // [T, B, I]
  Buffer<T> h_first;  // [L·D, B, Y], or empty: zeros
  Rows<T> last_y;     // of the last layer, in the caller's layout
  Options options;
  Index segment;  // steps from checkpoint to checkpoint; 0: everything is kept

 private:
  Rows<T> rows(const Buffer<T>& buffer, Index features) const {
    return {buffer.get(), schedules[0].batch() * features, features};
  }

  Index padded_, kept_row_, rows_, starts_;
  Buffer<T> kept_, cells_;    // of all layers and directions, one behind the other
  std::vector<Buffer<T>> y_;  // of each layer but the last: [T, B, D·Y]
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
