"""The data files of a study: round trip, the same bytes again, documented, damage named."""

import csv
import dataclasses
import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.support.studies import make_study, small_study
from umlpsd_gpu.analyses.blinking.fields import FIELDS, TABLE
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.blinking.trace_table import trace_table
from umlpsd_gpu.analyses.saving import digest_of_result, save_result
from umlpsd_gpu.errors import UmlpsdError

SUMMARY_KEYS = {
    *("k_opt", "scale", "confidence", "votes", "rule", "reason", "n_traces", "n_clustered"),
    *("n_frames", "dt_s", "dt_origin", "clusters", "notes", "timings_s", "device", "versions"),
    *("seed", "digest", "outliers"),
}


@pytest.fixture(scope="module")
def study() -> Study:
    return small_study()


def assert_equal(one: object, other: object) -> None:
    """Compare nouns attribute by attribute, arrays with their dtypes, NaN equal to NaN."""
    assert type(one) is type(other)
    if dataclasses.is_dataclass(one):
        for name in vars(one):
            assert_equal(getattr(one, name), getattr(other, name))
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_equal(left, right)
    else:
        assert one == other or (one != one and other != other)


class TestRoundTrip:
    @pytest.mark.parametrize("kind", ["emitters", "pixels", "imported"])
    @pytest.mark.parametrize("n_clusters", [1, 3])
    def test_every_attribute_comes_back(self, place: Path, kind: str, n_clusters: int) -> None:
        study = small_study(kind=kind, n_clusters=n_clusters)
        assert_equal(Study.load(study.save(place / "a")), study)

    def test_three_traces(self, place: Path) -> None:
        study = make_study(n_traces=3, n_flagged=0, n_clusters=2, n_frames=241)
        assert_equal(Study.load(save_result(study, place / "tiny")), study)

    def test_float32_traces_stay_float32(self, place: Path, study: Study) -> None:
        traces = study.traces.with_values(study.traces.values.astype(np.float32), "to float32")
        loaded = Study.load(save_result(dataclasses.replace(study, traces=traces), place / "a"))
        assert loaded.traces.values.dtype == np.float32

    def test_settings_that_were_set_come_back(self, place: Path, study: Study) -> None:
        settings = Settings().with_values({"movie.dt_s": 0.1, "n_threads": 2})
        loaded = Study.load(save_result(dataclasses.replace(study, settings=settings), place / "a"))
        assert loaded.settings == settings

    def test_names_that_hdf5_text_cannot_hold_are_mended(self, place: Path, study: Study) -> None:
        ids = ("no\0zero", os.fsdecode(b"caf\xe9.tif"), "β \U0001f52c", *study.traces.ids[3:])
        traces = dataclasses.replace(study.traces, ids=ids)
        loaded = Study.load(save_result(dataclasses.replace(study, traces=traces), place / "a"))
        assert loaded.traces.ids[0] == "no�zero"
        assert loaded.traces.ids[1].startswith("caf�")
        assert loaded.traces.ids[2:] == ids[2:]


class TestStudyH5:
    def test_same_study_same_bytes(self, place: Path) -> None:
        for name in ("a", "b"):
            small_study().save(place / name)
        first, second = ((place / name / "study.h5").read_bytes() for name in ("a", "b"))
        assert first == second

    def test_timings_and_threads_change_nothing(self, place: Path, study: Study) -> None:
        slower = dataclasses.replace(
            study,
            timings_s={"sweep": 99.0},
            settings=study.settings.with_values(
                {"n_threads": 1, "device": "cpu", "movie.memory_mb": 1}
            ),
        )
        study.save(place / "a")
        slower.save(place / "b")
        assert (place / "a/study.h5").read_bytes() == (place / "b/study.h5").read_bytes()
        assert digest_of_result(study) == digest_of_result(slower)

    @pytest.mark.parametrize("change", ["labels", "settings", "votes", "name"])
    def test_digest_sees_every_change(self, study: Study, change: str) -> None:
        decision = dataclasses.replace(study.decision, votes={"silhouette break": 4})
        traces = dataclasses.replace(study.traces, ids=("other", *study.traces.ids[1:]))
        changed = {
            "labels": dataclasses.replace(study, labels=study.labels[::-1]),
            "settings": dataclasses.replace(
                study, settings=study.settings.with_values({"spectrum.method": "welch"})
            ),
            "votes": dataclasses.replace(study, decision=decision),
            "name": dataclasses.replace(study, traces=traces),
        }
        assert digest_of_result(changed[change]) != digest_of_result(study)

    def test_every_dataset_explains_itself(self, place: Path, study: Study) -> None:
        study.save(place / "a")
        seen = []

        def look(name: str, item: h5py.Dataset | h5py.Group) -> None:
            if isinstance(item, h5py.Dataset):
                seen.append(name)
                assert item.attrs["description"]
                is_text = h5py.check_string_dtype(item.dtype) is not None
                assert ("unit" in item.attrs) != is_text
                assert len(item.attrs.get("dims", "").split(",")) == max(item.ndim, 1)

        with h5py.File(place / "a/study.h5") as file:
            file.visititems(look)
            assert file.attrs["format_version"] == 3
            assert file.attrs["umlpsd_version"] == study.versions["umlpsd_gpu"]
            assert file["sweeps/W80/labels"].compression == "gzip"
        assert sorted(seen) == sorted(path for path, _, _ in TABLE.stored(study))

    def test_documentation_tabulates_every_field(self, study: Study) -> None:
        text = (Path(__file__).parents[3] / "docs" / "file_formats.md").read_text("utf-8")
        rows = [row.split("|") for row in text.splitlines() if row.startswith("| `")]
        documented = {
            row[1].strip(" `"): (row[2].strip(), row[3].strip()) for row in rows if len(row) > 4
        }
        for field in FIELDS:
            path = field.path.replace("movies/*", "movies/<n>").replace(
                "sweeps/*", "sweeps/<scale>"
            )
            path = path.replace("maps/*", "maps/<treatment>")
            assert documented[path] == (field.dims or "–", field.unit or "text")
        for column in trace_table(study).columns:
            assert column.name in documented


