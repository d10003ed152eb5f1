// CUDA C++ for g++: each thread of a block is a fiber. Included before the text of the kernels, which
// is put into an unnamed namespace (tests/support/cuda_on_cpu/build.py): its names can't meet the C library's.
#pragma once

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.hpp"

namespace {
#include "language.hpp"
}
