// An LSTM over ten steps of three features, two sequences at once, and the same step by step. Weights: as in PyTorch's
// state_dict.
#include <cstdio>
#include <gatewise/gatewise.hpp>
#include <vector>

int main() {
  constexpr gatewise::Index T = 10, B = 2, I = 3, H = 4;
  gatewise::Options options;
  options.cell = gatewise::Cell::lstm;
  options.input_size = I;
  options.hidden_size = H;
  const gatewise::Stack<float> lstm(options);

  const std::vector<float> weight_ih(4 * H * I, 0.1f), weight_hh(4 * H * H, -0.1f), x(T * B * I, 1.0f);
  const auto weights = lstm.pack({{weight_ih.data(), weight_hh.data()}});
  std::vector<float> y(T * B * H), h(B * H), c(B * H);
  lstm.forward(*weights, {{T, B}, {x.data(), B * I, I}, {y.data(), B * H, H}, nullptr, nullptr, h.data(), c.data()}, 1);
  std::printf("%.7f %.7f\n", h[0], c[0]);

  gatewise::Stream<float> stream(lstm, weights, B);
  const gatewise::FloatMode mode;  // held over all steps; `stream.step(x, y)` alone sets it in every one
  for (gatewise::Index t = 0; t < T; ++t) stream.step(&x[t * B * I], h.data(), mode);
  std::printf("%.7f\n", h[0]);
}
