// The two products of the core: packed panels times one row or many rows, and weight gradients.
#include "bench.hpp"
#include "kernel/outer.hpp"
#include "kernel/panel.hpp"

namespace bench {
namespace {

// rows × inputs times inputs × (gates · units).
template <class T>
void add_panels(Index rows, Index inputs, Index gates, Index units) {
  using P = Packet<T, widest<T>>;
  const auto name = "panels/" + std::to_string(rows) + "x" + std::to_string(inputs) + "x" + std::to_string(gates) +
                    "*" + std::to_string(units) + "/" + type_name<T>;
  add(name, [=](benchmark::State& state) {
    const auto w = random_numbers<T>(gates * units * inputs, 1), x = random_numbers<T>(rows * inputs, 1);
    const Panels<T> panels(
        gates, units, inputs, P::width,
        [&](Index g, Index u, Index count, T* to, Index pitch) {
          transpose<P>(&w[(g * units + u) * inputs], inputs, count, inputs, to, pitch);
        },
        [](Index, Index) { return T(0); });
    std::vector<const T*> in;
    for (Index r = 0; r < rows; ++r) in.push_back(x.get() + r * inputs);
    const Buffer<T> out(rows * panels.lanes());
    bool backwards = false;  // alternates, as from step to step in a layer
    for (auto _ : state) {
      multiply_rows<P>(panels, {0, panels.panels(), backwards}, in.data(), rows, out.get(), panels.lanes());
      backwards = !backwards;
      benchmark::ClobberMemory();
    }
    const auto terms = static_cast<double>(gates * units * inputs);
    count_operations<T>(state, 2 * terms * static_cast<double>(rows));
    if (rows == 1) count_bytes(state, terms * sizeof(T));
  });
}

// The sum dw[inputs][gates] over `rows` rows.
template <class T>
void add_outer(Index rows, Index inputs, Index gates) {
  using P = Packet<T, widest<T>>;
  const auto name =
      "outer/" + std::to_string(rows) + "x" + std::to_string(inputs) + "x" + std::to_string(gates) + "/" + type_name<T>;
  add(name, [=](benchmark::State& state) {
    const auto a = random_numbers<T>(InputStrips<P>::size(inputs, rows), 1);
    const auto d = random_numbers<T>(GateStrips<P>::size(gates, rows), 1);
    InputStrips<P> a_strips;
    a_strips.data = a.get();
    a_strips.columns = inputs;
    a_strips.rows = rows;
    GateStrips<P> d_strips;
    d_strips.data = d.get();
    d_strips.columns = gates;
    d_strips.rows = rows;
    const Index pitch = d_strips.padded(gates);
    const auto dw = random_numbers<T>(a_strips.padded(inputs) * pitch, 1);
    for (auto _ : state) {
      outer<P>(a_strips, d_strips, 0, a_strips.strips() * d_strips.strips(), dw.get(), pitch);
      benchmark::ClobberMemory();
    }
    count_operations<T>(state, 2.0 * static_cast<double>(rows * inputs * gates));
  });
}

template <class T>
void add_type() {
  for (Index units : {16, 32, 64, 128, 256, 512}) add_panels<T>(1, units, 4, units);
  for (Index units : {32, 64, 128, 256, 512, 1024}) add_panels<T>(32, units, 4, units);
  add_panels<T>(1, 256, 3, 256);
  add_panels<T>(32, 256, 3, 256);
  add_panels<T>(1, 1024, 1, 256);  // transposed, for dh
  add_panels<T>(32, 1024, 1, 256);
  for (Index units : {32, 64, 256, 1024}) add_outer<T>(512, units, 4 * units);
}

}  // namespace

void add_products() {
  add_type<float>();
  add_type<double>();
}

}  // namespace bench
