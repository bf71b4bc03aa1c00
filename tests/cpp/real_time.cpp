// Shows that a stream's step takes no lock and allocates nothing, by counting the calls of the C library's functions
// for both during the step.
#include <dlfcn.h>
#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <gatewise/gatewise.hpp>
#include <vector>

namespace {
bool counting = false;
int calls = 0;

// Returns the C library's function of this name, which a function of this program replaces.
template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}
}  // namespace

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t size) {
  calls += counting;
  return __libc_malloc(size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  calls += counting;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** to, std::size_t alignment, std::size_t size) {
  calls += counting;
  *to = __libc_memalign(alignment, size);
  return 0;
}
int pthread_mutex_lock(pthread_mutex_t* mutex) {
  calls += counting;
  static const auto lock = next<int(pthread_mutex_t*)>("pthread_mutex_lock");
  return lock(mutex);
}
}

using namespace gatewise;

int steps_of(Cell cell, Index layers, Index batch, Index hidden, Index projection) {
  Options options;
  options.cell = cell;
  options.input_size = 3;
  options.hidden_size = hidden;
  options.num_layers = layers;
  options.proj_size = projection;
  options.zoneout[State::h] = 0.1;
  const Stack<float> stack(options);
  const Index gates = options.gates(), outputs = options.output_size();
  const std::vector<float> numbers(static_cast<std::size_t>(gates * hidden * (hidden + outputs + 3)), 0.01f);
  Parameters<const float> parameters;
  parameters.weight_ih = parameters.weight_hh = parameters.bias_ih = parameters.bias_hh = numbers.data();
  if (projection > 0) parameters.weight_hr = numbers.data();
  if (options.traits().peepholes) parameters.weight_peephole = numbers.data();
  const std::vector<Parameters<const float>> all(static_cast<std::size_t>(layers), parameters);
  Stream<float> stream(stack, stack.pack(all), batch);
  std::vector<float> y(static_cast<std::size_t>(batch * outputs));
  static_assert(noexcept(stream.step(numbers.data(), y.data())), "a step throws nothing");

  calls = 0;
  counting = true;
  for (int t = 0; t < 5; ++t) stream.step(numbers.data(), y.data());
  counting = false;
  return calls;
}

int main() {
  counting = true;
  std::free(std::malloc(1));
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  counting = false;
  std::printf("counted %d\n", calls);
  for (int i = 0; i < cell_count; ++i)
    for (const Index batch : {1, 3})
      for (const Index hidden : {5, 40, 300}) {
        const Cell cell = static_cast<Cell>(i);
        const Index projection = cell == Cell::lstm && batch == 3 ? hidden / 2 : 0;
        if (const int found = steps_of(cell, 2, batch, hidden, projection))
          std::printf("%s, %d sequences, %d units: %d calls\n", traits_of(cell).name, static_cast<int>(batch),
                      static_cast<int>(hidden), found);
      }
}
