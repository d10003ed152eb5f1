"""Curves as an analysis: every method of the protocol calls a module of this folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from umlpsd_gpu.analyses.curves.settings import CurveSettings
from umlpsd_gpu.analyses.findings import Findings, ignore_count
from umlpsd_gpu.analyses.protocol import Analysis, Column, Description, Prediction
from umlpsd_gpu.compute.context import Context

if TYPE_CHECKING:
    from umlpsd_gpu.analyses.comparing.comparison import Comparison
    from umlpsd_gpu.analyses.curves.result import CurveStudy
    from umlpsd_gpu.analyses.curves.source import CurveSource
    from umlpsd_gpu.analyses.items.item import Item
    from umlpsd_gpu.analyses.methods.methods import MethodsText
    from umlpsd_gpu.explorer.parts import Explorer
    from umlpsd_gpu.exports.contents import Contents
    from umlpsd_gpu.plotting.figures import FigurePlan
    from umlpsd_gpu.plotting.page_parts import Page
    from umlpsd_gpu.storage.field import FieldTable


class Curves(Analysis[Any, Any]):
    """The analysis of maps of current-voltage curves; its result is a `CurveStudy`."""

    name = "curves"
    title = "Curves"
    inputs = "maps"
    items = "curves"
    suffixes = (".3ds", ".ibw", ".i(v)_mtrx", ".gwy")
    settings = CurveSettings
    prediction_holds_for = "default settings"
    batch_caption = (
        "K is the number of clusters of curves; saturated curves reach the compliance in at least "
        "some points."
    )
    options = (
        ("curves.current_unit", "--current-unit"),
        ("curves.bias_unit", "--bias-unit"),
        ("curves.length_unit", "--length-unit"),
        ("curves.channel", "--current-channel"),
        ("curves.array", "--curve-array"),
        ("curves.bias_array", "--bias-array"),
        ("curves.bias_from_v", "--bias-from-v"),
        ("curves.bias_to_v", "--bias-to-v"),
        ("curves.invert_current", "--invert-current/--keep-current"),
        ("curves.n_rows", "--grid-rows"),
        ("curves.pixel_size_m", "--curve-pixel-m"),
        ("curves.layout", "--curve-layout"),
        ("curves.topography", "--topography"),
        ("conditioning.compliance_a", "--compliance-a"),
        ("quantities.temperature_k", "--temperature-k"),
        ("quantities.area_m2", "--area-m2"),
        ("quantities.richardson_a_m2_k2", "--richardson"),
    )

    @property
    def fields(self) -> FieldTable:
        """Return what study.h5 holds; see `Analysis.fields`."""
        from umlpsd_gpu.analyses.curves.fields import TABLE

        return TABLE

    def find(
        self,
        archive: str,
        settings: CurveSettings,
        is_skipped: Callable[[Path], bool],
        report: Callable[[int], None] = ignore_count,
    ) -> Findings:
        """Find the maps of an archive; see `Analysis.find`."""
        from umlpsd_gpu.analyses.curves.find_maps import find_maps

        return find_maps(archive, lambda name: self.open([name], settings), is_skipped, report)

    def claims(self, name: str) -> bool:
        """Return whether a file certainly holds curves; see `Analysis.claims`."""
        path = Path(name)
        if path.suffix.lower() == ".dat":
            from umlpsd_gpu.analyses.curves.reading.nanonis_text import is_spectrum

            return is_spectrum(path)
        return path.suffix.lower() in self.suffixes

    @property
    def watched_suffixes(self) -> tuple[str, ...]:
        """Suffixes of maps; see `Analysis.watched_suffixes`."""
        from umlpsd_gpu.analyses.curves.find_maps import MAP_SUFFIXES

        return MAP_SUFFIXES

    def open(self, names: Sequence[str], settings: CurveSettings) -> CurveSource:
        """Open a map of curves; see `Analysis.open`."""
        from umlpsd_gpu.analyses.curves.source import open_source

        return open_source(names, settings.curves)

    def accepts(self, description: Description, settings: CurveSettings) -> bool:
        """Return whether a map has enough curves; see `Analysis.accepts`."""
        from umlpsd_gpu.analyses.curves.describe import FEWEST_CURVES

        return bool(description.facts["n_recorded"] >= FEWEST_CURVES)

    def files_of(self, source: CurveSource) -> tuple[Path, ...]:
        """Return the files of a map; see `Analysis.files_of`."""
        return source.files

    def describe(self, source: CurveSource) -> Description:
        """Describe a map; see `Analysis.describe`."""
        from umlpsd_gpu.analyses.curves.describe import describe_source

        return describe_source(source)

    def predict(self, source: CurveSource, with_report: bool = True) -> Prediction:
        """Predict memory and time of a map; see `Analysis.predict`."""
        from umlpsd_gpu.analyses.curves.describe import predict_source

        return predict_source(source, with_report)

    def run(self, source: CurveSource, settings: CurveSettings, context: Context) -> CurveStudy:
        """Analyse a map; see `Analysis.run`."""
        from umlpsd_gpu.analyses.curves.workflow import analyse

        return analyse(source, settings, context)

    def result_type(self) -> type[CurveStudy]:
        """Return `CurveStudy`; see `Analysis.result_type`."""
        from umlpsd_gpu.analyses.curves.result import CurveStudy

        return CurveStudy

    def summary(self, result: CurveStudy) -> dict[str, Any]:
        """Return the content of summary.json; see `Analysis.summary`."""
        from umlpsd_gpu.analyses.curves.tables import summary_of

        return summary_of(result)

    def write_tables(self, result: CurveStudy, folder: Path) -> None:
        """Write curves.csv, clusters.csv and the maps; see `Analysis.write_tables`."""
        from umlpsd_gpu.analyses.curves.map_files import write_map_files
        from umlpsd_gpu.analyses.curves.tables import write_clusters_csv, write_curves_csv

        write_curves_csv(result, folder / "curves.csv")
        write_clusters_csv(result, folder / "clusters.csv")
        write_map_files(result, folder)

    def contents(self, result: CurveStudy) -> Contents:
        """Return tables, curves, images and places; see `Analysis.contents`."""
        from umlpsd_gpu.analyses.curves.contents import contents_of

        return contents_of(result)

    def figures(self, result: CurveStudy) -> Sequence[FigurePlan]:
        """Return the figures; see `Analysis.figures`."""
        from umlpsd_gpu.analyses.curves.figures.plans import figures_of

        return tuple(figures_of(result))

    def page(self, result: CurveStudy) -> Page:
        """Return the parts of the report; see `Analysis.page`."""
        from umlpsd_gpu.analyses.curves.page import page_of

        return page_of(result)

    def methods(self, result: CurveStudy) -> MethodsText:
        """Describe how a study was made; see `Analysis.methods`."""
        from umlpsd_gpu.analyses.curves.methods import methods_of

        return methods_of(result)

    def checks(self, result: CurveStudy) -> Sequence[str]:
        """Return what should be checked next; see `Analysis.checks`."""
        from umlpsd_gpu.analyses.curves.checks import checks_of

        return tuple(checks_of(result))

    def item(self, result: CurveStudy, wanted: str) -> Item:
        """Return a curve; see `Analysis.item`."""
        from umlpsd_gpu.analyses.curves.item import item_of

        return item_of(result, wanted)

    def compare(self, first: CurveStudy, second: CurveStudy) -> Comparison:
        """Compare two studies of the same data; see `Analysis.compare`."""
        from umlpsd_gpu.analyses.curves.compare import compare_studies

        return compare_studies(first, second)

    def explore(self, result: CurveStudy) -> Explorer:
        """Return what can be clicked in the report; see `Analysis.explore`."""
        from umlpsd_gpu.analyses.curves.explore import explore_curves

        return explore_curves(result)

    def batch_columns(self) -> Sequence[Column]:
        """Return the columns in the table of a batch; see `Analysis.batch_columns`."""
        from umlpsd_gpu.analyses.curves.batch_table import COLUMNS

        return COLUMNS


CURVES = Curves()
