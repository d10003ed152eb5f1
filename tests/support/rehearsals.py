"""Rehearsals of the proof of the GPU engine, in this process or in one with few packages."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
# not on the machine of the first card
MISSING = ("pydantic", "pywt", "natsort", "imagecodecs", "tomli_w", "openpyxl", "cuml")
# begins a Python process in which the stand-in is CuPy and those packages are not installed
BEGIN = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "benchmarks")!r}]
from tests.support import cupy_on_cpu
sys.modules["cupy"] = cupy_on_cpu
sys.modules.update(dict.fromkeys({MISSING!r}))
import gpu_proof
"""


def script(monkeypatch):
    """Return ``benchmarks/gpu_proof.py`` as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    module = import_module("gpu_proof")
    # a watchdog that ends the process is not for the process that runs the tests
    monkeypatch.setattr(module.faulthandler, "dump_traceback_later", lambda *_, **__: None)
    return module


def begun(name, deadline):
    """Return a proof on the stand-in, at full size, whose section of that name runs."""
    parts = import_module("gpu.proof")
    proof = parts.Proof(sys.modules["cupy"], False, deadline, {"card": "a card"})
    proof.sections.append(parts.Section(name))
    return proof


def rehearsed(proof, folder, *arguments):
    """Return the exit code, the JSON and the Markdown of a rehearsal."""
    code = proof.main(["--rehearse", "--out", str(folder), *arguments])
    (data,), (report,) = folder.glob("*.json"), folder.glob("*.md")
    return code, json.loads(data.read_text()), report.read_text()


def run_python(script):
    """Run a script in a process where the stand-in is CuPy and few packages are installed."""
    return subprocess.run(
        [sys.executable, "-c", BEGIN + script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


def of_section(data, name):
    return next(section for section in data["sections"] if section["name"] == name)


def notes_of(data, name):
    return " ".join(of_section(data, name)["notes"])


def cells_of(data, name):
    return {cell for t in of_section(data, name)["tables"] for row in t["rows"] for cell in row}
