// The products whose sums are a cell's weight gradients. Each cell lists its own.
#pragma once

#include "../base/weights.hpp"
#include "rows.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// One product of a δ with rows of inputs. Each parameter named here has the gradient Σ_rows δ ⊗ input.
template <class T>
struct ProductJob {
  using Target = T* Parameters<T>::*;

  T* BackwardRow<T>::* delta = &BackwardRow<T>::delta;  // which δ of a row
  Index first = 0, count = 0;  // its part [first, first + count), which is also the range of the parameters' rows
  // The parameter that multiplies each input; null: this product does not read that input.
  Target x = nullptr, h = nullptr, between = nullptr;  // `h` is BackwardRow::h_in
  Target biases[2] = {};                               // whose gradients are Σ_rows δ
};

// One peephole: Σ_rows δ_gate ⊙ c is the gradient of the next row of weight_peephole.
struct PeepholeJob {
  Index gate = 0;
  bool reads_after = false;  // whether the gate sees the c after the step
};

template <class T>
struct Jobs {
  static constexpr int most_products = 3, most_peepholes = 3;

  ProductJob<T> products[most_products];
  PeepholeJob peepholes[most_peepholes];
  int product_count = 0, peephole_count = 0;

  // Adds a product with a part of a δ.
  ProductJob<T>& add(T* BackwardRow<T>::* delta, Index first, Index count) {
    ProductJob<T>& job = products[product_count++];
    job.delta = delta;
    job.first = first;
    job.count = count;
    return job;
  }
  // Adds the only product of a cell whose W_ih and W_hh have the same δ.
  ProductJob<T>& add_all_gates(const Sizes& sizes) {
    ProductJob<T>& job = add(&BackwardRow<T>::delta, 0, sizes.deltas());
    job.x = &Parameters<T>::weight_ih;
    job.h = &Parameters<T>::weight_hh;
    job.biases[0] = &Parameters<T>::bias_ih;
    job.biases[1] = &Parameters<T>::bias_hh;
    return job;
  }
  void add_peephole(Index gate, bool reads_after) {
    peepholes[peephole_count].gate = gate;
    peepholes[peephole_count++].reads_after = reads_after;
  }

  // Whether some product reads this array of a row. An array that none reads gets no memory.
  bool reads(T* BackwardRow<T>::* delta) const {
    for (int i = 0; i < product_count; ++i)
      if (products[i].delta == delta) return true;
    return false;
  }
  bool reads_between() const {
    for (int i = 0; i < product_count; ++i)
      if (products[i].between) return true;
    return false;
  }
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
