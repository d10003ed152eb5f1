"""Spectrum images as an analysis: every method of the protocol calls a module of this folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from umlpsd_gpu.analyses.batch_protocol import K_SPREAD, read_from_summary
from umlpsd_gpu.analyses.protocol import Analysis, Column, Description, Prediction
from umlpsd_gpu.analyses.spectrum_images.settings import SpectrumImagesSettings
from umlpsd_gpu.analyses.validation_protocol import Recovery
from umlpsd_gpu.compute.context import Context

if TYPE_CHECKING:
    from umlpsd_gpu.analyses.comparing.comparison import Comparison
    from umlpsd_gpu.analyses.items.item import Item
    from umlpsd_gpu.analyses.methods.methods import MethodsText
    from umlpsd_gpu.analyses.spectrum_images.result import SpectrumImageStudy
    from umlpsd_gpu.analyses.spectrum_images.source import SpectrumImageSource
    from umlpsd_gpu.analyses.spectrum_images.spectrum_image import SpectrumImage
    from umlpsd_gpu.explorer.parts import Explorer
    from umlpsd_gpu.exports.contents import Contents
    from umlpsd_gpu.plotting.figures import FigurePlan
    from umlpsd_gpu.plotting.page_parts import Page
    from umlpsd_gpu.storage.field import FieldTable


class SpectrumImages(Analysis[Any, Any]):
    """The analysis of X-ray spectrum images; its result is a `SpectrumImageStudy`."""

    name = "spectrum_images"
    title = "Spectrum images"
    inputs = "spectrum images"
    items = "pixels"
    suffixes = (".hspy", ".h5oina", ".rpl", ".bcf", ".spd", ".pts")
    settings = SpectrumImagesSettings
    prediction_holds_for = "default settings"
    batch_caption = "Components by counts; their atoms in percent."
    validation_caption = (
        "Counts are drawn from the components and maps of the study (Poisson), so that these are "
        "the truth. The number of components is decided again; spectra, shares and compositions "
        "are found again at the true number. Intervals of compositions also hold the error of the "
        "physical model, which is the same in truth and simulation: they hold the truth more often "
        "than in 95 %. What the model lacks, as drift or pile-up, is not tested."
    )
    options = (
        ("spectrum_image.energy_offset_kev", "--energy-offset-kev"),
        ("spectrum_image.energy_step_kev", "--energy-step-kev"),
        ("spectrum_image.beam_kev", "--beam-kev"),
        ("spectrum_image.take_off_deg", "--take-off-deg"),
        ("spectrum_image.resolution_ev", "--resolution-ev"),
        ("spectrum_image.array", "--counts-array"),
        ("spectrum_image.bin_pixels", "--bin-pixels"),
        ("spectrum_image.rebin_energy", "--rebin-energy"),
        ("unmixing.k", "--unmix"),
        ("quantification.elements", "--elements"),
        ("quantification.method", "--sample"),
        ("quantification.films", "--films"),
        ("quantification.substrate", "--substrate"),
        ("quantification.film_thickness_nm", "--film-nm"),
        ("quantification.film_density", "--film-density"),
        ("quantification.oxides", "--oxides/--oxygen-measured"),
    )

    @property
    def fields(self) -> FieldTable:
        """Return what study.h5 holds; see `Analysis.fields`."""
        from umlpsd_gpu.analyses.spectrum_images.fields import TABLE

        return TABLE

    @property
    def watched_suffixes(self) -> tuple[str, ...]:
        """Suffixes of spectrum images; see `Analysis.watched_suffixes`."""
        return (*self.suffixes, ".npz", ".h5", ".emd")

    def open(self, names: Sequence[str], settings: SpectrumImagesSettings) -> SpectrumImageSource:
        """Open a spectrum image; see `Analysis.open`."""
        from umlpsd_gpu.analyses.spectrum_images.source import open_source

        return open_source(names, settings.spectrum_image)

    def files_of(self, source: SpectrumImageSource) -> tuple[Path, ...]:
        """Return the files of a spectrum image; see `Analysis.files_of`."""
        return source.files

    def describe(self, source: SpectrumImageSource) -> Description:
        """Describe a spectrum image; see `Analysis.describe`."""
        from umlpsd_gpu.analyses.spectrum_images.describe import describe_source

        return describe_source(source)

    def predict(self, source: SpectrumImageSource, with_report: bool = True) -> Prediction:
        """Predict memory and time; see `Analysis.predict`."""
        from umlpsd_gpu.analyses.spectrum_images.describe import predict_source

        return predict_source(source, with_report)

    def run(
        self, source: SpectrumImageSource, settings: SpectrumImagesSettings, context: Context
    ) -> SpectrumImageStudy:
        """Analyse a spectrum image; see `Analysis.run`."""
        from umlpsd_gpu.analyses.spectrum_images.workflow import analyse

        return analyse(source, settings, context)

    def result_type(self) -> type[SpectrumImageStudy]:
        """Return `SpectrumImageStudy`; see `Analysis.result_type`."""
        from umlpsd_gpu.analyses.spectrum_images.result import SpectrumImageStudy

        return SpectrumImageStudy

    def summary(self, result: SpectrumImageStudy) -> dict[str, Any]:
        """Return the content of summary.json; see `Analysis.summary`."""
        from umlpsd_gpu.analyses.spectrum_images.tables import summary_of

        return summary_of(result)

    def write_tables(self, result: SpectrumImageStudy, folder: Path) -> None:
        """Write spectra.csv, compositions.csv and maps.ome.tif; see `Analysis.write_tables`."""
        from umlpsd_gpu.analyses.spectrum_images.map_files import write_map_files
        from umlpsd_gpu.analyses.spectrum_images.tables import (
            write_compositions_csv,
            write_spectra_csv,
        )

        write_spectra_csv(result, folder / "spectra.csv")
        write_compositions_csv(result, folder / "compositions.csv")
        write_map_files(result, folder)

    def contents(self, result: SpectrumImageStudy) -> Contents:
        """Return tables, curves, images and places; see `Analysis.contents`."""
        from umlpsd_gpu.analyses.spectrum_images.contents import contents_of

        return contents_of(result)

    def figures(self, result: SpectrumImageStudy) -> Sequence[FigurePlan]:
        """Return the figures; see `Analysis.figures`."""
        from umlpsd_gpu.analyses.spectrum_images.figures.plans import figures_of

        return figures_of(result)

    def page(self, result: SpectrumImageStudy) -> Page:
        """Return the parts of the report; see `Analysis.page`."""
        from umlpsd_gpu.analyses.spectrum_images.page import page_of

        return page_of(result)

    def methods(self, result: SpectrumImageStudy) -> MethodsText:
        """Describe how a study was made; see `Analysis.methods`."""
        from umlpsd_gpu.analyses.spectrum_images.methods import methods_of

        return methods_of(result)

    def checks(self, result: SpectrumImageStudy) -> Sequence[str]:
        """Return what should be checked next; see `Analysis.checks`."""
        from umlpsd_gpu.analyses.spectrum_images.checks import checks_of

        return tuple(checks_of(result))

    def item(self, result: SpectrumImageStudy, wanted: str) -> Item:
        """Return a pixel; see `Analysis.item`."""
        from umlpsd_gpu.analyses.spectrum_images.item import item_of

        return item_of(result, wanted)

    def compare(self, first: SpectrumImageStudy, second: SpectrumImageStudy) -> Comparison:
        """Compare two studies of the same data; see `Analysis.compare`."""
        from umlpsd_gpu.analyses.spectrum_images.compare import compare_studies

        return compare_studies(first, second)

    def explore(self, result: SpectrumImageStudy) -> Explorer:
        """Return what can be clicked in the report; see `Analysis.explore`."""
        from umlpsd_gpu.analyses.spectrum_images.explore import explore_spectrum_image

        return explore_spectrum_image(result)

    def batch_columns(self) -> Sequence[Column]:
        """Return the columns in the table of a batch; see `Analysis.batch_columns`."""
        return (
            Column("k_opt", read_from_summary("k_opt"), "Components", None, K_SPREAD),
            Column("confidence", read_from_summary("confidence"), "Probability"),
            Column("counts_per_pixel", read_from_summary("counts_per_pixel"), "Counts a pixel"),
            Column("compositions", _compositions, "Atoms (%)"),
        )

    def simulate_like(self, result: SpectrumImageStudy, seed: int) -> SpectrumImage:
        """Draw counts of the components of a study; see `Analysis.simulate_like`."""
        from umlpsd_gpu.analyses.spectrum_images.validation import simulate_like

        return simulate_like(result, seed)

    def settings_like(self, result: SpectrumImageStudy) -> SpectrumImagesSettings:
        """Return the settings with the number of components fixed; see `Analysis.settings_like`."""
        from umlpsd_gpu.analyses.spectrum_images.validation import settings_like

        return settings_like(result)

    def compare_with(self, truth: SpectrumImageStudy, found: SpectrumImageStudy) -> Recovery:
        """Compare components and compositions with the truth; see `Analysis.compare_with`."""
        from umlpsd_gpu.analyses.spectrum_images.validation import compare_with

        return compare_with(truth, found)


def _compositions(facts: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    """Return the elements of each component with their atomic percentages."""
    parts = []
    for component in summary.get("components", []):
        elements = sorted(component["composition"], key=lambda e: -e["atomic_fraction"])
        text = " ".join(f"{e['element']}{100 * e['atomic_fraction']:.0f}" for e in elements)
        parts.append(text or "–")
    return "; ".join(parts)


SPECTRUM_IMAGES = SpectrumImages()
