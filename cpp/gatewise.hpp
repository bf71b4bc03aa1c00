// gatewise for C++: recurrent layers on the CPU, forward and backward. Include this one.
#pragma once

#include "layer/stack.hpp"
