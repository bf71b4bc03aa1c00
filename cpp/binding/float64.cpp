// The code of all cells in float64.
#include "../gatewise.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
template class Stack<double>;
}  // namespace GATEWISE_ISA
}  // namespace gatewise
