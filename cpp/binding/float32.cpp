// The code of all cells in float32.
#include "../gatewise.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
template class Stack<float>;
}  // namespace GATEWISE_ISA
}  // namespace gatewise
