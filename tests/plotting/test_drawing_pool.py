"""Figures drawn by several processes: the same bytes, and no harm where a process dies."""

import dataclasses
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

from tests.support.studies import make_study
from umlpsd_gpu.analyses.blinking.figures.plans import figure_plans
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.maps.result import PixelValues, assembly_maps
from umlpsd_gpu.plotting import drawing_pool as drawing_pool_module
from umlpsd_gpu.plotting.drawing_pool import drawing_pool
from umlpsd_gpu.plotting.style import DrawnFigure, house_style
from umlpsd_gpu.report.write_report import draw_result

IMAGE_SHAPE = (96, 128)  # of the movies of make_study


def study_with_maps() -> Study:
    study = make_study("pixels", n_traces=60, n_frames=200, n_clusters=2, n_movies=1, k_max=4)
    nothing = np.full(study.traces.n_traces, np.nan)
    pixels = PixelValues(
        study.traces.rows, study.traces.cols, study.labels, nothing, nothing, nothing
    )
    return dataclasses.replace(study, maps=assembly_maps(study.traces, pixels, IMAGE_SHAPE))


@pytest.fixture(scope="module")
def study() -> Study:
    return make_study(n_traces=12, n_frames=160, k_max=3)


@pytest.fixture(scope="module")
def figures(study: Study) -> tuple[DrawnFigure, ...]:
    return draw_result(study)


class Patient(Executor):
    """Waits for every task, so that nothing is left for the caller."""

    def __init__(self, pool: Executor) -> None:
        self.pool, self.n_done = pool, 0

    def submit(self, *call: object) -> Future:
        future = self.pool.submit(*call)
        future.exception()
        self.n_done += 1
        return future


class Idle(Executor):
    """Never begins."""

    def submit(self, *_: object) -> Future:
        return Future()


class Broken(Executor):
    """As a ProcessPoolExecutor whose processes were killed."""

    def submit(self, *_: object) -> Future:
        raise BrokenProcessPool("killed")


class TestBytes:
    @pytest.mark.parametrize("with_maps", [False, True], ids=["without maps", "with maps"])
    def test_all_drawn_elsewhere_are_the_same(
        self, with_maps: bool, study: Study, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        # the processes' own defaults must not show
        (tmp_path / "matplotlibrc").write_text("font.size: 20\nlines.linewidth: 9\n")
        monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path))
        drawn = study_with_maps() if with_maps else study
        with drawing_pool(2) as pool:
            patient = Patient(pool)
            elsewhere = draw_result(drawn, pool=patient)
        assert patient.n_done == len(elsewhere) == (7 if with_maps else 5)
        assert elsewhere == draw_result(drawn)

    def test_one_process_beside_the_caller_gives_the_same_figures(
        self, study: Study, figures: tuple[DrawnFigure, ...]
    ) -> None:
        told = []
        with drawing_pool(1) as pool:
            assert draw_result(study, lambda *step: told.append(step), pool) == figures
        assert told == [("figures", n_done, 5) for n_done in range(6)]

    @pytest.mark.parametrize("executor", [Idle, Broken])
    def test_what_nobody_begins_with_is_drawn_here(
        self, executor: type[Executor], study: Study, figures: tuple[DrawnFigure, ...]
    ) -> None:
        assert draw_result(study, pool=executor()) == figures

    def test_slow_figures_come_first(self, study: Study) -> None:
        submitted = []

        class Recorder(Idle):
            def submit(self, fn, /, *args, **kwargs):
                submitted.append(pickle.loads(args[0]))
                return super().submit(fn, *args, **kwargs)

        draw_result(study, pool=Recorder())
        slow = [plan for plan in figure_plans(study) if plan.is_slow]
        with house_style():
            sizes = [len(plan.draw(study).axes) for plan in slow]
        assert len(slow) == 2
        assert [len(figure.axes) for figure in submitted[:2]] == sizes


