"""Somebody else's analysis: a matrix of curves in an .npy file → clusters."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from umlpsd_gpu.analyses.protocol import Analysis, Description, Prediction
from umlpsd_gpu.analyses.result import Result
from umlpsd_gpu.clustering.cluster import Clustering, cluster
from umlpsd_gpu.clustering.fields import CLUSTERING_FIELDS, clustering_from, clustering_groups
from umlpsd_gpu.compute.versions import recorded_versions
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.plotting.page_parts import Page, Section
from umlpsd_gpu.settings import AnalysisSettings
from umlpsd_gpu.settings import Section as SettingsSection
from umlpsd_gpu.storage.field import FieldTable


class MatrixSettings(SettingsSection):
    n_columns: int | None = None


class Settings(AnalysisSettings):
    analysis: ClassVar[str] = "matrix"
    matrix: MatrixSettings = MatrixSettings()


@dataclass(frozen=True)
class Clusters(Result):
    analysis: ClassVar[str] = "matrix"
    clustering: Clustering
    settings: Settings
    notes: tuple[str, ...]
    timings_s: dict[str, float]
    device: str
    versions: dict[str, str]


class Matrix(Analysis):
    name, title, inputs, suffixes, settings = "matrix", "Matrix", "matrices", (".npy",), Settings
    fields = FieldTable(
        CLUSTERING_FIELDS,
        lambda result: clustering_groups(result.clustering),
        lambda values, groups: {"clustering": clustering_from(values)},
    )

    def open(self, names, settings):
        try:
            (values,) = (np.load(name, mmap_mode="r") for name in names)
        except (OSError, ValueError) as error:
            raise TracesError(
                f"{', '.join(names)}: no matrix ({error}); give one .npy file"
            ) from error
        return Path(names[0]), values[:, : settings.matrix.n_columns]

    def files_of(self, source):
        return (source[0],)

    def describe(self, source):
        rows, columns = source[1].shape
        return Description("whole", "", f"{rows} × {columns}", (("shape", f"{rows} × {columns}"),))

    def predict(self, source, with_report=True):
        return Prediction(memory_mb=200.0, duration_s=1.0)

    def run(self, source, settings, context):
        found = cluster({"values": source[1]}, settings, context)
        seconds, versions = context.clock.seconds, recorded_versions(context.device)
        return Clusters(found, settings, (), seconds, context.device, versions)

    def result_type(self):
        return Clusters

    def summary(self, result):
        decision = result.clustering.decision
        return {"k_opt": decision.k_opt, "confidence": decision.confidence}

    def page(self, result):
        decision, labels = result.clustering.decision, result.clustering.labels
        sizes = [(k, int((labels == k).sum())) for k in range(1, decision.k_opt + 1)]
        table = Section.of_table("Clusters", ("Cluster", "Curves"), sizes)
        return Page("Matrix", f"{decision.k_opt} clusters", decision.reason, sections=(table,))


MATRIX = Matrix()
