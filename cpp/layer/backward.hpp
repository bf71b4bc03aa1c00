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
  BackwardScratch(Arena& arena, const Sizes& sizes, Index share, Index batch, Index segment)
      : zeros(arena.take<T>(std::max(sizes.padded, sizes.padded_outputs))),
        d_h(arena.take<T>(share * sizes.padded_outputs)),
        d_c(arena.take<T>(share * sizes.padded)),
        rows(arena.take<BackwardRow<T>>(share)),
        deltas(arena.take<const T*>(block_steps(batch) * share)),
        d_x(arena.take<T*>(block_steps(batch) * share)),
        past_h(arena.take<T>(sizes.zoneout_h > 0 ? share * sizes.padded_outputs : 0)),
        past_c(arena.take<T>(sizes.zoneout_c > 0 ? share * sizes.padded : 0)),
        d_in(arena.take<T>(sizes.recurrent_dropout > 0 ? share * sizes.padded_outputs : 0)),
        recurrent_dropout(arena, sizes, share),
        step(arena, sizes, share),
        again(arena, sizes, 0, segment, segment > 0 ? share : 0) {}

  T* zeros;
  T* d_h;                // [share][padded outputs]: the gradient of each sequence's state, as far as it has come
  T* d_c;                // [share][padded]
  BackwardRow<T>* rows;  // [share]
  const T** deltas;      // [own rows of a block]
  T** d_x;               // [own rows of a block]
  T *past_h, *past_c;    // [share][padded outputs], [share][padded]: of each row's dh' and dc', what passes by the cell
  T* d_in;               // [share][padded outputs]: the gradient of what W_hh has read
  RecurrentDropout<T> recurrent_dropout;
  StepScratch<T> step;
  ForwardScratch<T> again;  // for segments
};

// What all members share: a block's δ, and what the weight gradients are made of.
template <class P>
struct SharedScratch {
  using T = scalar_t<P>;

  template <class Stages>
  SharedScratch(Arena& arena, const Sizes& sizes, Index steps, Index batch, Index segment, const Stages& stages)
      : rows(std::min(block_steps(batch), steps) * batch),
        delta(arena.take<T>(rows * sizes.deltas())),
        delta_h(arena.take<T>(Stages::two_deltas ? rows * sizes.deltas() : 0)),
        d_out(arena.take<T>(sizes.projects() ? rows * sizes.outputs : 0)),
        between(arena.take<T>(sizes.projects() || Stages::two_stages ? rows * sizes.hidden : 0)),
        c_of_cells(arena.take<T>(Stages::peepholes && sizes.zoneout_c > 0 ? rows * sizes.padded : 0)),
        jobs(arena, sizes, rows, stages),
        peephole(arena, sizes, rows, Stages::peepholes),
        h_again(arena.take<T>(segment > 0 ? batch * sizes.outputs : 0)),
        between_again(arena.take<T>(segment > 0 ? batch * sizes.padded : 0)) {}

  Index rows;
  T *delta, *delta_h, *d_out, *between;  // [rows][...]
  T* c_of_cells;                         // [rows][padded]: the c' that o has seen, before zoneout
  GradientJobs<P> jobs;
  PeepholeGradient<P> peephole;
  T *h_again, *between_again;  // [B][Y], [B][padded]: what the steps of a segment make once more, and nobody needs
};

template <class P, class Stages>
class Backward {
  using T = scalar_t<P>;

 public:
  Backward(const Stages& stages, const Sizes& sizes, const BackwardPass<T>& pass, const Part& part,
           BackwardScratch<T>& scratch, SharedScratch<P>& shared)
      : stages_(stages),
        sizes_(sizes),
        pass_(pass),
        schedule_(*pass.schedule),
        part_(part),
        scratch_(scratch),
        shared_(shared),
        states_{schedule_,    pass.y, pass.h_first, pass.c_before, pass.cells, scratch.zeros, sizes.outputs,
                sizes.padded, 0},
        drops_(sizes.recurrent_dropout > 0) {}

