"""Every command and every line of Python in the tutorial does what it shows."""

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCKS = re.findall(r"^```(console|pycon)\n(.*?)^```$", TUTORIAL.read_text("utf-8"), re.S | re.M)
LENIENT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
UMLPSD = "from umlpsd_gpu.cli.main import main; main()"


def run(line):
    """Run a command of the page; return what it prints."""
    command = shlex.split(line)
    if command[0] == "umlpsd":
        command = [sys.executable, "-c", UMLPSD, *command[1:]]
    environment = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_console(block):
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        line, _, shown = part.partition("\n")
        found = run(line)
        wanted = " ".join(shown.split())
        if not doctest.OutputChecker().check_output(wanted, " ".join(found.split()), LENIENT):
            pytest.fail(f"$ {line}\nthe page shows:\n{shown}\nit prints:\n{found}")


def test_the_tutorial_is_true(place, monkeypatch):
    monkeypatch.chdir(place)
    names = {}
    runner = doctest.DocTestRunner(optionflags=LENIENT)
    for kind, block in BLOCKS:
        if kind == "console":
            check_console(block)
            continue
        example = doctest.DocTestParser().get_doctest(block, names, "tutorial", str(TUTORIAL), 0)
        told = []
        runner.run(example, out=told.append, clear_globs=False)
        names = example.globs
        assert not told, "".join(told)
    assert {kind for kind, _ in BLOCKS} == {"console", "pycon"}
