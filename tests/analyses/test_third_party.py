"""An analysis of another package works with every command."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from umlpsd_gpu.analyses import registry
from umlpsd_gpu.batch.folder import STUDY
from umlpsd_gpu.batch.status import read_status
from umlpsd_gpu.storage.result_folder import read_summary

PACKAGE = Path(__file__).parents[1] / "support" / "third_party"
COMMAND = [sys.executable, "-c", "from umlpsd_gpu.cli.main import main; main()"]
QUICK = ["--analysis", "matrix", "--k-max", "5", "--epochs", "5", "--device", "cpu"]


def umlpsd(*arguments, **more):
    """Run the command line with the package installed."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
        **more,
    )


def environment():
    path = os.pathsep.join(filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path, "COLUMNS": "200"}


def write_matrix(path, seed=0, n_each=20):
    """Write two clouds of curves, far apart."""
    rng = np.random.default_rng(seed)
    centres = np.repeat([0.0, 8.0], n_each)[:, None]
    np.save(path, centres + rng.standard_normal((2 * n_each, 6)))
    return path


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    archive = tmp_path_factory.mktemp("matrices") / "archive"
    (archive / "below").mkdir(parents=True)
    for number in range(3):
        write_matrix(archive / f"matrix_{number}.npy", number)
    write_matrix(archive / "below" / "matrix_0.npy", 7)
    (archive / "broken.npy").write_text("no matrix")
    (archive / "readme.txt").write_text("not an input")
    return archive


@pytest.fixture(scope="module")
def batch(archive):
    out = archive.parent / "out"
    done = umlpsd("batch", "init", archive, out, *QUICK)
    assert done.returncode == 0, done.stderr
    assert "5 matrices" in done.stdout
    assert "1 can't be analysed" in done.stdout
    return out, umlpsd("batch", "run", out, "--workers", "2")


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.syspath_prepend(PACKAGE)
    registry._find_installed.cache_clear()
    registry.get_analysis.cache_clear()
    yield importlib.import_module("umlpsd_matrix")
    registry._find_installed.cache_clear()
    registry.get_analysis.cache_clear()


def test_check(archive):
    good, broken = archive / "matrix_0.npy", archive / "broken.npy"
    done = umlpsd("check", good, broken, "--analysis", "matrix")
    assert done.returncode == 1
    assert "40 × 6" in done.stdout
    assert "whole" in done.stdout
    assert "no matrix" in done.stdout


