#!/usr/bin/env bash
# Runs the kernels' tests on the CPU in a build that checks them, and stops at the first finding:
#   tests/support/cuda_on_cpu/sanitize.sh address,undefined   accesses beyond arrays, undefined arithmetic
#   tests/support/cuda_on_cpu/sanitize.sh thread              races between the threads of a block
# More arguments go to pytest, instead of the files of all kernels.
set -euo pipefail
cd "$(dirname "$0")/../../.."

checks=${1:-address,undefined}
shift || true
case $checks in
    *thread*) runtime=libtsan.so ;;
    *) runtime=libasan.so ;;
esac
python=.venv/bin/python
[ -x "$python" ] || python=python
arguments=("$@")
[ ${#arguments[@]} -gt 0 ] || arguments=(tests/kernels/test_*.py tests/support/test_cuda_on_cpu*.py)

# abort: then Python's own handler tells which test it was
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
export UBSAN_OPTIONS=print_stacktrace=1:abort_on_error=1
export TSAN_OPTIONS=halt_on_error=1:abort_on_error=1
export UMLPSD_KERNEL_SANITIZE=$checks UMLPSD_REQUIRE_KERNELS=1
# one thread of BLAS and the like: ThreadSanitizer knows nothing of how they meet
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
# the sanitizer's own output must reach the terminal
exec env LD_PRELOAD="$(g++ -print-file-name=$runtime)" \
    "$python" -m pytest -q --capture=sys -p no:cacheprovider -m "not gpu" "${arguments[@]}"
