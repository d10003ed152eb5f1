"""Particles as an analysis: every method of the protocol calls a module of this folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from umlpsd_gpu.analyses.batch_protocol import K_SPREAD, read_from_summary
from umlpsd_gpu.analyses.particles.settings import ParticlesSettings
from umlpsd_gpu.analyses.protocol import (
    Analysis,
    Column,
    Description,
    Prediction,
    StoredResult,
)
from umlpsd_gpu.compute.context import Context

if TYPE_CHECKING:
    from umlpsd_gpu.analyses.comparing.comparison import Comparison
    from umlpsd_gpu.analyses.items.item import Item
    from umlpsd_gpu.analyses.methods.methods import MethodsText
    from umlpsd_gpu.analyses.particles.pooled import PooledParticles
    from umlpsd_gpu.analyses.particles.result import ParticleStudy
    from umlpsd_gpu.analyses.particles.source import ParticleSource
    from umlpsd_gpu.explorer.parts import Explorer
    from umlpsd_gpu.exports.contents import Contents
    from umlpsd_gpu.plotting.figures import FigurePlan
    from umlpsd_gpu.plotting.page_parts import Page
    from umlpsd_gpu.storage.field import FieldTable


# Means of samples that differ by less are alike
MEAN_SPREAD_NM = 0.05


class Particles(Analysis[Any, Any]):
    """The analysis of nanocrystals in micrographs; its result is a `ParticleStudy`."""

    name = "particles"
    title = "Particles"
    inputs = "micrographs"
    items = "particles"
    settings = ParticlesSettings
    prediction_holds_for = "300 particles an image"
    batch_caption = (
        "Particles that count, their mean diameter and relative standard deviation; classes: 1 "
        "means none."
    )
    options = (
        ("particle.nm_per_px", "--nm-per-px"),
        ("particle.bar_nm", "--bar-nm"),
        ("particle.title", "--image-title"),
        ("particle.luminance", "--luminance/--no-luminance"),
        ("segmentation.polarity", "--polarity"),
        ("segmentation.method", "--find-by"),
        ("segmentation.size_px", "--diameter-px"),
        ("particle.labels", "--labels"),
        ("particle.shapes", "--shapes"),
        ("particle.features", "--features"),
        ("particle.classifier", "--classifier"),
    )

    @property
    def fields(self) -> FieldTable:
        """Return what study.h5 holds; see `Analysis.fields`."""
        from umlpsd_gpu.analyses.particles.fields import TABLE

        return TABLE

    @property
    def watched_suffixes(self) -> tuple[str, ...]:
        """Suffixes of micrographs; see `Analysis.watched_suffixes`."""
        from umlpsd_gpu.images.open import SUFFIXES

        return SUFFIXES

    def open(self, names: Sequence[str], settings: ParticlesSettings) -> ParticleSource:
        """Open micrographs; see `Analysis.open`."""
        from umlpsd_gpu.analyses.particles.source import open_source

        return open_source(names, settings)

    def files_of(self, source: ParticleSource) -> tuple[Path, ...]:
        """Return the files of micrographs; see `Analysis.files_of`."""
        return tuple(image.path for image in source.images)

    def describe(self, source: ParticleSource) -> Description:
        """Describe micrographs; see `Analysis.describe`."""
        from umlpsd_gpu.analyses.particles.describe import describe_source

        return describe_source(source)

    def predict(self, source: ParticleSource, with_report: bool = True) -> Prediction:
        """Predict memory and time; see `Analysis.predict`."""
        from umlpsd_gpu.analyses.particles.describe import predict_source

        return predict_source(source, with_report)

    def run(
        self, source: ParticleSource, settings: ParticlesSettings, context: Context
    ) -> ParticleStudy:
        """Analyse micrographs; see `Analysis.run`."""
        from umlpsd_gpu.analyses.particles.workflow import analyse

        return analyse(source, settings, context)

    def result_type(self) -> type[ParticleStudy]:
        """Return `ParticleStudy`; see `Analysis.result_type`."""
        from umlpsd_gpu.analyses.particles.result import ParticleStudy

        return ParticleStudy

    def summary(self, result: ParticleStudy) -> dict[str, Any]:
        """Return the content of summary.json; see `Analysis.summary`."""
        from umlpsd_gpu.analyses.particles.tables import summary_of

        return summary_of(result)

    def write_tables(self, result: ParticleStudy, folder: Path) -> None:
        """Write tables, label images and the classifier; see `Analysis.write_tables`."""
        from umlpsd_gpu.analyses.particles.classes import write_classifier
        from umlpsd_gpu.analyses.particles.map_files import write_label_files
        from umlpsd_gpu.analyses.particles.tables import write_particles_csv, write_sizes_csv

        write_particles_csv(result, folder / "particles.csv")
        write_sizes_csv(result, folder / "sizes.csv")
        write_label_files(result, folder)
        write_classifier(result, folder / "classifier.h5")

    def contents(self, result: ParticleStudy) -> Contents:
        """Return tables, curves, images and places; see `Analysis.contents`."""
        from umlpsd_gpu.analyses.particles.contents import contents_of

        return contents_of(result)

    def figures(self, result: ParticleStudy) -> Sequence[FigurePlan]:
        """Return the figures; see `Analysis.figures`."""
        from umlpsd_gpu.analyses.particles.figures.plans import figures_of

        return tuple(figures_of(result))

    def page(self, result: ParticleStudy) -> Page:
        """Return the parts of the report; see `Analysis.page`."""
        from umlpsd_gpu.analyses.particles.page import page_of

        return page_of(result)

    def methods(self, result: ParticleStudy) -> MethodsText:
        """Describe how a study was made; see `Analysis.methods`."""
        from umlpsd_gpu.analyses.particles.methods import methods_of

        return methods_of(result)

    def checks(self, result: ParticleStudy) -> Sequence[str]:
        """Return what should be checked next; see `Analysis.checks`."""
        from umlpsd_gpu.analyses.particles.checks import checks_of

        return tuple(checks_of(result))

    def item(self, result: ParticleStudy, wanted: str) -> Item:
        """Return a particle; see `Analysis.item`."""
        from umlpsd_gpu.analyses.particles.item import item_of

        return item_of(result, wanted)

    def explore(self, result: ParticleStudy) -> Explorer:
        """Return what can be clicked in the report; see `Analysis.explore`."""
        from umlpsd_gpu.analyses.particles.explore import explore_particles

        return explore_particles(result)

    def open_pooled(
        self, parts: Sequence[StoredResult], settings: ParticlesSettings
    ) -> PooledParticles:
        """Read the particles of studies into one ensemble; see `Analysis.open_pooled`."""
        from umlpsd_gpu.analyses.particles.pooled import pool_studies

        return pool_studies(parts, settings)

    def pooled_size(
        self, parts: Sequence[StoredResult], settings: ParticlesSettings
    ) -> tuple[int, float]:
        """Return the size of pooled studies; see `Analysis.pooled_size`."""
        from umlpsd_gpu.analyses.particles.class_features import SETS
        from umlpsd_gpu.analyses.particles.pooled import pooled_size

        return pooled_size(parts, len(SETS[settings.particle.features]))

    def compare(self, first: ParticleStudy, second: ParticleStudy) -> Comparison:
        """Compare two samples; see `Analysis.compare`."""
        from umlpsd_gpu.analyses.particles.compare import compare_studies

        return compare_studies(first, second)

    def batch_columns(self) -> Sequence[Column]:
        """Return the columns in the table of a batch; see `Analysis.batch_columns`."""
        return (
            Column("n_counted", read_from_summary("n_counted"), "Particles"),
            Column("mean_nm", _main("mean"), "Mean (nm)", _show_mean, MEAN_SPREAD_NM),
            Column("sd_nm", _main("sd")),
            Column("relative_sd", _main("relative_sd"), "SD/mean", _show_relative),
            Column("k_opt", read_from_summary("k_opt"), "Classes", None, K_SPREAD),
        )


def _main(name: str) -> Callable[[Mapping[str, Any], Mapping[str, Any]], Any]:
    """Return the value of a column: a statistic of the main length of all particles."""

    def value(facts: Mapping[str, Any], summary: Mapping[str, Any]) -> Any:
        sizes = summary.get("sizes") or [{}]
        return sizes[0].get(name)

    return value


def _show_mean(facts: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    mean, sd = _main("mean")(facts, summary), _main("sd")(facts, summary)
    return "–" if mean is None or sd is None else f"{mean:.3g} ± {sd:.2g}"


def _show_relative(facts: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    relative = _main("relative_sd")(facts, summary)
    return "–" if relative is None else f"{100 * relative:.1f} %"


PARTICLES = Particles()
