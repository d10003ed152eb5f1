"""The proof of the GPU engine, rehearsed where there is no GPU, and what becomes of faults."""

import json
import sys
import textwrap
import time
from importlib import import_module
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from tests.support import cuml_on_cpu
from tests.support.rehearsals import (
    begun,
    cells_of,
    notes_of,
    of_section,
    rehearsed,
    run_python,
    script,
)
from umlpsd_gpu.kmeans import gpu_distances as device_geometry

SECTIONS = {
    "ceilings", "sweep_grid", "spectra", "smoothing", "micrographs", "particles", "movie",
    "sweep_large", "sanitizer", "tests", "study", "peers", "kernels",
}  # fmt: skip
# what the tests of a rehearsal can't run: themselves, and a tool that needs a card
LEFT_OUT = {"tests", "sanitizer"}
NOT_REHEARSED = {"tests", "memcheck", "racecheck", "initcheck"}


@pytest.fixture
def proof(on_cpu, monkeypatch):
    return script(monkeypatch)


class TestARehearsal:
    def test_runs_every_section(self, proof, tmp_path, monkeypatch, capsys):
        # products in the least panels: then blocks of an ensemble this small can be halved
        monkeypatch.setattr(device_geometry, "PANEL_BYTES", 1)
        monkeypatch.setitem(sys.modules, "cuml", cuml_on_cpu)
        code, data, report = rehearsed(proof, tmp_path)
        assert code == 0
        statuses = {section["name"]: section["status"] for section in data["sections"]}
        assert statuses == {name: "left out" if name in LEFT_OUT else "ran" for name in SECTIONS}
        for key, requirement in data["requirements"].items():
            expected = "yes" if requirement["is_result"] else "rehearsed"
            expected = "not run" if key in NOT_REHEARSED else expected
            assert requirement["held"] == expected, key
            assert requirement["what"].replace("|", "\\|") in report
        assert "its timings mean nothing" in report.splitlines()[0]
        assert [path.name for path in tmp_path.glob("*.md")] == ["stand-in-on-the-cpu-rehearsal.md"]
        assert "halvings" in data["requirements"]["large blocks"]["measured"]
        assert {"cuML of unknown version", "ours"} <= cells_of(data, "peers")
        assert "CUML_FROM_TRACES = " in notes_of(data, "peers")
        assert all(rate > 0 for rate in data["ceilings"].values())
        assert len(data["ceilings"]) == 6
        printed = capsys.readouterr().out
        assert all(f"{name}: " in printed for name in SECTIONS - {"kernels"})
        assert {"kmeans_restart", "log_welch", "particle_pixels"} <= cells_of(data, "kernels")
        assert data["facts"]["CPU kernels"]
        assert "tests: left out in 0.0 s: a rehearsal doesn't run the tests" in printed

    def test_needs_few_packages(self, tmp_path):
        options = ["--rehearse", "--plain-memory", "--commit", "told", "--out", str(tmp_path)]
        done = run_python(f"sys.exit(gpu_proof.main({options}))")
        assert done.returncode == 0, done.stdout + done.stderr
        data = json.loads(next(tmp_path.glob("*.json")).read_text())
        statuses = {section["name"]: section["status"] for section in data["sections"]}
        absent = LEFT_OUT | {"study"}
        assert statuses == {name: "left out" if name in absent else "ran" for name in SECTIONS}
        assert "not installed: pydantic, tomli_w, pywt" in of_section(data, "study")["reason"]
        assert "the CPU got the device's curves" in notes_of(data, "sweep_grid")
        assert "a transform in plain NumPy" in notes_of(data, "smoothing")
        assert "cuML is not installed" in notes_of(data, "peers")
        assert data["facts"]["commit"] == "told"

    def test_flash_kmeans_gets_our_starts(self, proof, on_cpu, monkeypatch):
        install_flash_kmeans(monkeypatch)
        points = np.random.default_rng(0).random((30, 4)).astype(np.float32)
        starts = np.array([[0, 7, 9], [4, 2, 20]])
        labels = import_module("gpu.peers").by_flash_kmeans(on_cpu.asarray(points), starts)
        distance = ((points[:, None] - points[starts][:, None]) ** 2).sum(axis=3)
        assert np.array_equal(labels, distance.argmin(axis=2))


