// Backpropagation through time of one layer and direction (Werbos 1990), in blocks of steps, the last block first. A
// block first computes δ of its steps, the last step first, and then the gradients of x and of the weights, while δ is
// still in cache.
#pragma once

#include "forward.hpp"
#include "gradients.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// The memory of one member.
template <class T>
struct BackwardScratch {
  BackwardScratch(Arena& arena, const Sizes& sizes, Index sequences, Index batch, Index segment)
      : zeros(arena.take<T>(sizes.zeros())),
        rows(arena.take<BackwardRow<T>>(sequences)),
        deltas(arena.take<const T*>(block_steps(batch) * sequences)),
        d_x(arena.take<T*>(block_steps(batch) * sequences)),
        d_in(arena.take<T>(sizes.recurrent_dropout > 0 ? sequences * sizes.padded_outputs : 0)),
        recurrent_dropout(arena, sizes, sequences),
        step(arena, sizes, sequences),
        again(arena, sizes, 0, segment, segment > 0 ? sequences : 0) {
    for (int i = 0; i < sizes.states; ++i) {
      d_state[i] = arena.take<T>(sequences * sizes.padded_units(i));
      past[i] = arena.take<T>(sizes.zones_out(i) ? sequences * sizes.padded_units(i) : 0);
    }
  }

  T* zeros;
  PerState<T*> d_state;  // [sequences][padded]: the gradient of each sequence's state, at the step where backward is
  PerState<T*> past;     // [sequences][padded]: the part of a step's d_state that zoneout sends past the cell
  BackwardRow<T>* rows;  // [sequences]
  const T** deltas;      // [own rows of a block]
  T** d_x;               // [own rows of a block]
  T* d_in;               // [sequences][padded outputs]: the gradient of the masked h, which W_hh has read
  RecurrentDropout<T> recurrent_dropout;
  StepScratch<T> step;
  ForwardScratch<T> again;  // for segments
};

// The memory that all members share: the δ of a block, and everything else that the weight gradients are computed from.
template <class P>
struct SharedScratch {
  using T = scalar_t<P>;

  SharedScratch(Arena& arena, const Sizes& sizes, Index steps, Index batch, Index segment, const Jobs<T>& jobs)
      : rows(std::min(block_steps(batch), steps) * batch),
        delta(arena.take<T>(rows * sizes.deltas())),
        delta_h(arena.take<T>(jobs.reads(&BackwardRow<T>::delta_h) ? rows * sizes.deltas() : 0)),
        d_out(arena.take<T>(jobs.reads(&BackwardRow<T>::d_out) ? rows * sizes.outputs : 0)),
        between(arena.take<T>(jobs.reads_between() ? rows * sizes.hidden : 0)),
        c_of_cells(arena.take<T>(jobs.peephole_count > 0 && sizes.zones_out(State::c) ? rows * sizes.padded : 0)),
        gradients(arena, sizes, rows, jobs),
        h_again(arena.take<T>(segment > 0 ? batch * sizes.outputs : 0)),
        between_again(arena.take<T>(segment > 0 ? batch * sizes.padded : 0)) {}

  Index rows;
  T *delta, *delta_h, *d_out, *between;  // [rows][...]
  T* c_of_cells;                         // [rows][padded]: c' before zoneout, which the peephole of o has read
  Gradients<P> gradients;
  T *h_again, *between_again;  // [B][Y], [B][padded]: written when a segment is recomputed, and not needed after it
};

template <class P, class Stages>
class Backward {
  using T = scalar_t<P>;

 public:
  Backward(const Stages& stages, const Sizes& sizes, const BackwardPass<T>& pass, const Share& share,
           BackwardScratch<T>& scratch, SharedScratch<P>& shared)
      : stages_(stages),
        sizes_(sizes),
        pass_(pass),
        schedule_(*pass.schedule),
        share_(share),
        scratch_(scratch),
        shared_(shared),
        drops_(sizes.recurrent_dropout > 0) {
    states_.schedule = pass.schedule;
    states_.y = pass.y;
    states_.initial_h = pass.initial_h;
    states_.cells_before = pass.cells_before;
    states_.cells = pass.cells;
    states_.zeros = scratch.zeros;
    states_.outputs = sizes.outputs;
    states_.cells_pitch = sizes.cell_states();
  }

