"""Blinking as an analysis: every method of the protocol calls a module of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.findings import Findings, ignore_count
from umlpsd_gpu.analyses.protocol import (
    Analysis,
    BatchRow,
    Column,
    Description,
    Prediction,
    StoredResult,
)
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.movie.sources import TIFF_SUFFIXES
from umlpsd_gpu.traces.suffixes import FREE_TEXT_SUFFIXES, TABLE_SUFFIXES

if TYPE_CHECKING:
    from umlpsd_gpu.analyses.blinking.result import Study
    from umlpsd_gpu.analyses.comparing.comparison import Comparison
    from umlpsd_gpu.analyses.items.item import Item
    from umlpsd_gpu.analyses.methods.methods import MethodsText
    from umlpsd_gpu.explorer.parts import Explorer
    from umlpsd_gpu.exports.contents import Contents
    from umlpsd_gpu.movie.movie import Movie
    from umlpsd_gpu.plotting.figures import FigurePlan
    from umlpsd_gpu.plotting.page_parts import Page
    from umlpsd_gpu.plotting.publication import Journal
    from umlpsd_gpu.storage.field import FieldTable
    from umlpsd_gpu.traces.traces import Traces


class Blinking(Analysis[Any, Any]):
    """The analysis of movies or traces; its result is a `Study`."""

    name = "blinking"
    title = "Blinking"
    inputs = "movies"
    items = "traces"
    suffixes = (*TIFF_SUFFIXES, *TABLE_SUFFIXES)
    free_suffixes = FREE_TEXT_SUFFIXES
    settings = Settings
    preload = ("umlpsd_gpu.analyses.blinking.preload",)
    prediction_holds_for = "100 emitters, default settings"
    batch_caption = (
        "β is the exponent of the power spectral density S(f) ∝ f^−β: mean ± standard error over "
        "the traces of a cluster, with their number in brackets. The smoothing scale follows K."
    )
    options = (
        ("movie.dt_s", "--dt-s"),
        ("movie.pixel_size_um", "--pixel-size-um"),
        ("movie.channel", "--channel"),
        ("movie.position", "--position"),
        ("movie.z", "--z"),
        ("movie.time_axis", "--time-axis"),
        ("movie.join", "--join/--separate"),
        ("movie.missing_frames", "--missing-frames"),
        ("movie.allow_damaged", "--allow-damaged/--refuse-damaged"),
        ("traces.mode", "--traces"),
        ("traces.threshold", "--threshold"),
        ("traces.roi", "--roi"),
        ("traces.drift_correction", "--drift-correction/--no-drift-correction"),
        ("traces.unequal_lengths", "--unequal-lengths"),
        ("traces.array", "--array"),
        ("traces.sheet", "--sheet"),
        ("traces.layout", "--layout"),
        ("traces.decimal", "--decimal"),
        ("traces.encoding", "--encoding"),
        ("preprocess.scales", "--scales"),
        ("spectrum.method", "--psd"),
        ("spectrum.f_min_hz", "--f-min-hz"),
        ("spectrum.f_max_hz", "--f-max-hz"),
        ("spectrum.model", "--psd-model"),
    )

    @property
    def fields(self) -> FieldTable:
        """Return what study.h5 holds; see `Analysis.fields`."""
        from umlpsd_gpu.analyses.blinking.fields import TABLE

        return TABLE

    def find(
        self,
        archive: str,
        settings: Settings,
        is_skipped: Callable[[Path], bool],
        report: Callable[[int], None] = ignore_count,
    ) -> Findings:
        """Find the movies, or else the tables, of an archive; see `Analysis.find`."""
        from umlpsd_gpu.analyses.blinking.find_inputs import find_inputs

        return find_inputs(archive, settings, is_skipped, report)

    @property
    def watched_suffixes(self) -> tuple[str, ...]:
        """Suffixes of movies; see `Analysis.watched_suffixes`."""
        return tuple(TIFF_SUFFIXES)

    def is_part(self, reason: str) -> bool:
        """Return whether a file is one frame of a movie; see `Analysis.is_part`."""
        from umlpsd_gpu.analyses.blinking.find_movies import ONE_FRAME

        return reason == ONE_FRAME

    def open(self, names: Sequence[str], settings: Settings) -> list[Movie] | Traces:
        """Open movies, or read tables of traces; see `Analysis.open`."""
        from umlpsd_gpu.analyses.blinking.open import open_sources

        return open_sources(names, settings)

    def accept_damage(self, settings: Settings) -> Settings:
        """Return settings that also open damaged movies; see `Analysis.accept_damage`."""
        return settings.with_values({"movie.allow_damaged": True})

    def accepts(self, description: Description, settings: Settings) -> bool:
        """Return whether a movie can be analysed; see `Analysis.accepts`."""
        n_frames: int = description.facts["n_frames"]
        return description.is_whole or (settings.movie.allow_damaged and n_frames > 0)

    def list_warnings(self, facts: Sequence[Mapping[str, Any]]) -> list[str]:
        """Count movies without a frame interval; see `Analysis.list_warnings`."""
        n_unknown = sum(movie["dt_s"] is None for movie in facts)
        if not n_unknown:
            return []
        return [f"{n_unknown} have no frame interval and will fail; give it with --dt-s."]

    def files_of(self, source: list[Movie] | Traces) -> tuple[Path, ...]:
        """Return the files of movies or tables; see `Analysis.files_of`."""
        from umlpsd_gpu.analyses.blinking.find_movies import files_of

        if not isinstance(source, list):
            return source.files
        return tuple(file for movie in source for file in files_of(movie))

    def describe(self, source: list[Movie] | Traces) -> Description:
        """Describe one movie or a table of traces; see `Analysis.describe`."""
        from umlpsd_gpu.analyses.blinking.describe import describe_movie, describe_traces

        return describe_movie(source[0]) if isinstance(source, list) else describe_traces(source)

    def predict(self, source: list[Movie] | Traces, with_report: bool = True) -> Prediction:
        """Predict memory and time of a movie or a table; see `Analysis.predict`."""
        from umlpsd_gpu.analyses.blinking.prediction import predict, predict_traces

        if not isinstance(source, list):
            return predict_traces(source, with_report)
        (movie,) = source
        return predict(movie, with_report)

    def run(self, source: list[Movie] | Traces, settings: Settings, context: Context) -> Study:
        """Analyse one ensemble; see `Analysis.run`."""
        from umlpsd_gpu.analyses.blinking.workflow import analyse

        return analyse(source, settings, context)

    def result_type(self) -> type[Study]:
        """Return `Study`; see `Analysis.result_type`."""
        from umlpsd_gpu.analyses.blinking.result import Study

        return Study

    def summary(self, result: Study) -> dict[str, Any]:
        """Return the content of summary.json; see `Analysis.summary`."""
        from umlpsd_gpu.analyses.blinking.tables import summary_of

        return summary_of(result)

    def write_tables(self, result: Study, folder: Path) -> None:
        """Write traces.csv and the maps; see `Analysis.write_tables`."""
        from umlpsd_gpu.analyses.blinking.map_files import write_map_files
        from umlpsd_gpu.analyses.blinking.tables import write_traces_csv

        write_traces_csv(result, folder / "traces.csv")
        write_map_files(result, folder)

    def contents(self, result: Study) -> Contents:
        """Return tables, curves, images and places; see `Analysis.contents`."""
        from umlpsd_gpu.analyses.blinking.contents import contents_of

        return contents_of(result)

    def figures(self, result: Study) -> Sequence[FigurePlan]:
        """Return the figures; see `Analysis.figures`."""
        from umlpsd_gpu.analyses.blinking.figures.plans import figure_plans

        return tuple(figure_plans(result))

    def page(self, result: Study) -> Page:
        """Return the parts of the report; see `Analysis.page`."""
        from umlpsd_gpu.analyses.blinking.page import page_of

        return page_of(result)

    def methods(self, result: Study) -> MethodsText:
        """Describe how a study was made; see `Analysis.methods`."""
        from umlpsd_gpu.analyses.blinking.methods import methods_of

        return methods_of(result)

    def checks(self, result: Study) -> Sequence[str]:
        """Return what should be checked next; see `Analysis.checks`."""
        from umlpsd_gpu.analyses.blinking.checks import checks_of

        return tuple(checks_of(result))

    def item(self, result: Study, wanted: str) -> Item:
        """Return a trace; see `Analysis.item`."""
        from umlpsd_gpu.analyses.blinking.item import item_of

        return item_of(result, wanted)

    def publication_figures(self, result: Study, journal: Journal) -> Sequence[FigurePlan]:
        """Return figures 1 to 4 for a paper; see `Analysis.publication_figures`."""
        from umlpsd_gpu.analyses.blinking.figures.publication import publication_plans

        return tuple(publication_plans(result, journal))

    def compare(self, first: Study, second: Study) -> Comparison:
        """Compare two studies of the same data; see `Analysis.compare`."""
        from umlpsd_gpu.analyses.blinking.compare import compare_studies

        return compare_studies(first, second)

    def explore(self, result: Study) -> Explorer:
        """Return what can be clicked in the report; see `Analysis.explore`."""
        from umlpsd_gpu.analyses.blinking.explore import explore_study

        return explore_study(result)

    def answer(self, result: Study) -> Iterable[Any]:
        """Yield what the terminal shows; see `Analysis.answer`."""
        from umlpsd_gpu.analyses.blinking.answer import answer

        return answer(result)

    def batch_columns(self) -> Sequence[Column]:
        """Return the columns in the table of a batch; see `Analysis.batch_columns`."""
        from umlpsd_gpu.analyses.blinking.batch_table import COLUMNS

        return COLUMNS

    def batch_figures(self, rows: Sequence[BatchRow]) -> Sequence[FigurePlan]:
        """Return the figures of a batch; see `Analysis.batch_figures`."""
        from umlpsd_gpu.analyses.blinking.figures.batch import batch_figures

        return tuple(batch_figures(rows))

    def open_pooled(self, parts: Sequence[StoredResult], settings: Settings) -> Traces:
        """Read the raw traces of studies into one ensemble; see `Analysis.open_pooled`."""
        from umlpsd_gpu.analyses.blinking.pooled import pooled_traces

        return pooled_traces(parts, settings)

    def pooled_size(self, parts: Sequence[StoredResult], settings: Settings) -> tuple[int, float]:
        """Return the size of pooled studies; see `Analysis.pooled_size`."""
        from umlpsd_gpu.analyses.blinking.pooled import pooled_size

        return pooled_size(parts, settings)

    def write_pooled_tables(self, result: Study, folder: Path) -> None:
        """Write classes.csv; see `Analysis.write_pooled_tables`."""
        from umlpsd_gpu.analyses.blinking.pooled import write_classes

        write_classes(result, folder)


BLINKING = Blinking()
