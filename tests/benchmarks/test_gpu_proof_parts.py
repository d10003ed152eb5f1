"""Parts of the proof of the GPU engine: verdicts of other programs, and what is spelt out."""

import os
import textwrap
import time
from importlib import import_module

import numpy as np
import pytest

from tests.support.rehearsals import ROOT, begun, rehearsed, script
from tests.support.tolerances import WAVELET_DEVICE

# pytest 9.2 with xdist 3.8
XDIST = """\
created: 2/2 workers
2 workers [5 items]

tests/test_a.py::test_ok[a b]
tests/test_a.py::test_bad
[gw0] [ 20%] PASSED tests/test_a.py::test_ok[a b]
tests/test_a.py::test_ok[c]
[gw0] [ 40%] PASSED tests/test_a.py::test_ok[c]
tests/test_a.py::test_err
[gw0] [ 60%] ERROR tests/test_a.py::test_err
[gw1] [ 80%] FAILED tests/test_a.py::test_bad
tests/test_a.py::test_skip
[gw1] [100%] SKIPPED tests/test_a.py::test_skip

==================================== ERRORS ====================================
_______________________ ERROR collecting tests/test_b.py _______________________
ImportError while importing test module 'tests/test_b.py'.
tests/test_b.py:1: in <module>
    import nothere
E   ModuleNotFoundError: No module named 'nothere'
__________________________ ERROR at setup of test_err __________________________
E   ValueError
=========================== short test summary info ============================
SKIPPED [1] tests/test_a.py:8: no
ERROR tests/test_b.py - ImportError while importing test module 'tests/test_b...
ERROR tests/test_a.py::test_err - ValueError
FAILED tests/test_a.py::test_bad - assert 0
=============== 1 failed, 2 passed, 1 skipped, 2 errors in 1.59s ===============
"""


@pytest.fixture
def proof(on_cpu, monkeypatch):
    return script(monkeypatch)


@pytest.fixture
def section(proof):
    """Return the section of that name, ready to run at full size in 60 s."""
    return lambda name: begun(name, time.monotonic() + 60)


