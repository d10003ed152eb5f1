"""From microscopy movies of blinking nanocrystals to clusters and power spectra.

Movies go in; clusters of blinking trajectories with their power spectra and power-law exponents
come out. The public verbs and result types are here, nothing else; each is imported when it is
first asked for, so that a part of them works where not every package is installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from umlpsd_gpu.analyses.blinking.plots.maps import plot_map, plot_study_map
    from umlpsd_gpu.analyses.blinking.plots.metrics import plot_metrics
    from umlpsd_gpu.analyses.blinking.plots.spectra import plot_exponents, plot_power_spectra
    from umlpsd_gpu.analyses.blinking.plots.trajectories import plot_clusters, plot_traces
    from umlpsd_gpu.analyses.blinking.result import Study
    from umlpsd_gpu.analyses.blinking.settings import Settings
    from umlpsd_gpu.analyses.blinking.workflow import run_study
    from umlpsd_gpu.analyses.curves.conditioning.condition import condition_curves
    from umlpsd_gpu.analyses.curves.curve_map import CurveMap
    from umlpsd_gpu.analyses.curves.quantities.quantities import curve_quantities
    from umlpsd_gpu.analyses.curves.reading.errors import CurvesError
    from umlpsd_gpu.analyses.curves.reading.read import read_curves
    from umlpsd_gpu.analyses.curves.result import CurveStudy
    from umlpsd_gpu.analyses.curves.settings import CurveSettings
    from umlpsd_gpu.analyses.curves.workflow import run_curves
    from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
    from umlpsd_gpu.analyses.micrographs.settings import MicrographsSettings
    from umlpsd_gpu.analyses.micrographs.source import read_micrograph
    from umlpsd_gpu.analyses.micrographs.workflow import run_micrograph
    from umlpsd_gpu.analyses.particles.result import ParticleStudy
    from umlpsd_gpu.analyses.particles.settings import ParticlesSettings
    from umlpsd_gpu.analyses.particles.workflow import run_particles
    from umlpsd_gpu.analyses.registry import get_analysis
    from umlpsd_gpu.analyses.spectrum_images.reading.errors import SpectrumImageError
    from umlpsd_gpu.analyses.spectrum_images.reading.read import read_spectrum_image
    from umlpsd_gpu.analyses.spectrum_images.result import SpectrumImageStudy
    from umlpsd_gpu.analyses.spectrum_images.settings import SpectrumImagesSettings
    from umlpsd_gpu.analyses.spectrum_images.spectrum_image import SpectrumImage
    from umlpsd_gpu.analyses.spectrum_images.workflow import run_spectrum_image
    from umlpsd_gpu.clustering.cluster import Clustering, cluster
    from umlpsd_gpu.decision.decide import decide
    from umlpsd_gpu.decision.result import KDecision
    from umlpsd_gpu.errors import (
        DeviceError,
        MovieError,
        OutputError,
        SettingsError,
        TracesError,
        UmlpsdError,
    )
    from umlpsd_gpu.images.micrograph import Micrograph
    from umlpsd_gpu.kmeans.halves import replicate
    from umlpsd_gpu.kmeans.replication import Replication
    from umlpsd_gpu.kmeans.result import Sweep
    from umlpsd_gpu.kmeans.sweep import sweep
    from umlpsd_gpu.maps.result import AssemblyMaps, assembly_maps
    from umlpsd_gpu.movie.movie import Movie
    from umlpsd_gpu.movie.open import open_movie
    from umlpsd_gpu.preprocessing.smooth import preprocess
    from umlpsd_gpu.report.export_results import export_results
    from umlpsd_gpu.report.write_report import write_report
    from umlpsd_gpu.spectrum.estimators import power_spectrum
    from umlpsd_gpu.spectrum.fit import fit_power_law
    from umlpsd_gpu.spectrum.result import PowerLawFit, Spectrum
    from umlpsd_gpu.traces.extract import extract_emitters
    from umlpsd_gpu.traces.pixel_extraction import extract_pixels
    from umlpsd_gpu.traces.pool import pool_traces
    from umlpsd_gpu.traces.tables import read_traces
    from umlpsd_gpu.traces.traces import Traces
    from umlpsd_gpu.validation.result import Validation
    from umlpsd_gpu.validation.validate import validate
    from umlpsd_gpu.xrays.quantify import quantify_spectrum

_HOME = {
    "AssemblyMaps": "maps.result",
    "Clustering": "clustering.cluster",
    "CurveMap": "analyses.curves.curve_map",
    "CurveSettings": "analyses.curves.settings",
    "CurveStudy": "analyses.curves.result",
    "CurvesError": "analyses.curves.reading.errors",
    "DeviceError": "errors",
    "KDecision": "decision.result",
    "Micrograph": "images.micrograph",
    "MicrographStudy": "analyses.micrographs.result",
    "MicrographsSettings": "analyses.micrographs.settings",
    "Movie": "movie.movie",
    "MovieError": "errors",
    "OutputError": "errors",
    "ParticleStudy": "analyses.particles.result",
    "ParticlesSettings": "analyses.particles.settings",
    "PowerLawFit": "spectrum.result",
    "Replication": "kmeans.replication",
    "Settings": "analyses.blinking.settings",
    "SettingsError": "errors",
    "Spectrum": "spectrum.result",
    "SpectrumImage": "analyses.spectrum_images.spectrum_image",
    "SpectrumImageError": "analyses.spectrum_images.reading.errors",
    "SpectrumImageStudy": "analyses.spectrum_images.result",
    "SpectrumImagesSettings": "analyses.spectrum_images.settings",
    "Study": "analyses.blinking.result",
    "Sweep": "kmeans.result",
    "Traces": "traces.traces",
    "TracesError": "errors",
    "UmlpsdError": "errors",
    "Validation": "validation.result",
    "assembly_maps": "maps.result",
    "cluster": "clustering.cluster",
    "condition_curves": "analyses.curves.conditioning.condition",
    "curve_quantities": "analyses.curves.quantities.quantities",
    "decide": "decision.decide",
    "export_results": "report.export_results",
    "extract_emitters": "traces.extract",
    "extract_pixels": "traces.pixel_extraction",
    "fit_power_law": "spectrum.fit",
    "get_analysis": "analyses.registry",
    "open_movie": "movie.open",
    "plot_clusters": "analyses.blinking.plots.trajectories",
    "plot_exponents": "analyses.blinking.plots.spectra",
    "plot_map": "analyses.blinking.plots.maps",
    "plot_metrics": "analyses.blinking.plots.metrics",
    "plot_power_spectra": "analyses.blinking.plots.spectra",
    "plot_study_map": "analyses.blinking.plots.maps",
    "plot_traces": "analyses.blinking.plots.trajectories",
    "pool_traces": "traces.pool",
    "power_spectrum": "spectrum.estimators",
    "preprocess": "preprocessing.smooth",
    "quantify_spectrum": "xrays.quantify",
    "read_curves": "analyses.curves.reading.read",
    "read_micrograph": "analyses.micrographs.source",
    "read_spectrum_image": "analyses.spectrum_images.reading.read",
    "read_traces": "traces.tables",
    "replicate": "kmeans.halves",
    "run_curves": "analyses.curves.workflow",
    "run_micrograph": "analyses.micrographs.workflow",
    "run_particles": "analyses.particles.workflow",
    "run_spectrum_image": "analyses.spectrum_images.workflow",
    "run_study": "analyses.blinking.workflow",
    "sweep": "kmeans.sweep",
    "validate": "validation.validate",
    "write_report": "report.write_report",
}
__all__ = [
    "AssemblyMaps",
    "Clustering",
    "CurveMap",
    "CurveSettings",
    "CurveStudy",
    "CurvesError",
    "DeviceError",
    "KDecision",
    "Micrograph",
    "MicrographStudy",
    "MicrographsSettings",
    "Movie",
    "MovieError",
    "OutputError",
    "ParticleStudy",
    "ParticlesSettings",
    "PowerLawFit",
    "Replication",
    "Settings",
    "SettingsError",
    "Spectrum",
    "SpectrumImage",
    "SpectrumImageError",
    "SpectrumImageStudy",
    "SpectrumImagesSettings",
    "Study",
    "Sweep",
    "Traces",
    "TracesError",
    "UmlpsdError",
    "Validation",
    "assembly_maps",
    "cluster",
    "condition_curves",
    "curve_quantities",
    "decide",
    "export_results",
    "extract_emitters",
    "extract_pixels",
    "fit_power_law",
    "get_analysis",
    "open_movie",
    "plot_clusters",
    "plot_exponents",
    "plot_map",
    "plot_metrics",
    "plot_power_spectra",
    "plot_study_map",
    "plot_traces",
    "pool_traces",
    "power_spectrum",
    "preprocess",
    "quantify_spectrum",
    "read_curves",
    "read_micrograph",
    "read_spectrum_image",
    "read_traces",
    "replicate",
    "run_curves",
    "run_micrograph",
    "run_particles",
    "run_spectrum_image",
    "run_study",
    "sweep",
    "validate",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("umlpsd_gpu")
    if name not in _HOME:
        raise AttributeError(f"module 'umlpsd_gpu' has no attribute '{name}'")
    found = getattr(import_module(f"umlpsd_gpu.{_HOME[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
