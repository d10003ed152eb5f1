"""Tests, by room."""

import os

# pytest's workers have the cores already: threads of BLAS would wait for each other, and the suite
# took a third longer
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")
