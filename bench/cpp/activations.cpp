// Sigmoid and tanh of numbers in L1.
#include "math/activation.hpp"

#include "bench.hpp"

namespace bench {
namespace {

template <class P, class Function>
void add_function(const std::string& name, const Function& function) {
  using T = scalar_t<P>;
  add(name + "/" + type_name<T>, [function](benchmark::State& state) {
    constexpr Index count = 2048;
    const auto x = random_numbers<T>(count, 6);
    const Buffer<T> y(count);
    for (auto _ : state) {
      for (Index i = 0; i < count; i += P::width) store(&y[i], function(load<P>(&x[i])));
      benchmark::ClobberMemory();
    }
    count_elements(state, count);
  });
}

template <class T>
void add_type() {
  using P = Packet<T, widest<T>>;
  add_function<P>("sigmoid", [](P x) { return sigmoid(x); });
  add_function<P>("tanh", [](P x) { return gatewise::detail::tanh(x); });
}

}  // namespace

void add_activations() {
  add_type<float>();
  add_type<double>();
}

}  // namespace bench