def test_run_writes_a_folder_that_loads(archive, tmp_path, installed):
    done = umlpsd("run", archive / "matrix_0.npy", "--out", tmp_path / "out", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "2 clusters" in done.stdout
    result = installed.Clusters.load(tmp_path / "out")
    assert sorted(np.bincount(result.clustering.labels)[1:]) == [20, 20]
    summary = read_summary(tmp_path / "out")
    assert (summary["analysis"], summary["k_opt"]) == ("matrix", 2)
    html = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "2 clusters" in html
    assert summary["digest"] in html


def test_settings_of_its_own_come_from_toml_and_set(archive, tmp_path):
    file = tmp_path / "matrix.toml"
    file.write_text('analysis = "matrix"\n[matrix]\nn_columns = 3\n[sweep]\nk_max = 4\n')
    run = ["run", archive / "matrix_0.npy", "--settings", file, "--out"]
    done = umlpsd(*run, tmp_path / "a")
    assert done.returncode == 0, done.stderr
    assert "n_columns = 3" in (tmp_path / "a" / "settings.toml").read_text()
    done = umlpsd(*run, tmp_path / "b", "--set", "matrix.n_columns=2")
    assert "n_columns = 2" in (tmp_path / "b" / "settings.toml").read_text()
    refused = umlpsd(*run, tmp_path / "c", "--scales", "W80")
    assert refused.returncode == 2
    assert "--scales is no option of the analysis 'matrix'" in refused.stderr


def test_batch_run_status_and_report(batch):
    out, done = batch
    assert done.returncode == 1, done.stderr
    assert "4 of 5 done (4 now), 1 failed" in done.stdout
    status = json.loads(umlpsd("batch", "status", out, "--json").stdout)
    assert status["counts"]["done"] == 4
    made = umlpsd("batch", "report", out)
    assert made.returncode == 0, made.stderr
    html = (out / "report" / "report.html").read_text("utf-8")
    assert "4 of 5 matrices analysed, 1 failed" in html
    table = (out / "report" / "movies.csv").read_text("utf-8").splitlines()
    assert table[0].startswith("movie,state,verdict,k_opt,confidence,seconds")
    assert sum(",done,whole,2," in line for line in table) == 4
    assert (next((out / "results").iterdir()) / STUDY / "report.html").exists()


def test_batch_runs_again_only_what_changed(batch):
    out, _ = batch
    again = umlpsd("batch", "run", out)
    assert "4 of 5 done (0 now)" in again.stdout


def test_results_that_cannot_be_pooled(batch):
    out, _ = batch
    refused = umlpsd("batch", "pool", out)
    assert refused.returncode == 2
    assert "can't be pooled" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_killed_at_any_time_a_rerun_completes_the_batch(archive, tmp_path, installed):
    out = tmp_path / "out"
    assert umlpsd("batch", "init", archive, out, *QUICK).returncode == 0
    for seconds in (1.0, 2.0, 2.5):
        with subprocess.Popen(
            [*COMMAND, "batch", "run", str(out), "--workers", "2", "--lease-s", "1"],
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            time.sleep(seconds)
            os.killpg(process.pid, signal.SIGKILL)
        for result in (out / "results").iterdir():  # all that is visible is complete
            installed.Clusters.load(result / STUDY)
    time.sleep(1.5)
    umlpsd("batch", "run", out, "--lease-s", "1")
    assert read_status(out).counts["done"] == 4
    assert not list((out / "work").iterdir())


def test_watch(tmp_path, archive):
    (tmp_path / "in").mkdir()
    write_matrix(tmp_path / "in" / "first.npy")
    arguments = ["--settle-s", "0.3", "--poll-s", "0.1", "--idle-s", "1"]
    done = umlpsd("watch", tmp_path / "in", tmp_path / "out", *QUICK, *arguments)
    assert done.returncode == 0, done.stderr
    assert "complete: first.npy (40 × 6)" in done.stdout
    assert "1 of 1 done (1 now)" in done.stdout


def test_without_its_package_a_batch_of_it_is_refused(batch):
    out, _ = batch
    plain = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(
        [*COMMAND, "batch", "run", str(out)], capture_output=True, text=True, env=plain, check=False
    )
    assert done.returncode == 2
    assert "there is no analysis 'matrix'; installed are blinking" in done.stderr


class TestRegistry:
    def test_names(self, installed):
        assert registry.analysis_names() == [*registry.BUILT_IN, "matrix"]
        assert registry.get_analysis("matrix") is installed.MATRIX

    def test_our_own_analyses_are_guessed_first(self, installed):
        assert registry.guess_analysis(["traces.npy"]).name == "blinking"
        assert registry.guess_analysis(["movie.tif"]).name == "blinking"
        assert registry.guess_analysis(["a folder"]).name == "blinking"

    def test_an_entry_point_that_is_no_analysis(self, installed, monkeypatch):
        monkeypatch.setattr(installed, "MATRIX", object())
        with pytest.raises(registry.SettingsError, match="'matrix' is no object of a class"):
            registry.get_analysis("matrix")

    def test_an_entry_point_that_cannot_be_loaded(self, installed, monkeypatch):
        monkeypatch.delattr(installed, "MATRIX")
        with pytest.raises(registry.SettingsError, match="can't be loaded"):
            registry.get_analysis("matrix")
