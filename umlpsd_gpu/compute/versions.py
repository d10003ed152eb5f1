"""Versions of software that a result may depend on."""

from __future__ import annotations

import platform
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from umlpsd_gpu.compute.cpu_kernel import why_missing

PACKAGES = ("umlpsd_gpu", "numpy", "scipy", "scikit-learn", "PyWavelets", "tifffile")


def recorded_versions(device: str = "cpu") -> dict[str, str]:
    """Return the versions to store with a result.

    Parameters
    ----------
    device : {"cpu", "gpu"}
        ``"gpu"`` adds CuPy, CUDA and the name of the card.

    Returns
    -------
    dict of str to str
    """
    versions = {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}
    # K-means without them sums in a different order
    versions["CPU kernels"] = "missing" if why_missing() else "compiled"
    if device == "gpu":
        cupy = import_module("cupy")
        runtime = cupy.cuda.runtime
        properties = runtime.getDeviceProperties(runtime.getDevice())
        versions |= {
            "cupy": cupy.__version__,
            "cuda runtime": str(runtime.runtimeGetVersion()),
            "cuda driver": str(runtime.driverGetVersion()),
            "card": properties["name"].decode(),
        }
    return versions


def _version(package: str) -> str:
    """Return a package's version; a checkout that runs without being installed has none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
