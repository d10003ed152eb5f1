"""Writes the page of the public names; the site fills in their docstrings."""

from __future__ import annotations

import umlpsd_gpu

# chapters in the order of a study; names that are in none of them come last
CHAPTERS = {
    "Whole studies": (
        "run_study",
        "get_analysis",
        "write_report",
        "export_results",
        "validate",
        "Study",
        "Settings",
        "Validation",
    ),
    "Movies": ("open_movie", "Movie"),
    "Trajectories": ("extract_emitters", "extract_pixels", "read_traces", "pool_traces", "Traces"),
    "Maps of curves": (
        "run_curves",
        "condition_curves",
        "curve_quantities",
        "read_curves",
        "CurveStudy",
        "CurveMap",
        "CurveSettings",
    ),
    "Spectrum images": (
        "run_spectrum_image",
        "read_spectrum_image",
        "SpectrumImageStudy",
        "SpectrumImage",
        "SpectrumImagesSettings",
    ),
    "Micrographs": (
        "run_micrograph",
        "read_micrograph",
        "MicrographStudy",
        "Micrograph",
        "MicrographsSettings",
    ),
    "Particles": (
        "run_particles",
        "ParticleStudy",
        "ParticlesSettings",
    ),
    "Clustering": (
        "preprocess",
        "sweep",
        "replicate",
        "decide",
        "cluster",
        "Sweep",
        "Replication",
        "KDecision",
        "Clustering",
    ),
    "Spectra and exponents": ("power_spectrum", "fit_power_law", "Spectrum", "PowerLawFit"),
    "X-ray spectra": ("quantify_spectrum",),
    "Maps": ("assembly_maps", "AssemblyMaps"),
    "Plots": (
        "plot_traces",
        "plot_clusters",
        "plot_metrics",
        "plot_power_spectra",
        "plot_exponents",
        "plot_map",
        "plot_study_map",
    ),
    "Errors": (
        "UmlpsdError",
        "MovieError",
        "CurvesError",
        "SpectrumImageError",
        "TracesError",
        "SettingsError",
        "DeviceError",
        "OutputError",
    ),
}
INTRO = """# Python

```python
import umlpsd_gpu as um
```

Importing the package is quick: a library such as SciPy or CuPy is loaded when a function first
needs it. Arrays are NumPy's, or CuPy's where a function says so. Every error message says what was
given, what is allowed and what to change.
"""


def reference_page() -> str:
    """Return the page, a heading and a docstring for each public name."""
    listed = {name for names in CHAPTERS.values() for name in names}
    others = tuple(name for name in umlpsd_gpu.__all__ if name not in listed)
    chapters = CHAPTERS | ({"Others": others} if others else {})
    parts = [INTRO]
    for chapter, names in chapters.items():
        parts.append(f"## {chapter}\n")
        parts += [f"::: {place_of(name)}\n" for name in names if name in umlpsd_gpu.__all__]
    return "\n".join(parts)


def place_of(name: str) -> str:
    """Return where a public name is defined."""
    return f"umlpsd_gpu.{umlpsd_gpu._HOME[name]}.{name}"
