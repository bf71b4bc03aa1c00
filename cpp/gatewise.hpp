// gatewise for C++: recurrent layers on the CPU, forward, backward and step by step. Include this header. The names in
// `gatewise` are for users; those in `gatewise::detail` may change at any time.
#pragma once

#include "layer/stack_calls.hpp"
#include "layer/stream.hpp"