  void run() {
    start();
    const Index steps = schedule_.steps(), length = block_steps(schedule_.batch());
    const Index segment = pass_.segment > 0 ? pass_.segment : std::max<Index>(steps, 1);
    for (Index i = ceil_div(steps, segment); i-- > 0;) {
      const Index from = i * segment, to = std::min(from + segment, steps);
      if (pass_.segment > 0) run_again(i, from, to);
      for (Index block = ceil_div(to - from, length); block-- > 0 && !share_.stopped(true);)
        run_block(from + block * length, std::min(from + (block + 1) * length, to));
    }
    finish();
  }

 private:
  T* d_state(int i, Index b) const { return scratch_.d_state[i] + (b - share_.begin) * sizes_.padded_units(i); }
  T* past(int i, Index n) const { return scratch_.past[i] + n * sizes_.padded_units(i); }

  // Drops the gradient that comes from later steps, because a reset separates them from the steps before.
  void drop(Index b) const {
    for (int i = 0; i < Stages::states; ++i) std::fill_n(d_state(i, b), sizes_.padded_units(i), T(0));
  }

  void start() {
    std::fill_n(scratch_.zeros, sizes_.zeros(), T(0));
    for (Index b = share_.begin; b < share_.end; ++b) {
      for (int i = 0; i < Stages::states; ++i)
        copy_state(pass_.d_final_state[i], sizes_.units(i), d_state(i, b), sizes_.padded_units(i), b);
      if (schedule_.last(b) == Schedule::zero) drop(b);
    }
    if (drops_) {
      scratch_.recurrent_dropout.start(pass_.noise, sizes_.recurrent_dropout, share_.begin, share_.end);
      scratch_.again.recurrent_dropout = scratch_.recurrent_dropout;
    }
    shared_.gradients.start(share_.member, sizes_);
    share_.member.wait();
  }

  // Recomputes segment i, the steps [from, to), from its checkpoint, to get the values that its cells save (Chen et al.
  // 2016, "Training deep nets with sublinear memory cost"). Every h is in y already.
  void run_again(Index i, Index from, Index to) {
    states_.cells_before = pass_.cells_before + i * schedule_.batch() * sizes_.cell_states();
    states_.cells_from = schedule_.first(from);
    if (Stages::saved_count == 0) return;
    ForwardPass<T> pass;
    pass.schedule = pass_.schedule;
    pass.weights = pass_.weights;
    pass.x = pass_.x;
    pass.y = {shared_.h_again, 0, sizes_.outputs};
    pass.saved = pass_.saved;
    pass.noise = pass_.noise;
    // A stage's second product reads numbers that all members have written, so these are in shared memory.
    if (share_.divides_units()) scratch_.again.step.between = shared_.between_again;
    run_steps<P>(stages_, sizes_, pass, states_, share_, scratch_.again, from, to);
  }

  // Runs one block, the steps [from, to). Its rows are numbered in the order of backward: steps descending, sequences
  // ascending.
  void run_block(Index from, Index to) {
    const Index end_row = schedule_.first(to), rows = end_row - schedule_.first(from);
    shared_.gradients.begin_block(rows);
    const Index length = share_.at_once(to - from);
    for (Index end = to; end > from; end = std::max(end - length, from)) {
      const Index begin = std::max(end - length, from), done = schedule_.steps() - begin;
      share_.follow(done);
      go_back(begin, end, end_row);
      // No barrier is needed here: what a member reads of the others was written before the last barrier of its step.
      gather(begin, end, end_row, rows);
      share_.reach(done);
    }
    share_.member.wait();
    shared_.gradients.add_block(share_.member, sizes_, shared_.delta, rows);
    share_.member.wait();
  }

