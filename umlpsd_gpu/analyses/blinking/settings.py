"""All settings of a blinking study: its own sections and the shared ones."""

from __future__ import annotations

from typing import ClassVar

from umlpsd_gpu.maps.settings import MapsSettings
from umlpsd_gpu.movie.settings import MovieSettings
from umlpsd_gpu.preprocessing.settings import PreprocessSettings
from umlpsd_gpu.settings import AnalysisSettings
from umlpsd_gpu.spectrum.settings import SpectrumSettings
from umlpsd_gpu.traces.settings import TracesSettings


class Settings(AnalysisSettings):
    """All settings of a blinking study, with the sections of its TOML file.

    Attributes
    ----------
    movie : MovieSettings
    traces : TracesSettings
    preprocess : PreprocessSettings
    spectrum : SpectrumSettings
    maps : MapsSettings

    Examples
    --------
    >>> from umlpsd_gpu import Settings
    >>> Settings().with_values({"sweep.k_max": 5}).sweep.k_max
    5
    """

    analysis: ClassVar[str] = "blinking"
    # the name and digest of a region of interest are in the history of the traces
    without_effect: ClassVar[tuple[str, ...]] = (
        *AnalysisSettings.without_effect,
        "movie.memory_mb",
        "traces.memory_mb",
        "traces.roi",
    )
    of_machine: ClassVar[tuple[str, ...]] = (*AnalysisSettings.of_machine, "movie.memory_mb")
    naming_files: ClassVar[tuple[str, ...]] = ("traces.roi",)

    movie: MovieSettings = MovieSettings()
    traces: TracesSettings = TracesSettings()
    preprocess: PreprocessSettings = PreprocessSettings()
    spectrum: SpectrumSettings = SpectrumSettings()
    maps: MapsSettings = MapsSettings()
