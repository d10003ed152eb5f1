"""Pooling an archive: what the traces are, in bounded memory, and what is refused."""

import csv

import numpy as np
import pytest

from tests.support.batches import QUICK, ids_of, make_archive, make_batch, write_movie
from umlpsd_gpu.analyses.blinking.pooled import CLASSES_COLUMNS, pooled_traces
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.workflow import run_study
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.options import RunOptions
from umlpsd_gpu.batch.pool import find_finished_results, pool_batch
from umlpsd_gpu.batch.runner import run_batch
from umlpsd_gpu.errors import SettingsError, TracesError, UmlpsdError
from umlpsd_gpu.storage.blocks import is_spooled
from umlpsd_gpu.traces.pool import pool_traces


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    place = tmp_path_factory.mktemp("pool")
    make_archive(place / "archive", 3)
    make_archive(place / "archive" / "again", 1)  # the same name in another folder
    (place / "archive" / "broken.tif").write_bytes(b"II*\x00")
    make_batch(place / "archive", place / "out")
    run_batch(place / "out", RunOptions(n_workers=2))
    return place / "out"


@pytest.fixture(scope="module")
def pooled(out):
    pool_batch(out, out / "pooled")
    return out / "pooled"


def studies_in(out):
    folder = BatchFolder.at(out)
    done = [folder.result(movie_id) / "study" for movie_id in ids_of(out)]
    return [Study.load(study) for study in done if study.exists()]


class TestTraces:
    def test_are_those_of_all_studies_one_after_the_other(self, out):
        studies = studies_in(out)
        expected = pool_traces([study.traces for study in studies])
        found = pooled_traces(find_finished_results(out))
        np.testing.assert_array_equal(found.values, expected.values)
        np.testing.assert_array_equal(found.rows, expected.rows)
        np.testing.assert_array_equal(found.cols, expected.cols)
        assert found.ids == expected.ids
        assert found.dt_s == expected.dt_s
        assert found.history[-1] == "pooled from the studies of 4 movies"

    def test_each_names_its_movie_within_the_archive(self, out):
        found = pooled_traces(find_finished_results(out))
        movies = set(found.source)
        assert {"movie_0.tif", "again/movie_0.tif"} < movies
        assert len(movies) == 4

    def test_beyond_the_memory_they_lie_in_a_file_with_the_same_values(self, out):
        small = QUICK.with_values({"traces.memory_mb": 0.01})
        parts = find_finished_results(out)
        spooled, plain = pooled_traces(parts, small), pooled_traces(parts)
        assert is_spooled(spooled.values)
        assert not is_spooled(plain.values)
        np.testing.assert_array_equal(spooled.values, plain.values)

    def test_of_unequal_length_are_refused_or_cut(self, tmp_path):
        write_movie(tmp_path / "archive" / "long.tif", n_frames=420)
        write_movie(tmp_path / "archive" / "short.tif", seed=1)
        make_batch(tmp_path / "archive", tmp_path / "out")
        run_batch(tmp_path / "out", RunOptions(n_workers=2))
        parts = find_finished_results(tmp_path / "out")
        with pytest.raises(TracesError, match=r"short\.tif has 400 frames where long\.tif has 420"):
            pooled_traces(parts)
        cut = pooled_traces(parts, QUICK.with_values({"traces.unequal_lengths": "crop"}))
        assert cut.n_frames == 400
        assert cut.history[-1].endswith("cut to 400 frames")

    def test_of_a_damaged_study_are_told_in_a_sentence(self, tmp_path):
        make_archive(tmp_path / "archive", 1)
        make_batch(tmp_path / "archive", tmp_path / "out")
        run_batch(tmp_path / "out", RunOptions(n_workers=1))
        (file,) = (tmp_path / "out").rglob("study.h5")
        file.write_bytes(file.read_bytes()[:500])
        with pytest.raises(UmlpsdError, match=r"study\.h5 can't be read"):
            pooled_traces(find_finished_results(tmp_path / "out"))

    def test_nothing_finished_is_told(self, tmp_path):
        make_archive(tmp_path / "archive", 1)
        make_batch(tmp_path / "archive", tmp_path / "out")
        with pytest.raises(SettingsError, match=r"no result of .* is finished"):
            find_finished_results(tmp_path / "out")


class TestStudy:
    def test_is_that_of_the_pooled_traces(self, out, pooled):
        study = Study.load(pooled)
        expected = run_study(pooled_traces(find_finished_results(out)), QUICK)
        np.testing.assert_array_equal(study.labels, expected.labels)
        np.testing.assert_array_equal(study.fit.beta, expected.fit.beta)
        assert study.decision.k_opt == expected.decision.k_opt
        assert (pooled / "report.html").exists()

    def test_tells_the_classes_movie_by_movie(self, pooled):
        study = Study.load(pooled)
        with (pooled / "classes.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert tuple(rows[0]) == CLASSES_COLUMNS
        source = np.array(study.traces.source)
        assert len(rows) == 4 * len(study.clusters.clusters)
        for row in rows:
            members = (source == row["movie"]) & (study.labels == int(row["cluster"]))
            assert int(row["n_traces"]) == members.sum()
            beta = study.fit.beta[members]
            beta = beta[np.isfinite(beta)]
            assert int(row["n_beta"]) == len(beta)
            if len(beta):
                assert float(row["beta_mean"]) == pytest.approx(beta.mean())
            if len(beta) > 1:
                assert float(row["beta_stderr"]) == pytest.approx(
                    beta.std(ddof=1) / len(beta) ** 0.5
                )
        by_movie = [r for r in rows if r["movie"] == "movie_1.tif"]
        assert sum(float(r["percent_of_movie"]) for r in by_movie) == pytest.approx(100, abs=0.02)