  void run() {
    start();
    const Index steps = schedule_.steps(), length = block_steps(schedule_.batch());
    const Index segment = pass_.segment > 0 ? pass_.segment : std::max<Index>(steps, 1);
    for (Index i = ceil_div(steps, segment); i-- > 0;) {
      const Index from = i * segment, to = std::min(from + segment, steps);
      if (pass_.segment > 0) run_again(i, from, to);
      for (Index block = ceil_div(to - from, length); block-- > 0 && !part_.stopped(true);)
        run_block(from + block * length, std::min(from + (block + 1) * length, to));
    }
    finish();
  }

 private:
  T* d_h(Index b) const { return scratch_.d_h + (b - part_.begin) * sizes_.padded_outputs; }
  T* past_h(Index n) const { return scratch_.past_h + n * sizes_.padded_outputs; }
  T* past_c(Index n) const { return scratch_.past_c + n * sizes_.padded; }
  T* d_c(Index b) const { return scratch_.d_c + (b - part_.begin) * sizes_.padded; }

  // A cut drops what comes from behind it.
  void drop(Index b) const {
    std::fill_n(d_h(b), sizes_.padded_outputs, T(0));
    if (Stages::has_cell_state) std::fill_n(d_c(b), sizes_.padded, T(0));
  }

  void start() {
    std::fill_n(scratch_.zeros, std::max(sizes_.padded, sizes_.padded_outputs), T(0));
    for (Index b = part_.begin; b < part_.end; ++b) {
      copy_state(pass_.d_h_last, sizes_.outputs, d_h(b), sizes_.padded_outputs, b);
      if (Stages::has_cell_state) copy_state(pass_.d_c_last, sizes_.hidden, d_c(b), sizes_.padded, b);
      if (schedule_.last(b) == Schedule::zero) drop(b);
    }
    if (drops_) {
      scratch_.recurrent_dropout.start(pass_.noise, sizes_.recurrent_dropout, part_.begin, part_.end);
      scratch_.again.recurrent_dropout = scratch_.recurrent_dropout;
    }
    shared_.jobs.start(part_.member);
    if (Stages::peepholes) shared_.peephole.start(part_.member, sizes_);
    part_.member.wait();
  }

  // Segment i, the steps [from, to), once more from its checkpoint, for what their cells keep (Chen et al. 2016,
  // "Training deep nets with sublinear memory cost"). Every h stands in y already.
  void run_again(Index i, Index from, Index to) {
    states_.c_before = pass_.c_before + i * schedule_.batch() * sizes_.padded;
    states_.kept_from = schedule_.first(from);
    if (Stages::kept == 0) return;
    ForwardPass<T> pass{};
    pass.schedule = pass_.schedule;
    pass.weights = pass_.weights;
    pass.x = pass_.x;
    pass.y = {shared_.h_again, 0, sizes_.outputs};
    pass.kept = pass_.kept;
    pass.noise = pass_.noise;
    // A second stage reads what all members have written in the first.
    if (part_.by_units()) scratch_.again.step.between = shared_.between_again;
    run_steps<P>(stages_, sizes_, pass, states_, part_, scratch_.again, from, to);
  }

  // Steps [from, to). A block's rows are numbered as backward meets them: steps descending, sequences ascending.
  void run_block(Index from, Index to) {
    const Index end_row = schedule_.first(to), rows = end_row - schedule_.first(from);
    shared_.jobs.begin_block(rows);
    const Index length = part_.at_once(to - from);
    for (Index end = to; end > from; end = std::max(end - length, from)) {
      const Index begin = std::max(end - length, from), done = schedule_.steps() - begin;
      part_.follow(done);
      go_back(begin, end, end_row);
      // No barrier yet: what members share of a step is written before the last one in it.
      gather(begin, end, end_row, rows);
      part_.reach(done);
    }
    part_.member.wait();
    shared_.jobs.add_block(part_.member);
    if (Stages::peepholes) shared_.peephole.add_block(part_.member, sizes_, shared_.delta, rows);
    part_.member.wait();
  }

