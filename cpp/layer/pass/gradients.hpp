// Computes the weight gradients of one layer and direction, block by block, from the jobs that its cell lists.
#pragma once

#include "../../kernel/outer.hpp"
#include "../../kernel/transpose.hpp"
#include "../stages/jobs.hpp"
#include "passes.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// One product of the cell. Its inputs are packed side by side: x, h, `between`, and a 1 for the biases. During the pass
// its sum is transposed, [inputs][count].
template <class P>
struct ProductGradient {
  using T = scalar_t<P>;

  ProductJob<T> job;
  InputStrips<P> inputs{};
  GateStrips<P> deltas{};
  T* sum = nullptr;

  Index pitch() const { return deltas.padded(job.count); }
  Index sum_size() const { return inputs.padded(inputs.columns) * pitch(); }
  Index tiles() const { return inputs.strips() * deltas.strips(); }

  void take(Arena& arena, const Sizes& sizes, Index rows) {
    inputs.columns = (job.x ? sizes.inputs : 0) + (job.h ? sizes.outputs : 0) + (job.between ? sizes.hidden : 0) +
                     (job.biases[0] ? 1 : 0);
    deltas.columns = job.count;
    inputs.data = arena.take<T>(inputs.size(inputs.columns, rows));
    deltas.data = arena.take<T>(deltas.size(deltas.columns, rows));
    sum = arena.take<T>(sum_size());
  }

  // Packs row `row` of the block.
  void put(Index row, const BackwardRow<T>& r, const T* x_row, const Sizes& sizes) const {
    Index column = 0;
    const auto add = [&](bool wanted, const T* from, Index n) {
      if (!wanted) return;
      inputs.put(row, column, from, n);
      column += n;
    };
    const T one[outer_inputs] = {T(1)};
    add(job.x, x_row, sizes.inputs);
    add(job.h, r.h_in, sizes.outputs);
    add(job.between, r.between, sizes.hidden);
    add(job.biases[0], one, 1);
    inputs.pad(row);
    deltas.put(row, 0, r.*job.delta + job.first, job.count);
    deltas.pad(row);
  }

  void add_block(const Member& member) const {
    outer<P>(inputs, deltas, member.begin(tiles()), member.end(tiles()), sum, pitch());
  }

  // Writes the member's part of the sum to the parameters' gradients.
  void finish(const Member& member, const Sizes& sizes, const Parameters<T>& to) const {
    const Index begin = member.begin(job.count), end = member.end(job.count);
    const T* from = sum;
    const auto matrix = [&](typename ProductJob<T>::Target target, Index n) {
      if (!target) return;
      transpose<P>(from + begin, pitch(), n, end - begin, to.*target + (job.first + begin) * n, n);
      from += n * pitch();
    };
    matrix(job.x, sizes.inputs);
    matrix(job.h, sizes.outputs);
    matrix(job.between, sizes.hidden);
    for (const auto bias : job.biases)
      if (bias && to.*bias) std::copy(from + begin, from + end, to.*bias + job.first + begin);
  }
};

// The gradients of the peepholes, summed in chains like those of the weights. Each member has its own units.
template <class P>
struct PeepholeGradients {
  using T = scalar_t<P>;

  PeepholeGradients(Arena& arena, const Sizes& sizes, Index rows, const Jobs<T>& jobs)
      : count(jobs.peephole_count),
        before(arena.take<const T*>(count > 0 ? rows : 0)),
        after(arena.take<const T*>(count > 0 ? rows : 0)),
        sum(arena.take<T>(count * sizes.padded)) {
    std::copy_n(jobs.peepholes, count, list);
  }

  void start(const Member& member, const Sizes& sizes) const {
    for_each_own(member, sizes, [](Index, Index, T* to) { store(to, broadcast<P>(0)); });
  }

  void add_block(const Member& member, const Sizes& sizes, const T* delta, Index rows) const {
    for_each_own(member, sizes, [&](Index p, Index u, T* to) {
      const T* const* const c = list[p].reads_after ? after : before;
      P chain = broadcast<P>(0);
      for (Index row = 0; row < rows; ++row) {
        const T* const d = delta + row * sizes.deltas() + list[p].gate * sizes.hidden + u;
        chain = fma(load<P>(d, sizes.hidden - u), load<P>(c[row] + u), chain);
      }
      store(to, load<P>(to) + chain);
    });
  }

  void finish(const Member& member, const Sizes& sizes, T* weight_peephole) const {
    for_each_own(member, sizes, [&](Index p, Index u, const T* from) {
      store(weight_peephole + p * sizes.hidden + u, load<P>(from), sizes.hidden - u);
    });
  }

  Index count;
  PeepholeJob list[Jobs<T>::most_peepholes];
  const T **before, **after;  // [rows of a block]: c before and after each row, as its gates have read it
  T* sum;                     // [count][padded]

 private:
  template <class Each>
  void for_each_own(const Member& member, const Sizes& sizes, const Each& each) const {
    const Index packets = sizes.padded / P::width;
    for (Index p = 0; p < count; ++p)
      for (Index u = member.begin(packets) * P::width; u < member.end(packets) * P::width; u += P::width)
        each(p, u, sum + p * sizes.padded + u);
  }
};

// All weight gradients of a cell, for blocks of at most `rows` rows.
template <class P>
struct Gradients {
  using T = scalar_t<P>;

  Gradients(Arena& arena, const Sizes& sizes, Index rows, const Jobs<T>& jobs)
      : count(jobs.product_count), peepholes(arena, sizes, rows, jobs) {
    for (int i = 0; i < count; ++i) {
      products[i].job = jobs.products[i];
      products[i].take(arena, sizes, rows);
    }
  }

  void start(const Member& member, const Sizes& sizes) const {
    for (int i = 0; i < count; ++i) {
      const Index size = products[i].sum_size();
      std::fill(products[i].sum + member.begin(size), products[i].sum + member.end(size), T(0));
    }
    peepholes.start(member, sizes);
  }

  void begin_block(Index rows) {
    for (int i = 0; i < count; ++i) products[i].inputs.rows = products[i].deltas.rows = rows;
  }

  void put(Index row, const BackwardRow<T>& r, const T* x, const Sizes& sizes) const {
    for (int i = 0; i < count; ++i) products[i].put(row, r, x, sizes);
  }

  // Adds a block, whose δ are [rows][G·H].
  void add_block(const Member& member, const Sizes& sizes, const T* delta, Index rows) const {
    for (int i = 0; i < count; ++i) products[i].add_block(member);
    peepholes.add_block(member, sizes, delta, rows);
  }

  void finish(const Member& member, const Sizes& sizes, const Parameters<T>& to) const {
    for (int i = 0; i < count; ++i) products[i].finish(member, sizes, to);
    peepholes.finish(member, sizes, to.weight_peephole);
  }

  int count;
  ProductGradient<P> products[Jobs<T>::most_products];
  PeepholeGradients<P> peepholes;
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
