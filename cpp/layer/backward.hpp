// Backpropagation through time of one layer and direction (Werbos 1990): blocks of steps from the last; in a block the
// steps from the last, then the gradients of x and of the weights while δ is still in cache.
#pragma once

#include "forward.hpp"
#include "gradients.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// One member's.
template <class T>
struct BackwardScratch {
  BackwardScratch(Arena& arena, const Sizes& sizes, Index share, Index batch)
      : zeros(arena.take<T>(std::max(sizes.padded, sizes.padded_outputs))),
        d_h(arena.take<T>(share * sizes.padded_outputs)),
        d_c(arena.take<T>(share * sizes.padded)),
        rows(arena.take<BackwardRow<T>>(share)),
        deltas(arena.take<const T*>(block_steps(batch) * share)),
        d_x(arena.take<T*>(block_steps(batch) * share)),
        step(arena, sizes, share) {}

  T* zeros;
  T* d_h;                // [share][padded outputs]: the gradient of each sequence's state, as far as it has come
  T* d_c;                // [share][padded]
  BackwardRow<T>* rows;  // [share]
  const T** deltas;      // [own rows of a block]
  T** d_x;               // [own rows of a block]
  StepScratch<T> step;
};

// What all members share: a block's δ, and what the weight gradients are made of.
template <class P>
struct SharedScratch {
  using T = scalar_t<P>;

  template <class Stages>
  SharedScratch(Arena& arena, const Sizes& sizes, Index batch, Stages stages)
      : rows(block_steps(batch) * batch),
        delta(arena.take<T>(rows * sizes.deltas())),
        delta_h(arena.take<T>(Stages::two_deltas ? rows * sizes.deltas() : 0)),
        d_out(arena.take<T>(sizes.projects() ? rows * sizes.outputs : 0)),
        between(arena.take<T>(sizes.projects() || Stages::two_stages ? rows * sizes.hidden : 0)),
        jobs(arena, sizes, rows, stages),
        peephole(arena, sizes, Stages::peepholes ? rows : 0) {}

  Index rows;
  T *delta, *delta_h, *d_out, *between;  // [rows][...]
  GradientJobs<P> jobs;
  PeepholeGradient<P> peephole;
};

template <class P, class Stages>
class Backward {
  using T = scalar_t<P>;

 public:
  Backward(const Sizes& sizes, const BackwardPass<T>& pass, const Member& member, Index begin, Index end,
           BackwardScratch<T>& scratch, SharedScratch<P>& shared)
      : sizes_(sizes),
        pass_(pass),
        schedule_(*pass.schedule),
        member_(member),
        begin_(begin),
        end_(end),
        scratch_(scratch),
        shared_(shared),
        states_{schedule_, pass.y, pass.h_first, pass.cells, scratch.zeros, sizes.outputs, sizes.padded, true} {}

  void run() {
    start();
    const Index length = block_steps(schedule_.batch());
    for (Index block = ceil_div(schedule_.steps(), length); block-- > 0;)
      run_block(block * length, std::min((block + 1) * length, schedule_.steps()));
    finish();
  }

 private:
  T* d_h(Index b) const { return scratch_.d_h + (b - begin_) * sizes_.padded_outputs; }
  T* d_c(Index b) const { return scratch_.d_c + (b - begin_) * sizes_.padded; }

  // A cut drops what comes from behind it.
  void drop(Index b) const {
    std::fill_n(d_h(b), sizes_.padded_outputs, T(0));
    if (Stages::has_cell_state) std::fill_n(d_c(b), sizes_.padded, T(0));
  }

  void start() {
    std::fill_n(scratch_.zeros, std::max(sizes_.padded, sizes_.padded_outputs), T(0));
    for (Index b = begin_; b < end_; ++b) {
      copy_state(pass_.d_h_last, sizes_.outputs, d_h(b), sizes_.padded_outputs, b);
      if (Stages::has_cell_state) copy_state(pass_.d_c_last, sizes_.hidden, d_c(b), sizes_.padded, b);
      if (schedule_.last(b) == Schedule::zero) drop(b);
    }
    shared_.jobs.start(member_);
    if (Stages::peepholes) shared_.peephole.start(member_, sizes_);
  }

