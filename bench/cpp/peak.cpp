// Prints the measured peak in FLOP/s as JSON, {"float32": {"1": …, "2": …}, "float64": …}, for every number of threads
// from 1 to the program's argument.
#include <cstdio>
#include <cstdlib>

#include "limits.hpp"

template <class T>
void print(const char* name, int most, const char* after) {
  std::printf("\"%s\": {", name);
  for (int threads = 1; threads <= most; ++threads)
    std::printf("\"%d\": %.6g%s", threads, bench::measure_peak<T>(threads), threads < most ? ", " : "}");
  std::printf("%s", after);
}

int main(int count, char** arguments) {
  const int most = count > 1 ? std::max(1, std::atoi(arguments[1])) : 1;
  std::printf("{");
  print<float>("float32", most, ", ");
  print<double>("float64", most, "}\n");
}