class TestTheSuite:
    @pytest.fixture
    def folder(self, tmp_path):
        """A folder of tests that pass, fail, break, skip, can't be imported and never end."""
        (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = gpu: needs a card\n")
        (tmp_path / "test_some.py").write_text(
            textwrap.dedent("""
                import time
                import pytest

                pytestmark = pytest.mark.gpu

                @pytest.mark.parametrize("what", ["two words", "one"])
                def test_passes(what): pass
                def test_fails(): assert 0
                def test_skips(): pytest.skip("no reason")
                @pytest.fixture
                def broken(): raise ValueError
                def test_breaks(broken): pass
            """)
        )
        (tmp_path / "test_other.py").write_text("import not_there\n")
        (tmp_path / "test_cpu.py").write_text("def test_without_mark(): assert 0\n")
        (tmp_path / "test_endless.py").write_text(
            "import time, pytest\n@pytest.mark.gpu\ndef test_sleeps(): time.sleep(60)\n"
        )
        return tmp_path

    def test_outcomes_are_counted(self, proof, folder, monkeypatch):
        suite = import_module("gpu.suite")
        monkeypatch.setattr(suite.card, "is_installed", lambda name: False)
        files = ["test_some.py", "test_other.py", "test_cpu.py"]
        outcome = suite.run_tests(folder, files, 30)
        assert outcome.finished
        assert outcome.counts == {"PASSED": 2, "FAILED": 1, "ERROR": 1, "SKIPPED": 1}
        assert set(outcome.failures) == {"test_some.py::test_fails", "test_some.py::test_breaks"}
        assert outcome.not_imported == (
            ("test_other.py", "ModuleNotFoundError: No module named 'not_there'"),
        )

    def test_outcomes_of_many_workers_are_read(self, proof):
        outcome = import_module("gpu.suite").outcome_of(XDIST, True)
        assert outcome.counts == {"PASSED": 2, "FAILED": 1, "ERROR": 1, "SKIPPED": 1}
        assert outcome.failures == ("tests/test_a.py::test_err", "tests/test_a.py::test_bad")
        assert outcome.not_imported == (
            ("tests/test_b.py", "ModuleNotFoundError: No module named 'nothere'"),
        )

    def test_tests_that_never_end_are_stopped(self, proof, folder, monkeypatch):
        suite = import_module("gpu.suite")
        monkeypatch.setattr(suite.card, "is_installed", lambda name: False)
        start = time.monotonic()
        outcome = suite.run_tests(folder, ["test_endless.py"], 1)
        assert time.monotonic() - start < 10
        assert not outcome.finished
        assert not outcome.counts

    def test_a_failure_is_named_and_fails_the_proof(self, section, monkeypatch):
        suite, found = import_module("gpu.suite"), section("tests")
        output = "tests/a.py::test_x[gpu] FAILED [50%]\ntests/a.py::test_y[gpu] PASSED [100%]\n"
        monkeypatch.setattr(suite, "run_tests", lambda *_: suite.outcome_of(output, True))
        suite.run(found)
        assert found.requirements["tests"].held == "no"
        assert found.wrong_results() == ["every GPU test"]
        assert "failed: tests/a.py::test_x[gpu]" in found.section.notes


class TestTheSanitizer:
    @pytest.fixture
    def install(self, tmp_path, monkeypatch):
        """Put a program with this output and exit code in the tool's place."""

        def write(output, code):
            program = tmp_path / "compute-sanitizer"
            program.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\nexit {code}\n")
            program.chmod(0o755)
            monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

        return write

    def test_clean(self, section, install):
        install("========= COMPUTE-SANITIZER\n========= ERROR SUMMARY: 0 errors", 0)
        found = section("sanitizer")
        import_module("gpu.sanitizer").run(found)
        assert found.requirements["memcheck"].held == "yes"
        assert found.requirements["racecheck"].measured == "ERROR SUMMARY: 0 errors"

    def test_findings_are_told(self, section, install):
        lines = (
            "========= Invalid __global__ write of size 8 bytes\n=========     at silhouette+0x1"
        )
        install(f"{lines}\n========= ERROR SUMMARY: 1 error", 9)
        found = section("sanitizer")
        import_module("gpu.sanitizer").run(found)
        assert found.requirements["memcheck"].held == "no"
        assert "Invalid __global__ write" in found.section.notes[0]
        assert "at silhouette" in found.section.notes[0]

    def test_a_run_that_ends_otherwise_proves_nothing(self, section, install):
        install("Error: Device not supported", 1)
        found = section("sanitizer")
        import_module("gpu.sanitizer").run(found)
        assert found.requirements["memcheck"].held == "not run"
        assert "ended with code 1 and no verdict" in found.section.notes[0]

    def test_it_runs_this_script_at_small_sizes(self, proof):
        sanitizer = import_module("gpu.sanitizer")
        command = sanitizer.command("tool", "racecheck", "out")
        options = proof._options(
            command[command.index(str(ROOT / "benchmarks/gpu_proof.py")) + 1 :]
        )
        assert options.rehearse
        assert options.plain_memory
        assert options.only == list(sanitizer.SECTIONS)

    def test_its_sections_launch_every_kernel(self, proof, on_cpu, tmp_path, monkeypatch):
        launched = set()
        real = on_cpu.raw.RawKernel.__call__

        def call(kernel, *arguments, **options):
            launched.add(kernel._name)
            return real(kernel, *arguments, **options)

        monkeypatch.setattr(on_cpu.raw.RawKernel, "__call__", call)
        sanitizer = import_module("gpu.sanitizer")
        rehearsed(proof, tmp_path, "--only", *sanitizer.SECTIONS)
        assert {path.stem for path in (ROOT / "kernels").glob("*.cu")} <= launched


class TestWhatIsSpeltOut:
    def test_the_papers_scales(self, proof):
        from umlpsd_gpu.preprocessing.settings import PAPER_SCALES

        assert import_module("gpu.grid").SCALES == PAPER_SCALES

    def test_settings_of_movies_and_traces(self, proof):
        from umlpsd_gpu.movie.settings import MovieSettings
        from umlpsd_gpu.traces.settings import TracesSettings

        movie = import_module("gpu.movie")
        for ours, model in (
            (movie.MOVIE_SETTINGS, MovieSettings),
            (movie.TRACES_SETTINGS, TracesSettings),
        ):
            defaults = model().model_dump() | {"dt_s": 0.05, "limits": MovieSettings().limits}
            assert vars(ours) == {name: defaults[name] for name in vars(ours)}

    @pytest.mark.parametrize("n_frames", [500, 501, 777])
    def test_taps_and_approximation_of_db4(self, proof, n_frames):
        import pywt

        from umlpsd_gpu.preprocessing.wavelet import wavelet_approximation

        ours, theirs = import_module("gpu.wavelet"), pywt.Wavelet("db4")
        assert list(ours.DEC_LO) == theirs.dec_lo
        assert list(ours.REC_LO) == theirs.rec_lo
        values = 300 * np.random.default_rng(0).random((3, n_frames))
        gap = np.abs(ours.approximation(values, 5) - wavelet_approximation(values, 5)).max()
        assert gap <= WAVELET_DEVICE * 300

    def test_direct_silhouettes_are_scikit_learns(self, proof):
        from sklearn.metrics import silhouette_samples

        rng = np.random.default_rng(0)
        points, labels = rng.random((40, 3)), rng.integers(0, 4, 40)
        labels[0] = 4  # alone in its cluster
        found = import_module("gpu.large").direct_silhouettes(points, labels, np.arange(40))
        assert found == pytest.approx(silhouette_samples(points, labels), abs=1e-12)


class TestTheCommit:
    COMMIT = "0123456789abcdef0123456789abcdef01234567"

    @pytest.fixture
    def no_git(self, proof, monkeypatch):
        def missing(*_, **__):
            raise FileNotFoundError("git")

        monkeypatch.setattr(import_module("gpu.card").subprocess, "run", missing)

    def test_of_this_checkout(self, proof):
        if not (ROOT / ".git").exists():
            pytest.skip("this is no checkout")
        commit = import_module("gpu.card").commit(ROOT)
        assert all(letter in "0123456789abcdef" for letter in commit.split()[0])

    @pytest.mark.parametrize("kind", ["branch", "packed", "detached", "worktree"])
    def test_without_git(self, no_git, tmp_path, kind):
        folder = tmp_path / ".git"
        if kind == "worktree":
            folder.write_text("gitdir: elsewhere/worktrees/one\n")
            shared = tmp_path / "elsewhere"
            folder = shared / "worktrees" / "one"
            folder.mkdir(parents=True)
            (folder / "commondir").write_text("../..\n")
        else:
            folder.mkdir()
            shared = folder
        head = self.COMMIT if kind == "detached" else "ref: refs/heads/main"
        (folder / "HEAD").write_text(f"{head}\n")
        if kind == "packed":
            (shared / "packed-refs").write_text(f"# pack-refs\n{self.COMMIT} refs/heads/main\n")
        elif kind != "detached":
            (shared / "refs" / "heads").mkdir(parents=True)
            (shared / "refs" / "heads" / "main").write_text(f"{self.COMMIT}\n")
        assert import_module("gpu.card").commit(tmp_path) == self.COMMIT[:10]

    def test_unknown(self, no_git, tmp_path):
        assert import_module("gpu.card").commit(tmp_path).startswith("unknown")
