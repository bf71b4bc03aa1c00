// Runs the benches and shows the best and the median of their repetitions, with rates and fractions of the peak. All
// options of Google Benchmark work; --benchmark_out writes every repetition.
#include <cstdio>

#include "bench.hpp"

namespace bench {
namespace {

class Table : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override {
    for (int threads = 1; threads <= most_threads(); ++threads)
      std::printf("peak, %d thread%s: %.1f GFLOP/s float32, %.1f float64\n", threads, threads > 1 ? "s" : "",
                  peak<float>(threads) / 1e9, peak<double>(threads) / 1e9);
    std::printf("%-52s%12s%12s%10s%9s%9s\n", "", "best", "median", "GFLOP/s", "of peak", "GB/s");
    return true;
  }

  // Called with all repetitions of one bench.
  void ReportRuns(const std::vector<Run>& runs) override {
    std::vector<Run> sorted;
    for (const Run& run : runs)
      if (run.run_type == Run::RT_Iteration) sorted.push_back(run);
    if (sorted.empty()) return;
    std::sort(sorted.begin(), sorted.end(), [](const Run& a, const Run& b) { return seconds(a) < seconds(b); });
    const Run& best = sorted.front();
    std::printf("%-52s%12s%12s", best.run_name.function_name.c_str(), show(seconds(best), best).c_str(),
                show(seconds(sorted[sorted.size() / 2]), best).c_str());
    const auto cell = [&](const char* counter, const char* format, double unit, int width) {
      const auto found = best.counters.find(counter);
      if (found != best.counters.end())
        std::printf(format, found->second.value / unit);
      else
        std::printf("%*s", width, "");
    };
    cell("FLOP/s", "%10.1f", 1e9, 10);
    cell("of peak", "%8.0f%%", 0.01, 9);
    cell("B/s", "%9.1f", 1e9, 9);
    std::printf("\n");
    std::fflush(stdout);
  }

 private:
  static double seconds(const Run& run) { return run.real_accumulated_time / static_cast<double>(run.iterations); }

  // The time per iteration, or per element.
  static std::string show(double time, const Run& run) {
    const auto elements = run.counters.find("elements");
    if (elements != run.counters.end()) time /= elements->second.value;
    char text[32];
    const double unit = time < 1e-6 ? 1e-9 : time < 1e-3 ? 1e-6 : 1e-3;
    std::snprintf(text, sizeof text, "%.4g %s", time / unit, unit == 1e-9 ? "ns" : unit == 1e-6 ? "us" : "ms");
    return text;
  }
};

}  // namespace
}  // namespace bench

int main(int count, char** arguments) {
  // Defaults, which the command line overrides.
  static char repetitions[] = "--benchmark_repetitions=5", least_time[] = "--benchmark_min_time=0.02";
  std::vector<char*> all{arguments[0], repetitions, least_time};
  all.insert(all.end(), arguments + 1, arguments + count);
  int all_count = static_cast<int>(all.size());
  benchmark::Initialize(&all_count, all.data());
  if (benchmark::ReportUnrecognizedArguments(all_count, all.data())) return 1;
  bench::add_reading();
  bench::add_activations();
  bench::add_products();
  bench::add_layers();
  bench::Table table;
  benchmark::RunSpecifiedBenchmarks(&table);
  benchmark::Shutdown();
}
