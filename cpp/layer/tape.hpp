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
  // `kept` activations of `padded` units a row.
  Tape(const Options& options, std::shared_ptr<const Weights<T>> read, const Steps& steps, const Dropout& drop,
       Index kept, Index padded)
      : weights(std::move(read)),
        schedules{Schedule(steps, false), options.bidirectional ? Schedule(steps, true) : Schedule()},
        dropout(drop),
        x(steps.time * steps.batch * options.input_size),
        input_size_(options.input_size),
        features_(options.features()) {
    for (Index l = 0; l + 1 < options.num_layers; ++l) y_.emplace_back(steps.time * steps.batch * features_);
    for (Index i = 0; i < options.sequences(); ++i) {
      const Index rows = schedules[0].rows();
      kept_.emplace_back(rows * kept * padded);
      cells_.emplace_back(options.is_lstm() ? (steps.batch + rows) * padded : 0);
    }
  }

  // The output of layer l.
  Rows<T> output(Index l) const {
    return l < static_cast<Index>(y_.size()) ? rows(y_[static_cast<std::size_t>(l)], features_) : last_y;
  }

  // What layer l reads: x, or the output of the layer below, less what dropout drops: that lies in `dropped`.
  Rows<const T> input(Index l, const Buffer<T>& dropped) const {
    if (l == 0) return rows(x, input_size_);
    return dropout ? rows(dropped, features_) : output(l - 1);
  }
  // Makes it there, where there is dropout, for the sequences [begin, end).
  void make_input(Index l, const Buffer<T>& dropped, Index begin, Index end) const {
    if (l == 0 || !dropout) return;
    const Rows<T> from = output(l - 1), to = rows(dropped, features_);
    schedules[0].for_each_row(
        begin, end, [&](Index t, Index b) { dropout.apply(from.at(t, b), to.at(t, b), features_, l - 1, t, b); });
  }

  T* kept_of(Index i) const { return kept_[static_cast<std::size_t>(i)].get(); }
  T* cells_of(Index i) const { return cells_[static_cast<std::size_t>(i)].get(); }

  // Without the weights, which the layer shares, and the last layer's y, which belongs to the caller.
  Index bytes() const {
    Index numbers = x.size() + h_first.size();
    for (const auto* list : {&y_, &kept_, &cells_})
      for (const auto& buffer : *list) numbers += buffer.size();
    return numbers * static_cast<Index>(sizeof(T)) + schedules[0].bytes() + schedules[1].bytes();
  }

  std::shared_ptr<const Weights<T>> weights;
  Schedule schedules[2];  // forward and reverse
  Dropout dropout;
  Buffer<T> x;        // [T, B, I]
  Buffer<T> h_first;  // [L·D, B, Y], or empty: zeros
  Rows<T> last_y;     // of the last layer, in the caller's layout

 private:
  Rows<T> rows(const Buffer<T>& buffer, Index features) const {
    return {buffer.get(), schedules[0].batch() * features, features};
  }

  Index input_size_, features_;
  std::vector<Buffer<T>> y_;             // of each layer but the last: [T, B, D·Y]
  std::vector<Buffer<T>> kept_, cells_;  // of each layer and direction
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
