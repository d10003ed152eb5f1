"""Pools of threads end soon where their owner is stopped, and lose nothing where it isn't."""

import subprocess
import sys
import time
from concurrent.futures import CancelledError
from contextlib import suppress
from threading import Event

import pytest

from umlpsd_gpu.compute.threads import stopping_point, thread_pool

# 2,000 curves take minutes; the alarm comes while all of them are at work
STOPPED_SWEEP = """
import signal, time
import numpy as np
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.blinking.fitting_scales import smoothed_traces
from umlpsd_gpu.clustering.sweeps import sweep_representations
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.traces.traces import Traces

class Alarm(Exception):
    pass

def stop(number, frame):
    raise Alarm

values = np.random.default_rng(0).random((2000, 400), np.float32)
n = np.arange(2000.0)
traces = Traces(values, 0.1, n, n, ("m",) * 2000, tuple(map(str, range(2000))))
signal.signal(signal.SIGALRM, stop)
signal.setitimer(signal.ITIMER_REAL, 2.0)
scales = [Scale.parse("W1"), Scale.parse("W2")]
try:
    smoothed = smoothed_traces(traces, traces.usable(), scales, Settings())
    sweep_representations(smoothed, Settings(), Context())
except Alarm:
    print("stopped")
"""


def test_a_sweep_that_is_stopped_ends_in_seconds():
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_SWEEP], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout) == (0, "stopped\n"), done.stderr
    # 2 s of work, imports, and one iteration of the blocks at work on a busy machine [I]
    assert time.monotonic() - start < 20


def test_work_that_has_not_begun_is_dropped_and_work_that_has_ends():
    begun, n_ended = Event(), []

    def endless(_):
        begun.set()
        try:
            while True:
                stopping_point()
                time.sleep(0.001)
        finally:
            n_ended.append(1)

    def task(_):
        with thread_pool(1) as inner:
            list(inner.map(endless, range(5)))

    with suppress(ZeroDivisionError), thread_pool(1) as pool:
        pool.map(task, range(5))
        assert begun.wait(10)
        raise ZeroDivisionError
    assert n_ended == [1]


def test_a_task_that_was_stopped_opens_no_other_pool():
    begun, go_on, told = Event(), Event(), []

    def task():
        begun.set()
        go_on.wait(10)
        time.sleep(0.1)
        try:
            with thread_pool(1):
                told.append("opened")
        except CancelledError:
            told.append("refused")

    with suppress(ZeroDivisionError), thread_pool(1) as pool:
        pool.submit(task)
        assert begun.wait(10)
        go_on.set()
        raise ZeroDivisionError
    assert told == ["refused"]


def test_results_come_in_order_and_a_failing_task_is_told():
    with thread_pool(3) as pool:
        assert list(pool.map(lambda i: i * i, range(20))) == [i * i for i in range(20)]
    with pytest.raises(ZeroDivisionError), thread_pool(2) as pool:
        list(pool.map(lambda i: 1 // i, [1, 0, 1]))
    stopping_point()  # outside of pools nothing is stopped
