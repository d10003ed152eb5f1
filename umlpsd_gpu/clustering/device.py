"""Which device the clustering of an analysis runs on."""

from __future__ import annotations

from typing import Literal

from umlpsd_gpu.compute.backend import choose_device
from umlpsd_gpu.kmeans.engines import require_engine
from umlpsd_gpu.settings import AnalysisSettings


def device_of(settings: AnalysisSettings) -> Literal["cpu", "gpu"]:
    """Return the device that will run; scikit-learn, asked for, decides where it is left open.

    Raises
    ------
    DeviceError
        If the device asked for is not there, or cuML is not.
    SettingsError
        If the engine asked for does not run on it.
    """
    asked_for = settings.device
    if asked_for == "auto" and settings.sweep.engine == "sklearn":
        asked_for = "cpu"
    device = choose_device(asked_for)
    require_engine(settings.sweep.engine, on_gpu=device == "gpu")
    return device
