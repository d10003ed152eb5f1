"""The parameters of CuPy's functions that umlpsd_gpu calls: of CuPy 14.2, annotations left out.

NumPy's functions of the same names take more. tests/support/test_cupy_on_cpu.py compares the table
with the CuPy that is installed, if there is one.
"""

import inspect

UFUNC = "(*args, out=None, dtype=None, casting='same_kind')"
TEXTS = {
    "abs": UFUNC,
    "add": UFUNC,
    "arange": "(start, stop=None, step=1, dtype=None)",
    "arctan2": UFUNC,
    "argmax": "(a, axis=None, dtype=None, out=None, keepdims=False)",
    "argmin": "(a, axis=None, dtype=None, out=None, keepdims=False)",
    "argsort": "(a, axis=-1, kind=None)",
    "broadcast_to": "(array, shape)",
    "concatenate": "(tup, axis=0, out=None, *, dtype=None, casting='same_kind')",
    "cos": UFUNC,
    "count_nonzero": "(a, axis=None)",
    "cumsum": "(a, axis=None, dtype=None, out=None)",
    "diff": "(a, n=1, axis=-1, prepend=None, append=None)",
    "divide": UFUNC,
    "einsum": "(*operands, **kwargs)",
    "exp": UFUNC,
    "expand_dims": "(a, axis)",
    "flatnonzero": "(a)",
    "floor": UFUNC,
    "full": "(shape, fill_value, dtype=None, order='C')",
    "full_like": "(a, fill_value, dtype=None, order='K', subok=None, shape=None)",
    "hstack": "(tup, *, dtype=None, casting='same_kind')",
    "isfinite": UFUNC,
    "isnan": UFUNC,
    "log": UFUNC,
    "matmul": (
        "(*args, axes=None, axis=None, keepdims=False, casting='same_kind', dtype=None, "
        "signature=None, order='K', out=None)"
    ),
    "maximum": UFUNC,
    "mean": "(a, axis=None, dtype=None, out=None, keepdims=False)",
    "minimum": UFUNC,
    "multiply": UFUNC,
    "nonzero": "(a)",
    "ones": "(shape, dtype=float, order='C')",
    "ones_like": "(a, dtype=None, order='K', subok=None, shape=None)",
    "repeat": "(a, repeats, axis=None)",
    "searchsorted": "(a, v, side='left', sorter=None)",
    "sin": UFUNC,
    "sort": "(a, axis=-1, kind=None)",
    "sqrt": UFUNC,
    "square": UFUNC,
    "stack": "(tup, axis=0, out=None, *, dtype=None, casting='same_kind')",
    "subtract": UFUNC,
    "sum": "(a, axis=None, dtype=None, out=None, keepdims=False)",
    "take": "(a, indices, axis=None, out=None)",
    "take_along_axis": "(a, indices, axis)",
    "tensordot": "(a, b, axes=2)",
    "tile": "(A, reps)",
    "vstack": "(tup, *, dtype=None, casting='same_kind')",
    "where": "(condition, x=None, y=None)",
    "zeros": "(shape, dtype=float, order='C')",
    "zeros_like": "(a, dtype=None, order='K', subok=None, shape=None)",
}


def _signature(text):
    """Return the signature that a text shows."""
    place = {}
    exec(f"def function{text}: pass", place)
    return inspect.signature(place["function"])


SIGNATURES = {name: _signature(text) for name, text in TEXTS.items()}
