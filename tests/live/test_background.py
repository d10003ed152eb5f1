"""The one thread for what takes seconds."""

import time

import pytest

from umlpsd_gpu.live.background import Background


def wait_for(background):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = background.take()
        if background.is_free:
            return found
        time.sleep(0.001)
    raise AssertionError("the job did not end")


def test_results_and_errors_come_to_the_caller():
    background = Background()
    background.start(lambda: 7)
    assert wait_for(background) == 7
    background.start(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        wait_for(background)
    assert background.is_free


def test_one_job_at_a_time():
    background, go_on = Background(), []

    def wait():
        while not go_on:
            time.sleep(0.001)

    background.start(wait)
    assert background.take() is None
    with pytest.raises(RuntimeError, match="one job at a time"):
        background.start(wait)
    go_on.append(True)
    wait_for(background)


def test_a_job_ends_early_when_it_is_closed():
    background, n_checks = Background(), []

    def work():
        while True:
            n_checks.append(1)
            background.check("sweep", 1, 2)
            time.sleep(0.001)

    background.start(work)
    background.close()
    assert background.is_free
    assert n_checks
    assert background.cpu_s > 0