  // Steps [from, to). A block's rows are numbered as backward meets them: steps descending, sequences ascending.
  void run_block(Index from, Index to) {
    const Index end_row = schedule_.first(to), rows = end_row - schedule_.first(from);
    shared_.jobs.begin_block(rows);
    Index own = 0;
    for (Index s = to; s-- > from;) {
      const auto range = schedule_.rows_of(s, begin_, end_);
      const Index place = end_row - schedule_.first(s + 1) - schedule_.first(s);  // + row: its number in the block
      const Index count = range.last - range.first;
      for (Index n = 0; n < count; ++n) set_row(scratch_.rows[n], range.first + n, place + range.first + n);
      Stages::backward(*pass_.weights, sizes_, scratch_.rows, count, scratch_.step);
      for (Index n = 0; n < count; ++n, ++own) {
        const Index row = range.first + n, b = schedule_.sequence(row), t = schedule_.time_of(row);
        shared_.jobs.put(place + row, scratch_.rows[n], pass_.x.at(t, b), sizes_);
        scratch_.deltas[own] = scratch_.rows[n].delta;
        scratch_.d_x[own] = pass_.d_x ? pass_.d_x.at(t, b) : nullptr;
        if (schedule_.previous(row) == Schedule::zero) drop(b);
      }
    }
    if (pass_.d_x) input_gradient(own);
    member_.wait();
    shared_.jobs.add_block(member_);
    if (Stages::peepholes) shared_.peephole.add_block(member_, sizes_, shared_.delta, rows);
    member_.wait();
  }

  void set_row(BackwardRow<T>& r, Index row, Index place) {
    const Index b = schedule_.sequence(row), t = schedule_.time_of(row), before = schedule_.previous(row);
    r.d_y = pass_.d_y ? pass_.d_y.at(t, b) : scratch_.zeros;
    r.h = pass_.y.at(t, b);
    r.h_prev = states_.h(before, b);
    r.kept = pass_.kept + row * Stages::kept * sizes_.padded;
    r.d_h = d_h(b);
    r.d_c = d_c(b);
    r.delta = shared_.delta + place * sizes_.deltas();
    r.delta_h = shared_.delta_h + place * sizes_.deltas();
    r.d_out = shared_.d_out + place * sizes_.outputs;
    r.between = shared_.between + place * sizes_.hidden;
    if (Stages::has_cell_state) r.c_prev = states_.c(before, b);
    if (Stages::peepholes) {
      shared_.peephole.c_prev[place] = r.c_prev;
      shared_.peephole.c[place] = states_.c(row, b);
    }
  }

  // dx = W_ihᵀ δ for the member's own rows of a block.
  void input_gradient(Index rows) {
    const auto& panels = pass_.weights->transposed().input;
    use_tiles<P>(panels, scratch_.deltas, rows, [&](Index panel, Index first, Index n, const T* tile) {
      for (Index r = 0; r < n; ++r, tile += most_packets * P::width)
        for (Index j = 0; j < panels.count(panel); ++j) {
          const Index k = panels.first_unit(panel) + j * P::width, left = sizes_.inputs - k;
          T* const to = scratch_.d_x[first + r] + k;
          const P product = load<P>(tile + j * P::width);
          store(to, pass_.add_to_d_x ? load<P>(to, left) + product : product, left);
        }
    });
  }

  void finish() {
    shared_.jobs.finish(member_, sizes_, pass_.gradients);
    if (Stages::peepholes) shared_.peephole.finish(member_, sizes_, pass_.gradients.weight_peephole);
    for (Index b = begin_; b < end_; ++b) {
      std::copy_n(d_h(b), sizes_.outputs, pass_.d_h_first + b * sizes_.outputs);
      if (Stages::has_cell_state) std::copy_n(d_c(b), sizes_.hidden, pass_.d_c_first + b * sizes_.hidden);
    }
    member_.wait();
  }

  const Sizes& sizes_;
  const BackwardPass<T>& pass_;
  const Schedule& schedule_;
  const Member& member_;
  const Index begin_, end_;
  BackwardScratch<T>& scratch_;
  SharedScratch<P>& shared_;
  const States<T> states_;
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
