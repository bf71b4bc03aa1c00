// Whole layers through the interface of gatewise.hpp, for the cases of bench/cases.py: a stream's step, a forward pass,
// and a backward pass alone.
#include "gatewise.hpp"

#include "bench.hpp"

namespace bench {
namespace {

enum Mode { infer, train, step };

struct Case {
  Mode mode;
  const char* cell;
  Index T, B, I, H;
  int bytes;  // of a number

  Cell kind() const { return cell == std::string("LSTM") ? Cell::lstm : cell[0] == 'G' ? Cell::gru_after : Cell::rnn; }
};

constexpr Case cases[] = {
#include "cases.inc"
};

Options options(const Case& c) {
  Options options;
  options.cell = c.kind();
  options.input_size = c.I;
  options.hidden_size = c.H;
  return options;
}

// A layer with random weights, and the arrays of its calls.
template <class T>
struct Layer {
  explicit Layer(const Case& c)
      : stack(options(c)),
        gates(stack.options().gates()),
        operations(2.0 * static_cast<double>(gates * c.H * (c.I + c.H) * c.T * c.B)),
        weight_ih(gates * c.H * c.I),
        weight_hh(gates * c.H * c.H),
        bias_ih(gates * c.H),
        bias_hh(gates * c.H),
        x(c.T * c.B * c.I),
        y(c.T * c.B * c.H),
        h(c.B * c.H),
        c(c.B * c.H) {
    const double bound = 1 / std::sqrt(static_cast<double>(c.H));
    for (const Buffer<T>* parameter : {&weight_ih, &weight_hh, &bias_ih, &bias_hh}) fill(*parameter, bound);
    fill(x, 1);
    weights = stack.pack({parameters<const T>()});
    forward.batch.steps = c.T;
    forward.batch.sequences = c.B;
    forward.x = View<const T>::dense(x.get(), c.B, c.I);
    forward.y = View<T>::dense(y.get(), c.B, c.H);
    forward.final_state[State::h] = h.get();
    forward.final_state[State::c] = this->c.get();
  }

  template <class Number>
  Parameters<Number> parameters() const {
    Parameters<Number> parameters;
    parameters.weight_ih = weight_ih.get();
    parameters.weight_hh = weight_hh.get();
    parameters.bias_ih = bias_ih.get();
    parameters.bias_hh = bias_hh.get();
    return parameters;
  }

  Stack<T> stack;
  Index gates;
  double operations;  // of the products of a forward pass
  Buffer<T> weight_ih, weight_hh, bias_ih, bias_hh, x, y, h, c;
  std::shared_ptr<const Weights<T>> weights;
  ForwardCall<T> forward;
};

template <class T>
void run_step(benchmark::State& state, const Case& c, int) {
  Layer<T> layer(c);
  Stream<T> stream(layer.stack, layer.weights, c.B);
  const FloatMode mode;
  for (auto _ : state) {
    stream.step(layer.x.get(), layer.y.get(), mode);
    benchmark::ClobberMemory();
  }
  count_operations<T>(state, layer.operations);
}

template <class T>
void run_forward(benchmark::State& state, const Case& c, int threads) {
  Layer<T> layer(c);
  for (auto _ : state) layer.stack.forward(*layer.weights, layer.forward, threads);
  count_operations<T>(state, layer.operations, threads);
}

template <class T>
void run_backward(benchmark::State& state, const Case& c, int threads) {
  Layer<T> layer(c), gradients(c);  // the second one only for its arrays
  fill(gradients.y, 1);
  const auto tape = layer.stack.forward(layer.weights, layer.forward, {}, threads);
  BackwardCall<T> call;
  call.d_y = gradients.forward.y;
  call.d_x = View<T>::dense(gradients.x.get(), c.B, c.I);
  call.d_initial_state[State::h] = gradients.h.get();
  call.d_initial_state[State::c] = gradients.c.get();
  call.gradients = {gradients.template parameters<T>()};
  for (auto _ : state) layer.stack.backward(tape, call, threads);
  count_operations<T>(state, 2 * layer.operations, threads);
}

template <class T>
void add_case(const Case& c) {
  const auto run = c.mode == step ? run_step<T> : c.mode == infer ? run_forward<T> : run_backward<T>;
  const char* const mode = c.mode == step ? "step" : c.mode == infer ? "sequence" : "backward";
  std::string name = std::string(mode) + "/" + c.cell + "/";
  for (Index size : {c.T, c.B, c.I}) name += std::to_string(size) + ",";
  name += std::to_string(c.H) + "/" + type_name<T>;
  for (int threads = 1; threads <= (c.mode == step ? 1 : most_threads()); ++threads)
    add(name + "/threads:" + std::to_string(threads), [=](benchmark::State& state) { run(state, c, threads); });
}

}  // namespace

void add_layers() {
  for (const Case& c : cases) c.bytes == 4 ? add_case<float>(c) : add_case<double>(c);
}

}  // namespace bench