  // Steps [from, to) of a block that ends with end_row.
  void go_back(Index from, Index to, Index end_row) {
    for (Index s = to; s-- > from;) {
      const auto range = schedule_.rows_of(s, part_.begin, part_.end);
      const Index count = range.last - range.first, place = place_of(s, end_row);
      for (Index n = 0; n < count; ++n) set_row(scratch_.rows[n], s, range.first + n, place + range.first + n);
      if (pass_.d_h_steps)
        for (Index n = 0; n < count; ++n) keep_step(scratch_.rows[n], s, range.first + n);
      if (sizes_.noisy())
        for (Index n = 0; n < count; ++n) before_stages(scratch_.rows[n], s, range.first + n, n);
      stages_.backward(part_, *pass_.weights, sizes_, scratch_.rows, count, scratch_.step);
      if (sizes_.noisy())
        for (Index n = 0; n < count; ++n) after_stages(scratch_.rows[n], s, range.first + n, n);
      for (Index row = range.first; row < range.last; ++row)
        if (schedule_.previous(row) == Schedule::zero) drop(schedule_.sequence(s, row));
    }
  }

  // The gradient of the state after a row, as its cell will read it: what came from later steps, and d_y.
  void keep_step(const BackwardRow<T>& r, Index s, Index row) const {
    const Index b = schedule_.sequence(s, row), t = schedule_.time(s);
    T* const to = pass_.d_h_steps.at(t, b);
    const auto units = h_units();
    for (Index u = units.first; u < units.second; ++u) to[u] = r.d_y[u] + r.d_h[u];
    if (Stages::has_cell_state) copy_units(r.d_c, c_units(), pass_.d_c_steps.at(t, b));
  }

  // What noise did to a row's state after its cell, and where the gradient of what W_hh has read goes to.
  GATEWISE_NOINLINE void before_stages(BackwardRow<T>& r, Index s, Index row, Index n) const {
    const Index b = schedule_.sequence(s, row), t = schedule_.time(s);
    if (sizes_.zoneout_h > 0) {
      const Units units = h_units();
      for (Index u = units.first; u < units.second; ++u) r.d_h[u] += r.d_y[u];
      r.d_y = scratch_.zeros;
      zone_out_backward(pass_.noise, Draw::zoneout_h, sizes_.zoneout_h, t, b, units, r.d_h, past_h(n));
    }
    if (sizes_.zoneout_c > 0)
      zone_out_backward(pass_.noise, Draw::zoneout_c, sizes_.zoneout_c, t, b, c_units(), r.d_c, past_c(n));
    if (drops_) {
      r.h_in = scratch_.recurrent_dropout.apply(r.h_prev, b, n);
      r.d_in = scratch_.d_in + n * sizes_.padded_outputs;
      std::fill_n(r.d_in, sizes_.padded_outputs, T(0));
    }
  }

  // dh and dc in all: through the cell, less what recurrent dropout has hidden, and past it.
  GATEWISE_NOINLINE void after_stages(const BackwardRow<T>& r, Index s, Index row, Index n) const {
    const Units h = h_units(), c = c_units();
    if (drops_) scratch_.recurrent_dropout.backward(r.d_in, h, schedule_.sequence(s, row), Stages::bypass, r.d_h);
    if (sizes_.zoneout_h > 0)
      for (Index u = h.first; u < h.second; ++u) r.d_h[u] += past_h(n)[u];
    if (sizes_.zoneout_c > 0)
      for (Index u = c.first; u < c.second; ++u) r.d_c[u] += past_c(n)[u];
  }

  // The number in its block of row 0 of all, were it in step s of this block: add a row of that step.
  Index place_of(Index s, Index end_row) const { return end_row - schedule_.first(s + 1) - schedule_.first(s); }

