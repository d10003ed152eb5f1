"""The processes that a proof starts: pytest's options, and nothing is left behind."""

import os
import sys
import tempfile
import threading
import time
from importlib import import_module
from pathlib import Path

import pytest

from tests.support.rehearsals import script


@pytest.fixture
def suite(on_cpu, monkeypatch):
    script(monkeypatch)
    return import_module("gpu.suite")


def test_pytest_runs_without_the_plugins_of_the_project(suite, tmp_path):
    """pyproject.toml asks for options of xdist, which a lent machine may lack."""
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\naddopts = --no-such-option\nmarkers = gpu: needs one\n"
    )
    (tmp_path / "test_one.py").write_text(
        "import pytest\n@pytest.mark.gpu\ndef test_one():\n    pass\n"
    )
    outcome = suite.run_tests(tmp_path, ["test_one.py"], 60)
    assert outcome.counts == {"PASSED": 1}, outcome.last_lines


def test_what_still_runs_at_the_end_is_stopped_with_its_children(suite, tmp_path):
    if sys.platform != "linux":
        pytest.skip("looks into /proc")
    told = tmp_path / "child"
    child = "import time; time.sleep(60)"
    parent = (
        "import subprocess, sys, pathlib, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        f"pathlib.Path({str(told)!r}).write_text(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    codes = []

    def run():
        with tempfile.TemporaryFile() as output:
            command = [sys.executable, "-c", parent]
            codes.append(suite.run_in_time(command, tmp_path, dict(os.environ), output, 60))

    waiting = threading.Thread(target=run)
    waiting.start()
    while not told.exists() or not told.read_text():
        time.sleep(0.02)
    suite.stop_all()
    waiting.join(10)
    assert codes == [-9]
    assert not suite.RUNNING
    assert has_ended(int(told.read_text()))


def has_ended(pid):
    """A killed child is gone, or waits as a zombie to be reaped."""
    for _ in range(100):
        try:
            status = Path(f"/proc/{pid}/stat").read_text()
        except FileNotFoundError:
            return True
        if status.rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False
