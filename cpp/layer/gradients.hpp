// The weight gradients of one layer and direction: which products of δ with which inputs, and where each part belongs.
#pragma once

#include "../kernel/outer.hpp"
#include "../kernel/transpose.hpp"
#include "sequence.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// One product Σ_rows [x, h, between, 1] ⊗ δ. Its sum lies transposed, [inputs][gates], until the pass ends.
template <class P>
struct GradientJob {
  using T = scalar_t<P>;

  bool x, h, between, one;      // which inputs it has, side by side
  T* BackwardRow<T>::* source;  // which δ
  Index offset, gates;          // its columns of that δ
  InputStrips<P> inputs{};
  GateStrips<P> deltas{};
  T* sum = nullptr;

  Index pitch() const { return deltas.padded(gates); }
  Index sum_size() const { return inputs.padded(inputs.columns) * pitch(); }
  Index tiles() const { return inputs.strips() * deltas.strips(); }

  void put(Index row, const BackwardRow<T>& r, const T* x_row, const Sizes& sizes) const {
    Index column = 0;
    const auto add = [&](bool wanted, const T* from, Index n) {
      if (!wanted) return;
      inputs.put(row, column, from, n);
      column += n;
    };
    const T one_value[outer_inputs] = {T(1)};
    add(x, x_row, sizes.inputs);
    add(h, r.h_in, sizes.outputs);
    add(between, r.between, sizes.hidden);
    add(one, one_value, 1);
    inputs.pad(row);
    deltas.put(row, 0, r.*source + offset, gates);
    deltas.pad(row);
  }
};

template <class P>
struct GradientJobs {
  using T = scalar_t<P>;
  static constexpr int most = 3;

  // The jobs of a cell, for blocks of at most `rows` rows.
  template <class Stages>
  GradientJobs(Arena& arena, const Sizes& sizes, Index rows, const Stages&) {
    const Index H = sizes.hidden, all = sizes.deltas();
    constexpr auto delta = &BackwardRow<T>::delta;
    if (Stages::two_stages) {
      add({true, false, false, true, delta, 0, all});
      add({false, true, false, false, delta, 0, 2 * H});
      add({false, false, true, false, delta, 2 * H, H});
    } else if (Stages::two_deltas) {
      add({true, false, false, true, delta, 0, all});
      add({false, true, false, true, &BackwardRow<T>::delta_h, 0, all});
    } else {
      add({true, true, false, true, delta, 0, all});
      if (sizes.projects()) add({false, false, true, false, &BackwardRow<T>::d_out, 0, sizes.outputs});
    }
    for (int i = 0; i < count; ++i) {
      auto& job = jobs[i];
      job.inputs.columns = (job.x ? sizes.inputs : 0) + (job.h ? sizes.outputs : 0) + (job.between ? H : 0) + job.one;
      job.deltas.columns = job.gates;
      job.inputs.data = arena.take<T>(job.inputs.size(job.inputs.columns, rows));
      job.deltas.data = arena.take<T>(job.deltas.size(job.deltas.columns, rows));
      job.sum = arena.take<T>(job.sum_size());
    }
  }

  void start(const Member& member) const {
    for (int i = 0; i < count; ++i) {
      const Index size = jobs[i].sum_size();
      std::fill(jobs[i].sum + member.begin(size), jobs[i].sum + member.end(size), T(0));
    }
  }

  void begin_block(Index rows) {
    for (int i = 0; i < count; ++i) jobs[i].inputs.rows = jobs[i].deltas.rows = rows;
  }

  void put(Index row, const BackwardRow<T>& r, const T* x, const Sizes& sizes) const {
    for (int i = 0; i < count; ++i) jobs[i].put(row, r, x, sizes);
  }

  void add_block(const Member& member) const {
    for (int i = 0; i < count; ++i) {
      const auto& job = jobs[i];
      outer<P>(job.inputs, job.deltas, member.begin(job.tiles()), member.end(job.tiles()), job.sum, job.pitch());
    }
  }

  // Writes every sum where it belongs. Where W_ih and W_hh see the same δ, so do their biases.
  void finish(const Member& member, const Sizes& sizes, const Parameters<T>& to) const {
    for (int i = 0; i < count; ++i) {
      const auto& job = jobs[i];
      const Index begin = member.begin(job.gates), end = member.end(job.gates);
      const T* from = job.sum;
      const auto matrix = [&](bool wanted, T* out, Index n) {
        if (!wanted) return;
        transpose<P>(from + begin, job.pitch(), n, end - begin, out + (job.offset + begin) * n, n);
        from += n * job.pitch();
      };
      matrix(job.x, to.weight_ih, sizes.inputs);
      matrix(job.h, to.weight_hh, sizes.outputs);
      matrix(job.between, job.source == &BackwardRow<T>::d_out ? to.weight_hr : to.weight_hh, sizes.hidden);
      const bool separate = count > 1 && jobs[1].one;
      if (job.one && to.bias_ih)
        for (Index m = begin; m < end; ++m) {
          if (job.x) to.bias_ih[m] = from[m];
          if (job.h || !separate) to.bias_hh[m] = from[m];
        }
    }
  }

  GradientJob<P> jobs[most];
  int count = 0;

 private:
  void add(const GradientJob<P>& job) { jobs[count++] = job; }
};

// dp_i = Σ δ_i c, dp_f = Σ δ_f c, dp_o = Σ δ_o c': chains like those of the weights, each member its own units.
template <class P>
struct PeepholeGradient {
  using T = scalar_t<P>;

  PeepholeGradient(Arena& arena, const Sizes& sizes, Index rows, bool wanted)
      : c_prev(arena.take<const T*>(wanted ? rows : 0)),
        c(arena.take<const T*>(wanted ? rows : 0)),
        sum(arena.take<T>(wanted ? 3 * sizes.padded : 0)) {}

  void start(const Member& member, const Sizes& sizes) const {
    for_each_own(member, sizes, [](Index, Index, T* to) { store(to, broadcast<P>(0)); });
  }

  void add_block(const Member& member, const Sizes& sizes, const T* delta, Index rows) const {
    for_each_own(member, sizes, [&](Index p, Index u, T* to) {
      const Index gate = p == 2 ? 3 : p;  // the peepholes of i, f, o among the gates i, f, g, o
      const T* const* const cell = p == 2 ? c : c_prev;
      P chain = broadcast<P>(0);
      for (Index row = 0; row < rows; ++row) {
        const T* const d = delta + row * sizes.deltas() + gate * sizes.hidden + u;
        chain = fma(load<P>(d, sizes.hidden - u), load<P>(cell[row] + u), chain);
      }
      store(to, load<P>(to) + chain);
    });
  }

  void finish(const Member& member, const Sizes& sizes, T* weight_peephole) const {
    for_each_own(member, sizes, [&](Index p, Index u, const T* from) {
      store(weight_peephole + p * sizes.hidden + u, load<P>(from), sizes.hidden - u);
    });
  }

  const T **c_prev, **c;  // [rows of a block]
  T* sum;                 // [3][padded]

 private:
  template <class Each>
  void for_each_own(const Member& member, const Sizes& sizes, const Each& each) const {
    const Index packets = sizes.padded / P::width;
    for (Index p = 0; p < 3; ++p)
      for (Index u = member.begin(packets) * P::width; u < member.end(packets) * P::width; u += P::width)
        each(p, u, sum + p * sizes.padded + u);
  }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