  // Of the steps [from, to) of a block with so many rows, those of the member's own sequences, or, where the units are
  // divided, its share of the block's: packs what the weight gradients read, and makes dx.
  void gather(Index from, Index to, Index end_row, Index rows) {
    const Index first = part_.by_units() ? part_.member.begin(rows) : 0,
                last = part_.by_units() ? part_.member.end(rows) : rows;
    Index own = 0;
    BackwardRow<T> r;
    for (Index s = to; s-- > from;) {
      const auto range = schedule_.rows_of(s, part_.begin, part_.end);
      const Index place = place_of(s, end_row);
      for (Index row = std::max(range.first, first - place); row < std::min(range.last, last - place); ++row) {
        const Index b = schedule_.sequence(s, row), t = schedule_.time(s);
        set_row(r, s, row, place + row);
        if (drops_) r.h_in = scratch_.recurrent_dropout.apply(r.h_prev, b, 0);
        shared_.jobs.put(place + row, r, pass_.x.at(t, b), sizes_);
        if constexpr (Stages::peepholes) {
          shared_.peephole.c_prev[place + row] = r.c_prev;
          shared_.peephole.c[place + row] = states_.c(row, b);
          if (sizes_.zoneout_c > 0) {
            T* const c = shared_.c_of_cells + (place + row) * sizes_.padded;
            Stages::cell_state(sizes_, r.kept, r.c_prev, c);
            shared_.peephole.c[place + row] = c;
          }
        }
        scratch_.deltas[own] = r.delta;
        scratch_.d_x[own++] = pass_.d_x ? pass_.d_x.at(t, b) : nullptr;
      }
    }
    if (pass_.d_x) input_gradient(own);
  }

  void set_row(BackwardRow<T>& r, Index s, Index row, Index place) {
    const Index b = schedule_.sequence(s, row), t = schedule_.time(s);
    r.d_y = pass_.d_y ? pass_.d_y.at(t, b) : scratch_.zeros;
    r.h = pass_.y.at(t, b);
    r.h_prev = r.h_in = states_.h_before(s, row, b);
    r.kept = pass_.kept + (row - states_.kept_from) * Stages::kept * sizes_.padded;
    r.d_h = r.d_in = d_h(b);
    r.d_c = d_c(b);
    r.delta = shared_.delta + place * sizes_.deltas();
    r.delta_h = shared_.delta_h + place * sizes_.deltas();
    r.d_out = shared_.d_out + place * sizes_.outputs;
    r.between = shared_.between + place * sizes_.hidden;
    if (Stages::has_cell_state) r.c_prev = states_.c(schedule_.previous(row), b);
  }

  // dx = W_ihᵀ δ for the gathered rows.
  void input_gradient(Index rows) {
    const auto& panels = pass_.weights->transposed().input;
    for_each_product<P>(panels, {0, panels.panels()}, scratch_.deltas, rows, [&](Index r, Index k, auto product) {
      T* const to = scratch_.d_x[r] + k;
      const Index left = sizes_.inputs - k;
      store(to, pass_.add_to_d_x ? load<decltype(product)>(to, left) + product : product, left);
    });
  }

  void finish() {
    shared_.jobs.finish(part_.member, sizes_, pass_.gradients);
    if (Stages::peepholes) shared_.peephole.finish(part_.member, sizes_, pass_.gradients.weight_peephole);
    for (Index b = part_.begin; b < part_.end; ++b) {
      copy_units(d_h(b), h_units(), pass_.d_h_first + b * sizes_.outputs);
      if (Stages::has_cell_state) copy_units(d_c(b), c_units(), pass_.d_c_first + b * sizes_.hidden);
    }
    part_.member.wait();
  }

  // The member's own units of dh and dc.
  Units h_units() const { return part_.units(pass_.weights->transposed().recurrent[0]); }
  Units c_units() const { return sizes_.projects() ? part_.units(pass_.weights->transposed().projection) : h_units(); }

  static void copy_units(const T* from, Units units, T* to) {
    std::copy(from + units.first, from + units.second, to + units.first);
  }

  const Stages& stages_;
  const Sizes& sizes_;
  const BackwardPass<T>& pass_;
  const Schedule& schedule_;
  const Part& part_;
  BackwardScratch<T>& scratch_;
  SharedScratch<P>& shared_;
  States<T> states_;
  const bool drops_;
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
