// The bandwidth of reading weights from each cache level and from memory, as a product with one row reads them.
#include "bench.hpp"

namespace bench {
namespace {

using P = Packet<float, widest<float>>;

GATEWISE_NOINLINE float read(const float* from, Index count) {
  constexpr int streams = 8;
  P sum[streams];
  for (int i = 0; i < streams; ++i) sum[i] = broadcast<P>(0);
  for (Index k = 0; k < count; k += streams * P::width) {
    GATEWISE_UNROLL
    for (int i = 0; i < streams; ++i) sum[i] = sum[i] + load<P>(from + k + i * P::width);
  }
  for (int i = 1; i < streams; ++i) sum[0] = sum[0] + sum[i];
  float lanes[P::width];
  store(lanes, sum[0]);
  return lanes[0];
}

void add_level(const std::string& level, Index bytes) {
  for (int threads = 1; threads <= most_threads(); ++threads) {
    const auto name =
        "reading/" + level + "/" + std::to_string(bytes >> 10) + " KiB/threads:" + std::to_string(threads);
    const auto run = [=](benchmark::State& state) {
      const Index count = bytes / static_cast<Index>(sizeof(float));
      std::vector<Buffer<float>> own;
      for (int thread = 0; thread < threads; ++thread) own.push_back(random_numbers<float>(count, 1));
      const Index times = std::max<Index>(1, (Index(4) << 20) / bytes);
      for (auto _ : state)
        state.SetIterationTime(best_seconds(threads, 1, [&](int thread) {
          for (Index i = 0; i < times; ++i)
            benchmark::DoNotOptimize(read(own[static_cast<std::size_t>(thread)].get(), count));
        }));
      count_bytes(state, static_cast<double>(bytes * times * threads));
    };
    benchmark::RegisterBenchmark(name.c_str(), run)->UseManualTime();
  }
}

}  // namespace

// Measures arrays of half the size of each cache level, because other data are in the cache too, and for memory an
// array of four times the last level.
void add_reading() {
  Index last = 8 << 20;
  for (const auto& cache : benchmark::CPUInfo::Get().caches) {
    if (cache.type == "Instruction") continue;
    last = cache.size;
    add_level("L" + std::to_string(cache.level), last / 2);
  }
  add_level("memory", 4 * last);
}

}  // namespace bench
