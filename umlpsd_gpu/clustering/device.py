"""Choose the device for a clustering."""

from __future__ import annotations

from typing import Literal

from umlpsd_gpu.compute.backend import choose_device
from umlpsd_gpu.kmeans.engines import require_engine
from umlpsd_gpu.settings import AnalysisSettings


def device_of(settings: AnalysisSettings) -> Literal["cpu", "gpu"]:
    """Return the device on which a clustering with these settings runs.

    Parameters
    ----------
    settings : AnalysisSettings
        ``device`` and ``sweep.engine``; the engine ``"sklearn"`` makes ``"auto"`` the CPU.

    Returns
    -------
    {"cpu", "gpu"}

    Raises
    ------
    DeviceError
        If the chosen device is missing, or cuML is not installed.
    SettingsError
        If the chosen engine does not run on the device.
    """
    wish = settings.device
    if wish == "auto" and settings.sweep.engine == "sklearn":
        wish = "cpu"
    device = choose_device(wish)
    require_engine(settings.sweep.engine, on_gpu=device == "gpu")
    return device