  // Goes back through the steps [from, to) of a block whose last row is the one before end_row.
  void go_back(Index from, Index to, Index end_row) {
    for (Index s = to; s-- > from;) {
      const auto range = schedule_.rows_of(s, share_.begin, share_.end);
      const Index count = range.last - range.first, place = place_of(s, end_row);
      for (Index n = 0; n < count; ++n) set_row(scratch_.rows[n], s, range.first + n, place + range.first + n);
      if (pass_.d_state_steps[State::h])
        for (Index n = 0; n < count; ++n) write_state_gradient(scratch_.rows[n], s, range.first + n);
      if (sizes_.noisy())
        for (Index n = 0; n < count; ++n) before_stages(scratch_.rows[n], s, range.first + n, n);
      stages_.backward(share_, *pass_.weights, sizes_, scratch_.rows, count, scratch_.step);
      if (sizes_.noisy())
        for (Index n = 0; n < count; ++n) after_stages(scratch_.rows[n], s, range.first + n, n);
      for (Index row = range.first; row < range.last; ++row)
        if (schedule_.previous(row) == Schedule::zero) drop(schedule_.sequence(s, row));
    }
  }

  // Writes the gradient of the state after a row, as the cell's backward reads it: the gradient from later steps, and
  // for h also d_y.
  void write_state_gradient(const BackwardRow<T>& r, Index s, Index row) const {
    const Index b = schedule_.sequence(s, row), t = schedule_.time(s);
    T* const to = pass_.d_state_steps[State::h].at(t, b);
    const Units units = h_units();
    for (Index u = units.first; u < units.second; ++u) to[u] = r.d_y[u] + r.d_state[State::h][u];
    for (int i = 1; i < Stages::states; ++i) copy_units(r.d_state[i], cell_units(), pass_.d_state_steps[i].at(t, b));
  }

  // Applies the backward of zoneout to a row. With recurrent dropout, also masks h_in again and gives its gradient a
  // place of its own, d_in.
  GATEWISE_NOINLINE void before_stages(BackwardRow<T>& r, Index s, Index row, Index n) const {
    const Index b = schedule_.sequence(s, row), t = schedule_.time(s);
    if (sizes_.zones_out(State::h)) {
      const Units units = h_units();
      T* const d_h = r.d_state[State::h];
      for (Index u = units.first; u < units.second; ++u) d_h[u] += r.d_y[u];
      r.d_y = scratch_.zeros;
    }
    for (int i = 0; i < Stages::states; ++i)
      if (sizes_.zones_out(i)) zone_out_backward(pass_.noise, sizes_, i, t, b, units_of(i), r.d_state[i], past(i, n));
    if (drops_) {
      r.h_in = scratch_.recurrent_dropout.apply(r.before[State::h], b, n);
      r.d_in = scratch_.d_in + n * sizes_.padded_outputs;
      std::fill_n(r.d_in, sizes_.padded_outputs, T(0));
    }
  }

  // Completes the gradient of the state before a row: adds the gradient of the masked h, through recurrent dropout, and
  // the gradient that zoneout sent past the cell.
  GATEWISE_NOINLINE void after_stages(const BackwardRow<T>& r, Index s, Index row, Index n) const {
    if (drops_)
      scratch_.recurrent_dropout.backward(r.d_in, h_units(), schedule_.sequence(s, row), Stages::has_direct_h,
                                          r.d_state[State::h]);
    for (int i = 0; i < Stages::states; ++i)
      if (sizes_.zones_out(i)) {
        const Units units = units_of(i);
        for (Index u = units.first; u < units.second; ++u) r.d_state[i][u] += past(i, n)[u];
      }
  }

  // Added to a row of step s, this gives the row's number in the block.
  Index place_of(Index s, Index end_row) const { return end_row - schedule_.first(s + 1) - schedule_.first(s); }

