"""Micrographs as an analysis: every method of the protocol calls a module of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from umlpsd_gpu.analyses.batch_protocol import K_SPREAD, read_from_summary
from umlpsd_gpu.analyses.micrographs.settings import MicrographsSettings
from umlpsd_gpu.analyses.protocol import Analysis, Column, Description, Prediction
from umlpsd_gpu.compute.context import Context

if TYPE_CHECKING:
    from umlpsd_gpu.analyses.comparing.comparison import Comparison
    from umlpsd_gpu.analyses.items.item import Item
    from umlpsd_gpu.analyses.methods.methods import MethodsText
    from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
    from umlpsd_gpu.analyses.micrographs.source import MicrographSource
    from umlpsd_gpu.analyses.validation_protocol import Recovery
    from umlpsd_gpu.explorer.parts import Explorer
    from umlpsd_gpu.exports.contents import Contents
    from umlpsd_gpu.plotting.figures import FigurePlan
    from umlpsd_gpu.plotting.page_parts import Page
    from umlpsd_gpu.plotting.style import DrawnFigure
    from umlpsd_gpu.storage.field import FieldTable


class Micrographs(Analysis[Any, Any]):
    """The analysis of single images; its result is a `MicrographStudy`."""

    name = "micrographs"
    title = "Micrographs"
    inputs = "micrographs"
    items = "windows"
    suffixes = (".dm3", ".dm4")
    settings = MicrographsSettings
    prediction_holds_for = "windows of 128 pixels"
    validation_caption = (
        "Images are sums of the local spectra of the study: their spots are waves, the rest of "
        "each spectrum a random field, and the maps say how strong each is in every place. Pixels "
        "belong to the component of which they have most, by its mean. False alarms are images "
        "with the same spectrum and random phases in which something local is found. Spacings and "
        "angles are those of the spots that were found again."
    )
    batch_caption = (
        "Local spectra is the number of different spectra of windows; 1: nothing is local."
    )
    options = (
        ("micrograph.pixel_size_m", "--image-pixel-m"),
        ("micrograph.title", "--image-title"),
        ("micrograph.window", "--window"),
        ("micrograph.step", "--window-step"),
        ("micrograph.k", "--components"),
        ("micrograph.all_windows", "--all-windows/--one-window"),
        ("micrograph.luminance", "--luminance/--no-luminance"),
        ("micrograph.keep_data_bar", "--keep-data-bar/--cut-data-bar"),
    )

    @property
    def fields(self) -> FieldTable:
        """Return what study.h5 holds; see `Analysis.fields`."""
        from umlpsd_gpu.analyses.micrographs.fields import TABLE

        return TABLE

    @property
    def watched_suffixes(self) -> tuple[str, ...]:
        """Suffixes of micrographs; see `Analysis.watched_suffixes`."""
        from umlpsd_gpu.images.open import SUFFIXES

        return SUFFIXES

    def open(self, names: Sequence[str], settings: MicrographsSettings) -> MicrographSource:
        """Open a micrograph; see `Analysis.open`."""
        from umlpsd_gpu.analyses.micrographs.source import open_source

        return open_source(names, settings.micrograph)

    def files_of(self, source: MicrographSource) -> tuple[Path, ...]:
        """Return the file of a micrograph; see `Analysis.files_of`."""
        return (source.path,)

    def describe(self, source: MicrographSource) -> Description:
        """Describe a micrograph; see `Analysis.describe`."""
        from umlpsd_gpu.analyses.micrographs.describe import describe_source

        return describe_source(source)

    def predict(self, source: MicrographSource, with_report: bool = True) -> Prediction:
        """Predict memory and time; see `Analysis.predict`."""
        from umlpsd_gpu.analyses.micrographs.describe import predict_source

        return predict_source(source, with_report)

    def run(
        self, source: MicrographSource, settings: MicrographsSettings, context: Context
    ) -> MicrographStudy:
        """Analyse a micrograph; see `Analysis.run`."""
        from umlpsd_gpu.analyses.micrographs.workflow import analyse

        return analyse(source, settings, context)

    def result_type(self) -> type[MicrographStudy]:
        """Return `MicrographStudy`; see `Analysis.result_type`."""
        from umlpsd_gpu.analyses.micrographs.result import MicrographStudy

        return MicrographStudy

    def summary(self, result: MicrographStudy) -> dict[str, Any]:
        """Return the content of summary.json; see `Analysis.summary`."""
        from umlpsd_gpu.analyses.micrographs.tables import summary_of

        return summary_of(result)

    def write_tables(self, result: MicrographStudy, folder: Path) -> None:
        """Write spots.csv and two OME-TIFF files; see `Analysis.write_tables`."""
        from umlpsd_gpu.analyses.micrographs.map_files import write_map_files
        from umlpsd_gpu.analyses.micrographs.tables import write_spots_csv

        write_spots_csv(result, folder / "spots.csv")
        write_map_files(result, folder)

    def contents(self, result: MicrographStudy) -> Contents:
        """Return tables, curves, images and places; see `Analysis.contents`."""
        from umlpsd_gpu.analyses.micrographs.contents import contents_of

        return contents_of(result)

    def figures(self, result: MicrographStudy) -> Sequence[FigurePlan]:
        """Return the figures; see `Analysis.figures`."""
        from umlpsd_gpu.analyses.micrographs.figures.plans import figures_of

        return figures_of(result)

    def write_documents(
        self, result: MicrographStudy, figures: Sequence[DrawnFigure], folder: Path
    ) -> None:
        """Write report.pdf; see `Analysis.write_documents`."""
        from umlpsd_gpu.analyses.micrographs.pdf import write_pdf

        write_pdf(result, figures, folder / "report.pdf")

    def page(self, result: MicrographStudy) -> Page:
        """Return the parts of the report; see `Analysis.page`."""
        from umlpsd_gpu.analyses.micrographs.page import page_of

        return page_of(result)

    def methods(self, result: MicrographStudy) -> MethodsText:
        """Describe how a study was made; see `Analysis.methods`."""
        from umlpsd_gpu.analyses.micrographs.methods import methods_of

        return methods_of(result)

    def checks(self, result: MicrographStudy) -> Sequence[str]:
        """Return what should be checked next; see `Analysis.checks`."""
        from umlpsd_gpu.analyses.micrographs.checks import checks_of

        return tuple(checks_of(result))

    def item(self, result: MicrographStudy, wanted: str) -> Item:
        """Return a window; see `Analysis.item`."""
        from umlpsd_gpu.analyses.micrographs.item import item_of

        return item_of(result, wanted)

    def compare(self, first: MicrographStudy, second: MicrographStudy) -> Comparison:
        """Compare two studies of the same data; see `Analysis.compare`."""
        from umlpsd_gpu.analyses.micrographs.compare import compare_studies

        return compare_studies(first, second)

    def explore(self, result: MicrographStudy) -> Explorer:
        """Return what can be clicked in the report; see `Analysis.explore`."""
        from umlpsd_gpu.analyses.micrographs.explore import explore_micrograph

        return explore_micrograph(result)

    def batch_columns(self) -> Sequence[Column]:
        """Return the columns in the table of a batch; see `Analysis.batch_columns`."""
        return (
            Column("k_opt", read_from_summary("k_opt"), "Local spectra", None, K_SPREAD),
            Column("p_value", read_from_summary("p_value"), "p-value"),
            Column("pixel_size_m", read_from_summary("pixel_size_m"), "Pixel (m)"),
        )

    def simulate_like(self, result: MicrographStudy, seed: int) -> MicrographSource:
        """Draw an image with the local spectra of a study; see `Analysis.simulate_like`."""
        from umlpsd_gpu.analyses.micrographs.validation import simulate_like

        return simulate_like(result, seed)

    def settings_like(self, result: MicrographStudy) -> MicrographsSettings:
        """Return the settings with the number of spectra fixed; see `Analysis.settings_like`."""
        from umlpsd_gpu.analyses.micrographs.validation import settings_like

        return settings_like(result)

    def compare_with(self, truth: MicrographStudy, found: MicrographStudy) -> Recovery:
        """Compare regions, spectra and spots with the truth; see `Analysis.compare_with`."""
        from umlpsd_gpu.analyses.micrographs.validation import compare_with

        return compare_with(truth, found)


MICROGRAPHS = Micrographs()
