"""Every test marked ``gpu``, in a separate process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gpu import card
from gpu.proof import LeftOut, Proof

# pytest -v without and with xdist, then the lines of its summary; names may hold spaces
OUTCOME = re.compile(
    r"^(?P<name>\S+::.*) (?P<word>PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b"
    r"|^\[gw\d+\] \[ *\d+%\] (?P<late_word>[A-Z]+) (?P<late_name>\S+::.*\S)"
)
NOT_IMPORTED = re.compile(r"^_+ ERROR collecting (?P<file>\S+) _+$")
# of the commands that run now; they are ended with this script
RUNNING: set[subprocess.Popen] = set()
MOST_WORKERS = 8
MOST_NAMED = 40


@dataclass(frozen=True)
class Outcome:
    """What pytest said.

    Attributes
    ----------
    counts : Counter of str
        PASSED, FAILED, ERROR, SKIPPED.
    failures : tuple of str
    not_imported : tuple of (str, str)
        File and reason.
    finished : bool
        Whether it ended within its time.
    last_lines : str
    """

    counts: Counter[str]
    failures: tuple[str, ...]
    not_imported: tuple[tuple[str, str], ...]
    finished: bool
    last_lines: str


def run(proof: Proof) -> None:
    """Run the tests in the remaining time of the section."""
    if proof.rehearse:
        raise LeftOut("a rehearsal doesn't run the tests: it is one of them")
    if not card.is_installed("pytest"):
        raise LeftOut("pytest is not installed")
    root = Path(__file__).resolve().parents[2]
    outcome = run_tests(root, ["tests"], proof.seconds_left())
    counts, n_files = outcome.counts, len(outcome.not_imported)
    measured = (
        f"{counts['PASSED']} passed, {len(outcome.failures)} failed, {counts['SKIPPED']} skipped, "
        f"{n_files} files can't be imported here"
    )
    if not outcome.finished:
        measured += "; stopped for want of time"
    proof.judge("tests", measured, not outcome.failures and counts["PASSED"] > 0)
    proof.note(measured)
    if outcome.failures:
        proof.note(f"failed: {', '.join(outcome.failures[:MOST_NAMED])}")
    for file, why in outcome.not_imported:
        proof.note(f"not imported: {file}: {why}")
    if outcome.failures or not counts["PASSED"]:
        proof.note(f"pytest's last lines: `{outcome.last_lines}`")


def run_tests(root: Path, what: list[str], seconds: float) -> Outcome:
    """Run pytest on some files; what it has printed counts when its time is over."""
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-v", "--tb=short", "-ra"]
    # the options of pyproject.toml need plugins that may be missing here
    command += ["-o", "addopts=", "--continue-on-collection-errors", "-p", "no:cacheprovider"]
    command += what
    if card.is_installed("xdist"):
        command += ["-n", str(min(MOST_WORKERS, os.cpu_count() or 1))]
    paths = filter(None, [str(root), os.environ.get("PYTHONPATH")])
    environment = os.environ | {"UMLPSD_REQUIRE_GPU": "1", "PYTHONPATH": os.pathsep.join(paths)}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        finished = run_in_time(command, root, environment, output, seconds) is not None
        output.seek(0)
        return outcome_of(output.read(), finished)


def run_in_time(command, root: Path, environment, output, seconds: float) -> int | None:
    """Return a command's exit code, or None where it had to be stopped, with all it started."""
    process = subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    RUNNING.add(process)
    try:
        return process.wait(timeout=max(1.0, seconds))
    except subprocess.TimeoutExpired:
        return None
    finally:
        _stop_group(process)
        RUNNING.discard(process)


def stop_all() -> None:
    """Stop every command that is running, with all it started."""
    for process in list(RUNNING):
        _stop_group(process)


def _stop_group(process: subprocess.Popen) -> None:
    """Stop a process and its children, which have a process group of their own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait()


def outcome_of(output: str, finished: bool) -> Outcome:
    """Read pytest's lines."""
    words: dict[str, str] = {}
    not_imported: dict[str, str] = {}
    file = ""
    for line in output.splitlines():
        if found := OUTCOME.match(line):
            words[found["name"] or found["late_name"]] = found["word"] or found["late_word"]
        elif found := NOT_IMPORTED.match(line):
            file = found["file"]
            not_imported[file] = "no reason given"
        elif file and line.startswith("E  "):
            not_imported[file], file = line[1:].strip(), ""
    failures = tuple(name for name, word in words.items() if word in ("FAILED", "ERROR"))
    last = " / ".join(line.strip() for line in output.splitlines()[-12:] if line.strip())
    return Outcome(
        Counter(words.values()), failures, tuple(not_imported.items()), finished, last[-1500:]
    )