class TestProcesses:
    def test_none_are_asked_for(self) -> None:
        with drawing_pool(0) as pool:
            assert pool is None

    def test_none_can_be_started(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object, **__: object) -> None:
            raise BlockingIOError("too many processes")

        monkeypatch.setattr(drawing_pool_module.subprocess, "Popen", full)
        with drawing_pool(2) as pool:
            assert pool is None

    def test_an_error_there_is_raised_here(self) -> None:
        with drawing_pool(1) as pool:
            with pytest.raises(SettingsError, match="no good"):
                pool.submit(raise_error, "no good").result()
            assert pool.submit(max, 3, 5).result() == 5

    def test_what_is_printed_there_does_not_come_between(self, capfd) -> None:
        with drawing_pool(1) as pool:
            assert pool.submit(print, "hello").result() is None
            assert pool.submit(max, 3, 5).result() == 5
        assert capfd.readouterr().out == ""

    def test_what_a_killed_one_should_draw_is_drawn_here(
        self, study: Study, figures: tuple[DrawnFigure, ...]
    ) -> None:
        with drawing_pool(1) as pool:
            ended = pool.submit(os._exit, 1)
            with pytest.raises(BrokenProcessPool):
                ended.result()
            assert draw_result(study, pool=Patient(pool)) == figures

    def test_a_process_that_cannot_start_is_done_without(
        self, study: Study, figures: tuple[DrawnFigure, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(drawing_pool_module, "START", "raise SystemExit(1)")
        with drawing_pool(2) as pool:
            assert draw_result(study, pool=pool) == figures

    @pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
    @pytest.mark.parametrize("fails", [False, True])
    def test_they_end_with_the_pool(self, fails: bool) -> None:
        pids = []
        try:
            with drawing_pool(2) as pool:
                pids.append(pool.submit(os.getpid).result())
                busy = pool.submit(time.sleep, 60 if fails else 0.01)
                while not (busy.running() or busy.done()):
                    time.sleep(0.01)
                if fails:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            assert isinstance(busy.exception(), BrokenProcessPool)
        assert not is_running(pids[0])

    @pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
    @pytest.mark.parametrize("warm", [False, True])
    def test_they_end_where_the_caller_is_killed(self, warm: bool) -> None:
        script = (
            "import os, time; from umlpsd_gpu.plotting.drawing_pool import drawing_pool\n"
            "with drawing_pool(1) as pool:\n"
            f"    {'pool.submit(os.getpid).result()' if warm else ''}\n"
            "    print('up', flush=True); time.sleep(600)"
        )
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as caller:
            assert caller.stdout.readline() == b"up\n"
            children = Path(f"/proc/{caller.pid}/task/{caller.pid}/children").read_text().split()
            assert len(children) == 1
            caller.kill()
        end_by = time.monotonic() + 60
        while is_running(int(children[0])) and time.monotonic() < end_by:
            time.sleep(0.05)
        assert not is_running(int(children[0]))

    @pytest.mark.skipif(os.name != "posix", reason="needs process groups")
    def test_ctrl_c_is_the_callers_alone(self) -> None:
        # a shell starts jobs in its background with SIGINT ignored, and children inherit that
        script = (
            "import signal, time; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "from umlpsd_gpu.plotting.drawing_pool import drawing_pool\n"
            "with drawing_pool(2) as pool:\n"
            "    try: print('up', flush=True); time.sleep(600)\n"
            "    except KeyboardInterrupt: print(pool.submit(max, 3, 5).result())"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as caller:
            caller.stdout.readline()
            os.killpg(caller.pid, signal.SIGINT)
            assert caller.communicate(timeout=120) == (b"5\n", b"")
            assert caller.returncode == 0


def raise_error(message: str) -> None:
    raise SettingsError(message)


def is_running(pid: int) -> bool:
    """Say whether a process is there and not just unburied."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