class TestFaults:
    def test_a_section_that_fails_does_not_lose_the_others(self, proof, tmp_path, monkeypatch):
        def broken(proof):
            raise ValueError("planted")

        monkeypatch.setattr(import_module("gpu.smoothing"), "run", broken)
        code, data, report = rehearsed(proof, tmp_path, "--only", "smoothing", "ceilings")
        assert code == 1
        assert of_section(data, "ceilings")["status"] == "ran"
        assert of_section(data, "smoothing")["status"] == "failed"
        assert "Traceback" in report
        assert "ValueError: planted" in report
        assert data["requirements"]["smoothing"]["held"] == "not run"

    def test_a_wrong_result_fails_and_its_time_does_not_count(self, proof, tmp_path, monkeypatch):
        smoothing = import_module("gpu.smoothing")
        real = smoothing.bin_mean

        def wrong(values, frames_per_bin):
            binned = real(values, frames_per_bin)
            binned[0, 0] += 500
            return binned

        monkeypatch.setattr(smoothing, "bin_mean", wrong)
        code, data, _ = rehearsed(proof, tmp_path, "--only", "smoothing")
        assert code == 1
        assert data["requirements"]["smoothing"]["held"] == "no"
        assert "its time doesn't count" in notes_of(data, "smoothing")
        assert "bins of 80 and scaling" not in cells_of(data, "smoothing")
        assert "scaling alone" in cells_of(data, "smoothing")

    def test_other_labels_than_the_cpus_are_counted(self, proof, tmp_path, monkeypatch):
        grid = import_module("gpu.grid")
        real = grid.sweep

        def other(*arguments, **options):
            found = real(*arguments, **options)
            found.labels[1, 0] = 1 - found.labels[1, 0]
            return found

        monkeypatch.setattr(grid, "sweep", other)
        code, data, _ = rehearsed(proof, tmp_path, "--only", "sweep_grid")
        assert code == 1
        assert data["requirements"]["grid labels"]["measured"] == "3 of 36 differ"
        assert data["requirements"]["grid time"]["held"] == "rehearsed"
        marked = ", but 3 of 36 restarts differ from the CPU's"
        assert data["requirements"]["grid time"]["measured"].endswith(marked)
        assert "two runs on a single stream have the same bits" in notes_of(data, "sweep_grid")

    def test_a_wrong_trace_of_a_movie_is_found(self, proof, tmp_path, monkeypatch):
        movie = import_module("gpu.movie")
        real = movie.device.measure_emitters
        monkeypatch.setattr(
            movie.device, "measure_emitters", lambda *arguments: real(*arguments) + 1e-6
        )
        code, data, _ = rehearsed(proof, tmp_path, "--only", "movie")
        assert code == 1
        assert data["requirements"]["movie values"]["held"] == "no"
        assert data["requirements"]["movie rate"]["held"] == "not run"

    def test_without_a_gpu_it_says_why(self, proof, tmp_path, monkeypatch, capsys):
        monkeypatch.setattr(proof, "gpu_missing", lambda: "there is no driver")
        assert proof.main(["--out", str(tmp_path)]) == 3
        assert capsys.readouterr().out == "no GPU to prove anything on: there is no driver\n"
        assert not list(tmp_path.iterdir())

    def test_sections_that_no_longer_fit_are_named(self, proof, tmp_path):
        code, data, report = rehearsed(proof, tmp_path, "--minutes", "0.01")
        assert code == 0
        statuses = {section["name"]: section["status"] for section in data["sections"]}
        assert statuses.pop("kernels") == "ran"
        assert set(statuses.values()) == {"left out"}
        assert "0 s were left, and it needs" in report

    def test_a_lost_device_is_left_to_a_fresh_process(self, proof, on_cpu, tmp_path, monkeypatch):
        """A fault of a kernel spoils every later call of its process, freeing memory included."""
        runtime = on_cpu.cuda.runtime
        working, begun = runtime.deviceSynchronize, []

        def lost():
            raise runtime.CUDARuntimeError(700, "an illegal memory access was encountered")

        def faulty(proof):
            monkeypatch.setattr(runtime, "deviceSynchronize", lost)
            monkeypatch.setattr(on_cpu.get_default_memory_pool(), "free_all_blocks", lost)
            lost()

        def become(program, command):
            monkeypatch.setattr(runtime, "deviceSynchronize", working)
            monkeypatch.delattr(on_cpu.get_default_memory_pool(), "free_all_blocks")
            begun.append(command)
            raise SystemExit(proof.main(command[2:]))

        monkeypatch.setattr(import_module("gpu.smoothing"), "run", faulty)
        monkeypatch.setattr(proof.os, "execv", become)
        sections = ("--only", "ceilings", "smoothing", "movie")
        with pytest.raises(SystemExit, match="1"):
            proof.main(["--rehearse", "--out", str(tmp_path), *sections])
        data = json.loads(next(tmp_path.glob("*.json")).read_text())
        assert [(s["name"], s["status"]) for s in data["sections"]] == [
            ("ceilings", "ran"),
            ("smoothing", "failed"),
            ("movie", "ran"),
            ("kernels", "ran"),
        ]
        assert "an illegal memory access" in of_section(data, "smoothing")["reason"]
        assert data["requirements"]["movie values"]["held"] == "yes"
        assert len(begun) == 1
        assert len(list(tmp_path.iterdir())) == 2

    def test_a_section_that_hangs_is_ended_and_the_report_says_where(self, tmp_path):
        script = f"""
            import time
            import gpu.ceilings
            gpu.ceilings.run = lambda proof: time.sleep(60)
            gpu_proof.LAST_SECONDS = 0
            gpu_proof.main(["--rehearse", "--minutes", "0.02", "--out", {str(tmp_path)!r}])
        """
        done = run_python(textwrap.dedent(script))
        assert done.returncode == 1
        assert "Timeout" in done.stderr
        assert "## ceilings: under way" in next(tmp_path.glob("*.md")).read_text()

    def test_a_smaller_card_is_not_measured_by_sizes_it_did_not_do(self, proof):
        found = begun("sweep_large", time.monotonic() + 60)
        found.judge("large time", "3 s", held=True, at_full_size=False)
        found.judge("large metrics", "1e-3", held=False, at_full_size=False)
        assert found.requirements["large time"].held == "not at this size"
        assert found.requirements["large metrics"].held == "no"
        assert found.wrong_results() == ["its metrics against NumPy"]


