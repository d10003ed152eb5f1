"""Prove the GPU engine on the card of this machine: right, repeatable, and how fast.

    python benchmarks/gpu_proof.py

Ends within 8 minutes (``--minutes``) and writes ``benchmarks/results/<card>.md`` with a JSON file,
both again after every section. Needs CuPy, NumPy, SciPy, scikit-learn, tifffile, h5py,
threadpoolctl and a checkout; sections that need something else are skipped with the reason.
Exit code 0: every section ran or was skipped with a reason; 1: one failed, or a result is wrong;
3: there is no GPU.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# the package need not be installed; the sections are next to this file
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from gpu import card, report, suite  # noqa: E402
from gpu.proof import LeftOut, Proof, Section  # noqa: E402

from umlpsd_gpu.compute.backend import gpu_missing  # noqa: E402
from umlpsd_gpu.compute.kernel_loader import COMPILED  # noqa: E402

MINUTES = 8.0
NO_GPU = 3
# time to write the report and print the table
LAST_SECONDS = 5.0
STOP_BEFORE_S = 0.5
# largest memory of the proof, even on larger cards
MOST_DEVICE_BYTES = 100 * 10**9


@dataclass(frozen=True)
class Part:
    """A section and its share of 8 minutes.

    Attributes
    ----------
    least_s : float
        It is skipped if less time than this is left.
    most_s : float
        Its time limit, so that later sections can run.
    """

    name: str
    module: str
    least_s: float
    most_s: float


# in order of importance, since the last ones are skipped if time is short
PARTS = (
    Part("ceilings", "gpu.ceilings", 5, 40),
    Part("sweep_grid", "gpu.grid", 20, 80),
    Part("spectra", "gpu.spectra", 20, 80),
    Part("smoothing", "gpu.smoothing", 10, 40),
    Part("micrographs", "gpu.micrographs", 15, 40),
    Part("particles", "gpu.particles", 15, 40),
    Part("movie", "gpu.movie", 15, 60),
    Part("sweep_large", "gpu.large", 30, 140),
    Part("sanitizer", "gpu.sanitizer", 30, 140),
    Part("tests", "gpu.suite", 30, 180),
    Part("study", "gpu.study", 10, 40),
    Part("peers", "gpu.peers", 10, 80),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sections; return the exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    options = _options(arguments)
    started = time.monotonic() - options.spent
    reason = gpu_missing()
    if reason:
        print(f"no GPU to prove anything on: {reason}")
        return NO_GPU
    # a kernel that never ends can't be stopped from inside: the process then ends, and keeps the
    # reports written so far
    left_s = max(1.0, 60 * options.minutes - options.spent)
    faulthandler.dump_traceback_later(left_s, exit=True, file=sys.__stderr__)
    # which would leave pytest or compute-sanitizer behind: they have process groups of their own
    stopper = threading.Timer(max(0.0, left_s - STOP_BEFORE_S), suite.stop_all)
    stopper.daemon = True
    stopper.start()
    try:
        proof = _begin(options)
        path = options.take_up or _report_path(options, proof)
        print(f"{proof.facts['card']}, commit {proof.facts['commit']}, report {path}", flush=True)
        done = {section.name for section in proof.sections}
        for part in PARTS:
            if part.name not in options.only or part.name in done:
                continue
            _run(proof, part, started, options.minutes, path)
            if proof.section.status == "failed" and _device_is_lost(proof):
                _continue_in_new_process(arguments, path, time.monotonic() - started)
    finally:
        stopper.cancel()
        faulthandler.cancel_dump_traceback_later()
    _note_kernels(proof, path)
    print(f"\n{report.summary(proof)}\n\n{path}", flush=True)
    return 1 if proof.failed_sections() or proof.wrong_results() else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [part.name for part in PARTS]
    parser.add_argument("--minutes", type=float, default=MINUTES, help="end within (default 8)")
    parser.add_argument(
        "--rehearse", action="store_true", help="tiny sizes, whose timings mean nothing"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="SECTION")
    parser.add_argument("--commit", help="where the checkout came without .git")
    # for compute-sanitizer: a separate allocation per array, so that it knows their ends
    parser.add_argument("--plain-memory", action="store_true", help=argparse.SUPPRESS)
    # for this script itself: the report so far, and the seconds that it took
    parser.add_argument("--take-up", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--spent", type=float, default=0.0, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _begin(options: argparse.Namespace) -> Proof:
    cupy = import_module("cupy")
    if options.plain_memory:
        cupy.cuda.set_allocator(None)
    cupy.get_default_memory_pool().set_limit(size=MOST_DEVICE_BYTES)
    proof = Proof(cupy, options.rehearse)
    proof.facts |= card.facts(cupy, ROOT, options.commit)
    if options.take_up:
        proof.take_up(json.loads(options.take_up.with_suffix(".json").read_text(encoding="utf-8")))
    return proof


def _report_path(options: argparse.Namespace, proof: Proof) -> Path:
    """Return the path of the report; a rehearsal or a part never replaces a complete one."""
    kind = ""
    if options.rehearse:
        kind = "-rehearsal"
    elif len(options.only) < len(PARTS):
        kind = "-part"
    return options.out / f"{card.slug(proof.facts['card'])}{kind}.md"


def _run(proof: Proof, part: Part, started: float, minutes: float, path: Path) -> None:
    """Run one section, catch its failure, and write the report."""
    section = Section(part.name)
    proof.sections.append(section)
    report.write(proof, path, card.command_line())
    pace = minutes / MINUTES
    begun = time.monotonic()
    left_s = 60 * minutes - (begun - started) - LAST_SECONDS
    proof.deadline = begun + min(left_s, pace * part.most_s)
    try:
        if left_s < pace * part.least_s:
            needed_s = f"{pace * part.least_s:.2g}"
            raise LeftOut(f"{max(left_s, 0):.0f} s were left, and it needs {needed_s}")
        run: Callable[[Proof], None] = import_module(part.module).run
        run(proof)
        section.status = "ran"
        # while the clocks are still up
        if state := card.state():
            proof.note(f"the card at the end of this section: {state}")
    except LeftOut as reason:
        section.status, section.reason = "left out", str(reason)
    except Exception:
        section.status, section.reason = "failed", traceback.format_exc()
    section.seconds = time.monotonic() - begun
    with suppress(Exception):  # a device that is lost cannot free its memory
        _free_memory(proof)
    report.write(proof, path, card.command_line())
    why = f": {section.reason.strip().splitlines()[-1]}" if section.reason else ""
    print(f"{part.name}: {section.status} in {section.seconds:.1f} s{why}", flush=True)


def _note_kernels(proof: Proof, path: Path) -> None:
    """Add what each kernel of this process takes of a multiprocessor."""
    columns = ("kernel", "registers", "spilled bytes", "static shared bytes")
    proof.sections.append(Section("kernels", "ran"))
    proof.table("as compiled here", columns, card.resources(COMPILED.values()))
    report.write(proof, path, card.command_line())


def _free_memory(proof: Proof) -> None:
    """Free the device's memory for the next section."""
    gc.collect()
    pool = proof.cupy.get_default_memory_pool()
    pool.set_limit(size=MOST_DEVICE_BYTES)
    pool.free_all_blocks()


def _device_is_lost(proof: Proof) -> bool:
    """Return whether a fault of a kernel has made the device unusable for this process."""
    try:
        proof.cupy.cuda.runtime.deviceSynchronize()
    except proof.cupy.cuda.runtime.CUDARuntimeError:
        return True
    return False


def _continue_in_new_process(arguments: Sequence[str], path: Path, spent_s: float) -> None:
    """Become a new process, which reads the report so far and runs the remaining sections."""
    print("the device is lost to this process: going on in a fresh one", flush=True)
    taken_up = ["--take-up", str(path), "--spent", f"{spent_s:.1f}"]
    command = [sys.executable, str(Path(__file__).resolve()), *arguments, *taken_up]
    os.execv(sys.executable, command)


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")
    sys.exit(main())
