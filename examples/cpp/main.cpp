// Runs an LSTM over ten steps of three features and two sequences, in one call and then step by step. The weights have
// the layout of PyTorch's state_dict.
#include <cstdio>
#include <gatewise/gatewise.hpp>
#include <vector>

int main() {
  using gatewise::State;
  constexpr gatewise::Index T = 10, B = 2, I = 3, H = 4;
  gatewise::Options options;
  options.cell = gatewise::Cell::lstm;
  options.input_size = I;
  options.hidden_size = H;
  const gatewise::Stack<float> lstm(options);

  const std::vector<float> weight_ih(4 * H * I, 0.1f), weight_hh(4 * H * H, -0.1f);
  gatewise::Parameters<const float> parameters;  // biases that are not set are zero
  parameters.weight_ih = weight_ih.data();
  parameters.weight_hh = weight_hh.data();
  const auto weights = lstm.pack({parameters});

  const std::vector<float> x(T * B * I, 1.0f);
  std::vector<float> y(T * B * H), h(B * H), c(B * H);
  gatewise::ForwardCall<float> call;
  call.batch.steps = T;
  call.batch.sequences = B;
  call.x = gatewise::View<const float>::dense(x.data(), B, I);
  call.y = gatewise::View<float>::dense(y.data(), B, H);
  call.final_state[State::h] = h.data();
  call.final_state[State::c] = c.data();
  lstm.forward(*weights, call, 1);
  std::printf("%.7f %.7f\n", h[0], c[0]);

  gatewise::Stream<float> stream(lstm, weights, B);
  const gatewise::FloatMode mode;  // set once for all steps; stream.step(x, y) would set it in every step
  for (gatewise::Index t = 0; t < T; ++t) stream.step(&x[t * B * I], h.data(), mode);
  std::printf("%.7f\n", h[0]);
}