def install_flash_kmeans(monkeypatch):
    """Put in place what the proof calls of flash-kmeans and PyTorch; starts are its labels."""

    class Tensor:
        device = "cuda"

        def __init__(self, host):
            self.host = host

        def unsqueeze(self, axis):
            return Tensor(np.expand_dims(self.host, axis))

        def repeat(self, *counts):
            return Tensor(np.tile(self.host, counts))

        def to(self, device):
            return self

        def cpu(self):
            return self

        def numpy(self):
            return self.host

        def __getitem__(self, index):
            return Tensor(self.host[index.host])

    def batch_kmeans_Euclid(x, n_clusters, max_iters, tol, init_centroids):
        distance = ((x.host[:, :, None] - init_centroids.host[:, None]) ** 2).sum(axis=3)
        assert x.host.dtype == np.float32
        assert init_centroids.host.shape == (len(x.host), n_clusters, x.host.shape[2])
        return Tensor(distance.argmin(axis=2)), init_centroids, 1

    torch = SimpleNamespace(from_dlpack=lambda array: Tensor(array.get()), from_numpy=Tensor)
    flash_kmeans = ModuleType("flash_kmeans")
    flash_kmeans.batch_kmeans_Euclid = batch_kmeans_Euclid
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "flash_kmeans", flash_kmeans)