  // Packs what the weight gradients read, and computes dx, for the steps [from, to) of a block with `rows` rows. The
  // member does this for its own sequences, or, if units are divided, for its part of the block's rows.
  void gather(Index from, Index to, Index end_row, Index rows) {
    const Index first = share_.divides_units() ? share_.member.begin(rows) : 0,
                last = share_.divides_units() ? share_.member.end(rows) : rows;
    Index own = 0;
    BackwardRow<T> r;
    for (Index s = to; s-- > from;) {
      const auto range = schedule_.rows_of(s, share_.begin, share_.end);
      const Index place = place_of(s, end_row);
      for (Index row = std::max(range.first, first - place); row < std::min(range.last, last - place); ++row) {
        const Index b = schedule_.sequence(s, row), t = schedule_.time(s);
        set_row(r, s, row, place + row);
        if (drops_) r.h_in = scratch_.recurrent_dropout.apply(r.before[State::h], b, 0);
        shared_.gradients.put(place + row, r, pass_.x.at(t, b), sizes_);
        if constexpr (Stages::traits.peepholes) put_peepholes(r, row, b, place + row);
        scratch_.deltas[own] = r.delta;
        scratch_.d_x[own++] = pass_.d_x ? pass_.d_x.at(t, b) : nullptr;
      }
    }
    if (pass_.d_x) input_gradient(own);
  }

  // Notes the c before and after a row that its peepholes have read: the c after it is from before zoneout.
  void put_peepholes(const BackwardRow<T>& r, Index row, Index b, Index place) const {
    auto& peepholes = shared_.gradients.peepholes;
    peepholes.before[place] = r.before[State::c];
    peepholes.after[place] = states_.cells_after(row, b);
    if (sizes_.zones_out(State::c)) {
      T* const c = shared_.c_of_cells + place * sizes_.padded;
      Stages::cell_state(sizes_, r.saved, r.before[State::c], c);
      peepholes.after[place] = c;
    }
  }

  void set_row(BackwardRow<T>& r, Index s, Index row, Index place) {
    const Index b = schedule_.sequence(s, row), t = schedule_.time(s);
    r.d_y = pass_.d_y ? pass_.d_y.at(t, b) : scratch_.zeros;
    r.h = pass_.y.at(t, b);
    r.before[State::h] = r.h_in = states_.h_before(s, row, b);
    r.saved = pass_.saved + (row - states_.cells_from) * Stages::saved_count * sizes_.padded;
    for (int i = 0; i < Stages::states; ++i) r.d_state[i] = d_state(i, b);
    r.d_in = r.d_state[State::h];
    r.delta = shared_.delta + place * sizes_.deltas();
    r.delta_h = shared_.delta_h + place * sizes_.deltas();
    r.d_out = shared_.d_out + place * sizes_.outputs;
    r.between = shared_.between + place * sizes_.hidden;
    if constexpr (Stages::states > 1) {
      const T* const before = states_.cells_after(schedule_.previous(row), b);
      for (int i = 1; i < Stages::states; ++i) r.before[i] = before + (i - 1) * sizes_.padded;
    }
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
    shared_.gradients.finish(share_.member, sizes_, pass_.gradients);
    for (Index b = share_.begin; b < share_.end; ++b)
      for (int i = 0; i < Stages::states; ++i)
        copy_units(d_state(i, b), units_of(i), pass_.d_initial_state[i] + b * sizes_.units(i));
    share_.member.wait();
  }

  // The member's own units of h and of all other states.
  Units h_units() const { return share_.units(pass_.weights->transposed().recurrent[0]); }
  Units cell_units() const {
    return sizes_.projects() ? share_.units(pass_.weights->transposed().projection) : h_units();
  }
  Units units_of(int state) const { return state == State::h ? h_units() : cell_units(); }

  static void copy_units(const T* from, Units units, T* to) {
    std::copy(from + units.first, from + units.second, to + units.first);
  }

  const Stages& stages_;
  const Sizes& sizes_;
  const BackwardPass<T>& pass_;
  const Schedule& schedule_;
  const Share& share_;
  BackwardScratch<T>& scratch_;
  SharedScratch<P>& shared_;
  States<T> states_;
  const bool drops_;
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
