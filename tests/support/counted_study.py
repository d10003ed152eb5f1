"""Count what a fixed small study does, in a process of its own: products, transforms, bytes read.

    python -m tests.support.counted_study FOLDER [in-step]

``in-step``: K-means without compiled code.

Every ``@`` of the package is counted, by rewriting its modules as they are imported: NumPy gives no
hook for the operator. Functions of NumPy and SciPy are wrapped where they live. Prints JSON.
"""

import ast
import builtins
import importlib.machinery
import importlib.util
import io
import json
import sys
from collections import Counter
from pathlib import Path
from threading import Lock

import numpy as np
import scipy.fft

FOUND, LOCK = Counter(), Lock()
N_FRAMES, N_ROWS = 700, 96  # of the movie, uint16
PRODUCTS = ("matmul", "dot", "tensordot", "inner", "einsum")
TRANSFORMS = ("fft", "ifft", "rfft", "irfft", "fft2", "ifft2", "rfft2", "fftn", "ifftn", "rfftn")
DECOMPOSITIONS = ("eigh", "eigvalsh", "svd")


def count(name, number=1):
    with LOCK:
        FOUND[name] += number


def counted_product(left, right):
    """What ``left @ right`` becomes."""
    result = left @ right
    count("products")
    # a sparse product works on its entries only
    size = left.nnz if hasattr(left, "nnz") else np.size(left)
    n_columns = np.shape(right)[-1] if np.ndim(right) > 1 else 1
    count("product_flops", 2 * size * n_columns)
    return result


class Rewritten(ast.NodeTransformer):
    """``a @ b`` → ``__counted_product__(a, b)``."""

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if not isinstance(node.op, ast.MatMult):
            return node
        name = ast.Name("__counted_product__", ast.Load())
        return ast.copy_location(ast.Call(name, [node.left, node.right], []), node)

    def visit_AugAssign(self, node):
        assert not isinstance(node.op, ast.MatMult), "@= would not be counted"
        return self.generic_visit(node)


class Loader(importlib.machinery.SourceFileLoader):
    def source_to_code(self, data, path, *, _optimize=-1):
        tree = ast.fix_missing_locations(Rewritten().visit(ast.parse(data, path)))
        return compile(tree, path, "exec", dont_inherit=True, optimize=_optimize)

    def get_code(self, fullname):
        # never from or into the cache of plain modules
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class Finder:
    """Finds the package's modules, before Python does."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] != "umlpsd_gpu":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec and spec.origin and spec.origin.endswith(".py"):
            spec.loader = Loader(name, spec.origin)
        return spec


class CountedFile(io.FileIO):
    def readinto(self, buffer):
        n_bytes = super().readinto(buffer)
        count("bytes_read", n_bytes)
        return n_bytes


def wrapped(owner, name, as_name):
    plain = getattr(owner, name)

    def counted(*args, **kwargs):
        count(as_name)
        return plain(*args, **kwargs)

    setattr(owner, name, counted)


def install():
    builtins.__counted_product__ = counted_product
    sys.meta_path.insert(0, Finder())
    for name in PRODUCTS:
        wrapped(np, name, "products")
    for name in TRANSFORMS:
        wrapped(scipy.fft, name, "transforms")
        wrapped(np.fft, name, "transforms")
    for name in DECOMPOSITIONS:
        wrapped(np.linalg, name, "decompositions")


def main(folder, way="compiled"):
    install()
    from umlpsd_gpu import open_movie, power_spectrum, run_study
    from umlpsd_gpu.bench.roofline import counting_work
    from umlpsd_gpu.kmeans import native as compiled
    from umlpsd_gpu.movie import reader
    from umlpsd_gpu.simulate.movie import simulate_movie

    if way == "in-step":
        compiled.library = lambda: None
    settings = fixed_settings()
    movie = fixed_movie(folder, simulate_movie)
    reader.open = lambda path, mode, buffering: CountedFile(path, "r")
    FOUND.clear()
    # its products are counted here
    with counting_work(lambda done: "rows" in done and count("rows", int(done["rows"]))):
        study = run_study(open_movie(movie, settings.movie), settings)
    for method in ("welch", "periodogram"):
        power_spectrum(study.traces, method)
    print(json.dumps(FOUND))


def fixed_settings():
    from umlpsd_gpu import Settings

    return Settings().with_values(
        {
            "device": "cpu",
            "preprocess.scales": ["raw", "W20", "WL4"],
            "sweep.k_max": 6,
            "sweep.n_epochs": 20,
            "sweep.seed": 3,
            "decision.n_surrogates": 2,
            "decision.n_resamples": 2,
        }
    )


def fixed_movie(folder, simulate_movie):
    path = Path(folder) / "movie.tif"
    return simulate_movie(
        path, n_emitters=30, n_rows=N_ROWS, n_cols=N_ROWS, n_frames=N_FRAMES, seed=1
    ).path


if __name__ == "__main__":
    main(*sys.argv[1:])
