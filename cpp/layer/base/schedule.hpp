// Lengths, masks, resets and the direction, turned into rows: a row is one taken step of one sequence. The schedule
// says which rows a step has and which state each row begins with, so that no other code knows about padding.
#pragma once

#include <algorithm>
#include <vector>

#include "batch.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// The rows of one direction, numbered in the order in which they are computed: step by step, sequences ascending.
class Schedule {
 public:
  // Used instead of the number of a previous row where there is none: the state is the initial one, or, after a reset,
  // zero.
  static constexpr Index initial = -1, zero = -2;

  Schedule() = default;

  Schedule(const Batch& batch, bool reverse)
      : steps_(batch.sequences > 0 ? batch.steps : 0),  // no sequences, no steps
        batch_(batch.sequences),
        reverse_(reverse),
        masked_(batch.mask),
        dense_(batch.dense()),
        listed_(!dense_ || batch.resets) {
    if (!listed_) return;
    first_.reserve(static_cast<std::size_t>(steps_) + 1);
    first_.push_back(0);
    last_.assign(static_cast<std::size_t>(batch_), initial);
    std::vector<Index> shown(masked_ ? static_cast<std::size_t>(batch_) : 0, zero);
    if (masked_) shown_.assign(static_cast<std::size_t>(steps_ * batch_), zero);
    for (Index s = 0; s < steps_; ++s) {
      const Index t = time(s);
      for (Index b = 0; b < batch_; ++b) {
        const Index length = batch.lengths ? batch.lengths[b] : steps_;
        if (t >= length) continue;
        Index& state = last_[static_cast<std::size_t>(b)];
        // resets[t] cuts between t - 1 and t, so a reverse direction meets it when it arrives at t - 1.
        const Index cut = reverse ? t + 1 : t;
        if (batch.resets && cut < length && batch.resets.at(cut, b)) {
          state = zero;
          if (masked_) shown[static_cast<std::size_t>(b)] = zero;
        }
        if (!masked_ || batch.mask.at(t, b)) {
          sequence_.push_back(b);
          row_time_.push_back(t);
          previous_.push_back(state);
          state = static_cast<Index>(sequence_.size()) - 1;
          if (masked_) shown[static_cast<std::size_t>(b)] = state;
        } else {
          shown_[static_cast<std::size_t>(t * batch_ + b)] = shown[static_cast<std::size_t>(b)];
        }
      }
      first_.push_back(static_cast<Index>(sequence_.size()));
    }
  }

  Index steps() const { return steps_; }
  Index batch() const { return batch_; }
  Index rows() const { return listed_ ? static_cast<Index>(sequence_.size()) : steps_ * batch_; }
  bool masked() const { return masked_; }
  bool dense() const { return dense_; }

  // Step s, counted in the direction's order, has the rows [first(s), first(s + 1)) and is time step time(s).
  Index first(Index s) const { return listed_ ? first_[static_cast<std::size_t>(s)] : s * batch_; }
  Index time(Index s) const { return reverse_ ? steps_ - 1 - s : s; }
  // A row's sequence, its time step, and the row whose state it begins with (or `initial` or `zero`).
  Index sequence(Index row) const { return listed_ ? sequence_[static_cast<std::size_t>(row)] : row % batch_; }
  Index time_of(Index row) const { return listed_ ? row_time_[static_cast<std::size_t>(row)] : time(row / batch_); }
  Index previous(Index row) const {
    return listed_ ? previous_[static_cast<std::size_t>(row)] : std::max(row - batch_, initial);
  }
  // The same for a row of step s, without a division.
  Index sequence(Index s, Index row) const { return listed_ ? sequence(row) : row - s * batch_; }
  Index time_of_previous(Index s, Index row) const { return listed_ ? time_of(previous(row)) : time(s - 1); }
  // The row whose state is a sequence's final state (or `initial` or `zero`).
  Index last(Index b) const {
    return listed_ ? last_[static_cast<std::size_t>(b)] : steps_ > 0 ? (steps_ - 1) * batch_ + b : initial;
  }
  // With a mask: the row whose output a masked step repeats (or `zero`).
  Index shown(Index t, Index b) const { return shown_[static_cast<std::size_t>(t * batch_ + b)]; }

  // The rows of step s whose sequences are in [begin, end).
  struct Range {
    Index first, last;
  };
  Range rows_of(Index s, Index begin, Index end) const {
    if (!listed_) return {s * batch_ + begin, s * batch_ + end};
    const auto from = sequence_.begin() + first(s), to = sequence_.begin() + first(s + 1);
    const auto low = std::lower_bound(from, to, begin), high = std::lower_bound(low, to, end);
    return {low - sequence_.begin(), high - sequence_.begin()};
  }

  // Calls each(t, b) for every taken step of the sequences [begin, end).
  template <class Each>
  void for_each_row(Index begin, Index end, const Each& each) const {
    for (Index s = 0; s < steps(); ++s) {
      const Range range = rows_of(s, begin, end);
      for (Index row = range.first; row < range.last; ++row) each(time(s), sequence(s, row));
    }
  }

  // Sets `view` to zero at all steps that are not taken, for the sequences [begin, end).
  template <class T>
  void clear_untaken(const View<T>& view, Index features, Index begin, Index end) const {
    if (dense_) return;
    for (Index s = 0; s < steps(); ++s) {
      const Range range = rows_of(s, begin, end);
      Index row = range.first;
      for (Index b = begin; b < end; ++b)
        if (row < range.last && sequence(s, row) == b)
          ++row;
        else
          std::fill_n(view.at(time(s), b), features, T(0));
    }
  }

  Index bytes() const {
    Index numbers = 0;
    for (const auto* list : {&first_, &sequence_, &row_time_, &previous_, &last_, &shown_})
      numbers += static_cast<Index>(list->size());
    return numbers * static_cast<Index>(sizeof(Index));
  }

 private:
  Index steps_ = 0, batch_ = 0;
  // listed_: whether the lists below describe the rows. They are empty if every step is taken and there are no resets,
  // because the row numbers then determine everything.
  bool reverse_ = false, masked_ = false, dense_ = true, listed_ = false;
  std::vector<Index> first_, sequence_, row_time_, previous_, last_, shown_;
};

// With a mask, the gradient of a repeated output belongs to the step that it repeats: to[t] = d_y[t] plus the d_y of
// the steps that show t, in the direction's order, for the sequences [begin, end).
template <class T>
void fold_repeated(const Schedule& schedule, View<const T> d_y, View<T> to, Index features, Index begin, Index end) {
  for (Index s = 0; s < schedule.steps(); ++s) {
    const Index t = schedule.time(s);
    const Schedule::Range range = schedule.rows_of(s, begin, end);
    Index row = range.first;
    for (Index b = begin; b < end; ++b) {
      const T* const from = d_y.at(t, b);
      if (row < range.last && schedule.sequence(s, row) == b) {
        std::copy_n(from, features, to.at(t, b));
        ++row;
      } else if (const Index shown = schedule.shown(t, b); shown >= 0) {
        T* const sum = to.at(schedule.time_of(shown), b);
        for (Index i = 0; i < features; ++i) sum[i] += from[i];
      }
    }
  }
}

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