class TestSmallFiles:
    def test_traces_csv(self, place: Path, study: Study) -> None:
        study.save(place / "a")
        with (place / "a/traces.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == [column.name for column in trace_table(study).columns]
        assert [row["id"] for row in rows] == list(study.traces.ids)
        assert [int(row["cluster"]) for row in rows] == study.labels.tolist()
        assert float(rows[0]["beta"]) == study.fit.beta[0]
        assert float(rows[0]["label_uncertainty"]) == study.label_uncertainty[0]
        assert float(rows[0]["outlier_score"]) == study.outliers.score[0]
        assert [int(row["outlier"]) for row in rows] == study.outliers.is_outlier.tolist()
        without = [int(row["cluster_without_outliers"]) for row in rows]
        assert without == study.outliers.labels.tolist()
        assert rows[-1]["outlier_score"] == rows[-1]["label_uncertainty"] == ""
        assert [row["flag"] for row in rows[-3:]] == ["", "not finite", "constant"]
        assert rows[-1]["beta"] == ""

    def test_summary_json(self, place: Path, study: Study) -> None:
        study.save(place / "a")
        summary = json.loads((place / "a/summary.json").read_text("utf-8"))
        assert summary.keys() >= SUMMARY_KEYS
        assert summary["k_opt"] == 3
        assert summary["n_clustered"] == 21
        assert summary["votes"] == study.decision.votes
        assert summary["clusters"][0]["beta_mean"] == study.clusters.beta_mean[0]
        assert sum(cluster["n_traces"] for cluster in summary["clusters"]) == 21
        assert summary["digest"] == digest_of_result(study)
        n_outliers = int(study.outliers.is_outlier.sum())
        assert n_outliers > 0
        assert summary["outliers"] == {
            "n_outliers": n_outliers,
            "threshold": 3.0,
            "false_positive_rate": 0.05,
        }
        assert sum(cluster["n_outliers"] for cluster in summary["clusters"]) == n_outliers

    def test_nan_is_null(self, place: Path) -> None:
        one_cluster = small_study(n_clusters=1)
        too_few = dataclasses.replace(one_cluster.outliers, threshold=np.inf)
        dataclasses.replace(one_cluster, outliers=too_few).save(place / "a")
        summary = json.loads((place / "a/summary.json").read_text("utf-8"))
        assert summary["clusters"][0]["silhouette_mean"] is None
        assert summary["outliers"]["threshold"] is None
        assert summary["outliers"]["n_outliers"] == 0
        assert Study.load(place / "a").outliers.threshold == np.inf

    def test_dt_of_imported_traces(self, place: Path) -> None:
        small_study(kind="imported").save(place / "a")
        summary = json.loads((place / "a/summary.json").read_text("utf-8"))
        assert summary["dt_origin"] == "given with the traces"


class TestDamage:
    def test_no_study(self, place: Path) -> None:
        for folder in (place, place / "missing"):
            with pytest.raises(UmlpsdError, match="is no study folder"):
                Study.load(folder)

    @pytest.mark.parametrize("name", ["study.h5", "settings.toml"])
    def test_missing_file(self, place: Path, study: Study, name: str) -> None:
        (study.save(place / "a") / name).unlink()
        with pytest.raises(UmlpsdError, match="is damaged"):
            Study.load(place / "a")

    @pytest.mark.parametrize("part", [0.0, 0.3, 0.99])
    def test_truncated_file(self, place: Path, study: Study, part: float) -> None:
        file = study.save(place / "a") / "study.h5"
        whole = file.read_bytes()
        file.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(UmlpsdError, match="is damaged"):
            Study.load(place / "a")

    def test_changed_number(self, place: Path, study: Study) -> None:
        with h5py.File(study.save(place / "a") / "study.h5", "r+") as file:
            file["fit/beta"][0] = 1.0
        with pytest.raises(UmlpsdError, match="was changed after it was written"):
            Study.load(place / "a")

    def test_missing_field(self, place: Path, study: Study) -> None:
        with h5py.File(study.save(place / "a") / "study.h5", "r+") as file:
            del file["fit/beta"]
        with pytest.raises(UmlpsdError, match="is damaged"):
            Study.load(place / "a")

    def test_other_format_version(self, place: Path, study: Study) -> None:
        with h5py.File(study.save(place / "a") / "study.h5", "r+") as file:
            file.attrs["format_version"] = 99
        with pytest.raises(UmlpsdError, match="99"):
            Study.load(place / "a")
