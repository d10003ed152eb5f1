"""NVIDIA's own checks of the kernels: this script's small sizes under compute-sanitizer."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from gpu.proof import LeftOut, Proof
from gpu.suite import run_in_time

TOOLS = ("memcheck", "racecheck", "initcheck")
# together they launch every kernel of kernels/
SECTIONS = (
    "sweep_grid",
    "sweep_large",
    "spectra",
    "smoothing",
    "movie",
    "micrographs",
    "particles",
)
FAULT_CODE = 9
MOST_SECONDS = 75
SUMMARY = re.compile(r"^=+ (?:ERROR|RACECHECK) SUMMARY: .*$", re.MULTILINE)
FINDING = re.compile(r"^=+ (?!COMPUTE-SANITIZER|ERROR SUMMARY|RACECHECK SUMMARY).+$", re.MULTILINE)
MOST_LINES = 25


def run(proof: Proof) -> None:
    """Run the tools, each in its own process and time."""
    if proof.rehearse:
        raise LeftOut("a rehearsal is what compute-sanitizer runs")
    program = shutil.which("compute-sanitizer")
    if program is None:
        raise LeftOut("compute-sanitizer is not on the PATH")
    for i, tool in enumerate(TOOLS):
        seconds = min(MOST_SECONDS, proof.seconds_left() / (len(TOOLS) - i))
        code, output = _checked(program, tool, seconds)
        _judge(proof, tool, code, output, seconds)


def command(program: str, tool: str, out: str) -> list[str]:
    """Return what to run: every array its own allocation, or memcheck sees only the pool's ends.

    CuPy asks for attributes that a driver may not know: such errors of the API are no faults.
    """
    script = Path(__file__).resolve().parents[1] / "gpu_proof.py"
    options = ["--tool", tool, "--error-exitcode", str(FAULT_CODE), "--report-api-errors", "no"]
    own = ["--rehearse", "--plain-memory", "--out", out, "--only", *SECTIONS]
    return [program, *options, sys.executable, str(script), *own]


def _checked(program: str, tool: str, seconds: float) -> tuple[int | None, str]:
    root = Path(__file__).resolve().parents[2]
    with (
        tempfile.TemporaryDirectory(prefix="gpu_proof_") as out,
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output,
    ):
        code = run_in_time(command(program, tool, out), root, dict(os.environ), output, seconds)
        output.seek(0)
        return code, output.read()


def _judge(proof: Proof, tool: str, code: int | None, output: str, seconds: float) -> None:
    summaries = [line.strip("= ") for line in SUMMARY.findall(output)]
    findings = [line.strip("= ") for line in FINDING.findall(output)]
    if code is None:
        proof.note(f"{tool}: not done in {seconds:.0f} s; so far {len(findings)} lines of findings")
        if not findings:
            return
        proof.judge(tool, "found something before its time was over", held=False)
    elif code not in (0, FAULT_CODE) or (code == 0 and not summaries):
        proof.note(f"{tool}: ended with code {code} and no verdict: `{output[-1500:].strip()}`")
        return
    else:
        measured = "; ".join(dict.fromkeys(summaries)) or f"exit code {code}"
        proof.judge(tool, measured, held=code == 0)
    if findings:
        proof.note(f"{tool}: `{' / '.join(findings[:MOST_LINES])}`")
