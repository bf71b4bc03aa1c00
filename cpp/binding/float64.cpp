#include "../gatewise.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
template class Stack<double>;
}  // namespace GATEWISE_ISA
}  // namespace gatewise
