// gatewise for C++: recurrent layers on the CPU, forward, backward and step by step. Include this one.
#pragma once

#include "layer/stack.hpp"
#include "layer/stream.hpp"
