"""Labels, biases, coverage, time and memory of maps of curves whose truth is known.

    python benchmarks/curves.py --out benchmarks/results/curves.md

Simulates maps of diodes, resistors and space-charge-limited contacts with noise, offsets, 5 %
clipped and 3 % dead curves, and compares what is found with what was put in.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.curves.conditioning.condition import condition_curves
from umlpsd_gpu.analyses.curves.curve_map import CurveMap
from umlpsd_gpu.analyses.curves.quantities.quantities import curve_quantities
from umlpsd_gpu.analyses.curves.quantities.transport_models import MODELS
from umlpsd_gpu.analyses.curves.representations import represent_curves
from umlpsd_gpu.analyses.curves.settings import QuantitySettings
from umlpsd_gpu.analyses.curves.workflow import neighbouring_curves
from umlpsd_gpu.clustering.cluster import cluster
from umlpsd_gpu.decision.labels import match_labels
from umlpsd_gpu.settings import AnalysisSettings
from umlpsd_gpu.simulate.curves import (
    RICHARDSON_A_M2_K2,
    SimulatedCurves,
    currents_of,
    simulate_curves,
)
from umlpsd_gpu.simulate.write_curves import write_simulated_curves

SETTINGS = QuantitySettings(area_m2=1e-15, richardson_a_m2_k2=RICHARDSON_A_M2_K2)
TRUTH = {
    "ideality": "ideality",
    "saturation_current": "saturation_current_a",
    "series_resistance": "series_resistance_ohm",
    "barrier_height": "barrier_ev",
    "ohmic_conductance": "conductance_s",
    "space_charge_coefficient": "sclc_a_per_v2",
}
MODEL_OF_KIND = "thermionic", "ohmic", "space-charge-limited"

# Measured in a fresh process: this one has used memory already
MEASURED = """
import json, resource, sys, time
from umlpsd_gpu import run_curves, write_report
start = time.perf_counter()
study = run_curves(sys.argv[1], area_m2=1e-15, richardson_a_m2_k2=1.2017e6, n_threads=2)
middle = time.perf_counter()
study.save(sys.argv[2] + "/study")
write_report(study, sys.argv[2] + "/report")
end = time.perf_counter()
used = resource.getrusage(resource.RUSAGE_SELF)
peak_mb, cpu_s = used.ru_maxrss / 1e3, used.ru_utime + used.ru_stime
print(json.dumps({"cpu_s": cpu_s, "study_s": middle - start, "report_s": end - middle,
    "peak_mb": peak_mb, "timings_s": study.timings_s, "k_opt": study.clustering.decision.k_opt}))
"""


@dataclass
class Findings:
    """What one map showed.

    Attributes
    ----------
    seed, k_opt : int
    right : float
        Share of the clustered curves whose label is that of their kind.
    n_changed : int
        Labels that are different without clipping.
    same_in_units : bool
        Whether labels are the same in A, nA and pA.
    models : float
        Share of curves with the right model of transport.
    deviations, errors, truth : dict of str to ndarray
        Of the valid values of each quantity.
    turn_on, turn_on_errors : dict of str to ndarray
        Deviations and stated errors, in steps of the bias.
    """

    seed: int
    k_opt: int
    right: float
    n_changed: int
    same_in_units: bool
    models: float
    deviations: dict[str, np.ndarray] = field(default_factory=dict)
    errors: dict[str, np.ndarray] = field(default_factory=dict)
    truth: dict[str, np.ndarray] = field(default_factory=dict)
    turn_on: dict[str, np.ndarray] = field(default_factory=dict)
    turn_on_errors: dict[str, np.ndarray] = field(default_factory=dict)


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--size", default="30x40", help="rows and columns of the maps")
    parser.add_argument("--k-max", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--without-timing", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    n_rows, n_cols = map(int, options.size.split("x"))
    found = []
    for seed in range(options.seeds):
        found.append(measure(seed, n_rows, n_cols, options.k_max, options.epochs))
        print(f"seed {seed}: K = {found[-1].k_opt}, {found[-1].right:.2%} right", file=sys.stderr)
    timing = None if options.without_timing else measure_time()
    text = "\n".join(report(found, options, timing)) + "\n"
    if options.out is None:
        print(text)
    else:
        options.out.write_text(text, encoding="utf-8")


def measure(seed: int, n_rows: int, n_cols: int, k_max: int, n_epochs: int) -> Findings:
    """Analyse one map, the same without clipping, and the same in other units."""
    size = {"n_rows": n_rows, "n_cols": n_cols, "seed": seed}
    made, unclipped = simulate_curves(**size), simulate_curves(**size, clipped_share=0.0)
    quick = {"sweep.k_max": k_max, "sweep.n_epochs": n_epochs}
    settings = AnalysisSettings().with_values(quick)
    k_opt, labels = labels_of(map_of(made), settings)
    _, without = labels_of(map_of(unclipped), settings)
    in_units = [labels_of(map_of(made, factor), settings)[1] for factor in (1e9, 1e12)]
    kind = made.truth["kind"]
    both = (labels > 0) & (kind >= 0)
    matched = match_labels(labels[both].astype(np.intp) - 1, kind[both].astype(np.intp))
    quantities = curve_quantities(condition_curves(map_of(made)), SETTINGS)
    number = np.nan_to_num(quantities["transport_model"].values).astype(int)
    names = np.array(["none", *(model.name for model in MODELS)])[number]
    found = Findings(
        seed=seed,
        k_opt=k_opt,
        right=float(np.mean(matched == kind[both])),
        n_changed=int(np.count_nonzero(labels != without)),
        same_in_units=all(np.array_equal(labels, other) for other in in_units),
        models=float(np.mean(names[kind >= 0] == np.array(MODEL_OF_KIND)[kind[kind >= 0]])),
    )
    for name, truth_name in TRUTH.items():
        quantity, truth = quantities[name], made.truth[truth_name]
        use = quantity.is_valid & np.isfinite(truth)
        found.deviations[name] = quantity.values[use] - truth[use]
        found.errors[name], found.truth[name] = quantity.errors[use], truth[use]
    for name, deviation, error in turn_on_deviations(made, quantities):
        found.turn_on[name], found.turn_on_errors[name] = deviation, error
    return found


def map_of(made: SimulatedCurves, factor: float = 1.0) -> CurveMap:
    """Return a map, with currents in another unit."""
    current = {sweep: factor * values for sweep, values in made.current.items()}
    return CurveMap(made.bias, current, shape=made.shape, positions=made.positions)


def labels_of(curves: CurveMap, settings: AnalysisSettings) -> tuple[int, np.ndarray]:
    """Return the decided K and the labels of all pixels."""
    conditioned = condition_curves(curves)
    neighbours = neighbouring_curves(curves, conditioned.is_usable)
    clustering = cluster(represent_curves(conditioned), settings, neighbours=neighbours)
    return clustering.decision.k_opt, clustering.spread_over(conditioned.is_usable).labels


def turn_on_deviations(
    made: SimulatedCurves, quantities: dict
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield deviations and errors of the turn-on voltages of each kind, in steps of the bias."""
    noise = condition_curves(map_of(made)).noise
    step = made.bias[1] - made.bias[0]
    for sign, side in ((1, "positive"), (-1, "negative")):
        fine = sign * np.linspace(0, made.recipe.bias_v, 20001)
        for number, kind in enumerate(made.recipe.kinds):
            rows = np.flatnonzero(
                (made.truth["kind"] == number) & quantities[f"turn_on_{side}"].is_valid
            )[::4]
            some = {name: values[rows] for name, values in made.truth.items()}
            excess = np.abs(currents_of(some, fine, made.recipe)) - 5 * noise[rows, None]
            after = np.argmax(excess >= 0, axis=1)
            each = np.arange(len(rows))
            share = excess[each, after] / (excess[each, after] - excess[each, after - 1])
            true_v = fine[after] - share * (fine[after] - fine[after - 1])
            values = quantities[f"turn_on_{side}"].values[rows]
            errors = quantities[f"turn_on_{side}"].errors[rows]
            yield f"turn-on, {side}, {kind}", (values - true_v) / step, errors / step


def measure_time() -> dict:
    """Analyse 7,200 curves of 256 points in a fresh process, with tables, maps and report."""
    with tempfile.TemporaryDirectory() as folder:
        path, _ = write_simulated_curves(Path(folder) / "curves.npz")
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, str(path), folder],
            capture_output=True,
            text=True,
            check=True,
        )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def report(
    found: list[Findings], options: argparse.Namespace, timing: dict | None
) -> Iterator[str]:
    """Yield the lines of the report."""
    n = len(found)
    good = sum(each.right >= 0.98 and each.k_opt == 3 for each in found)
    yield "# Maps of curves of known truth"
    yield ""
    yield (
        f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores; made by "
        f"`benchmarks/curves.py`. {n} simulated maps of {options.size} pixels × 256 points "
        f"(K 1…{options.k_max}, {options.epochs} epochs): diodes (n = 1.3, barrier 0.36 eV, "
        "20 MΩ), resistors (5 nS) and space-charge-limited contacts (1 nA/V²) with a spread of "
        "15 %, noise 2 pA, offsets of 5 pA and 3 mV, 5 % of the curves clipped, 3 % dead."
    )
    yield ""
    yield "| what | found | required |"
    yield "|---|---|---|"
    yield f"| maps with ≥ 98 % right labels at the decided K | {good} of {n} | 19 of 20 |"
    worst = min(each.right for each in found)
    yield f"| right labels, worst map | {worst:.2%} | 98 % |"
    yield f"| labels changed by clipping, all maps | {sum(e.n_changed for e in found)} | 0 |"
    same = sum(each.same_in_units for each in found)
    yield f"| maps with the same labels in A, nA and pA | {same} of {n} | all |"
    yield f"| right model of transport | {np.mean([e.models for e in found]):.2%} | |"
    for name in found[0].turn_on:
        steps = np.concatenate([each.turn_on[name] for each in found])
        errors = np.concatenate([each.turn_on_errors[name] for each in found])
        cover = np.mean(np.abs(steps) < 1.959964 * errors)
        yield f"| {name}: bias, in steps | {steps.mean():+.3f} | ± 0.5 |"
        yield f"| {name}: 95 % intervals cover | {cover:.1%} | 93…97 % |"
    barrier = np.concatenate([each.deviations["barrier_height"] for each in found])
    yield f"| barrier height: bias | {1e3 * barrier.mean():+.4f} meV | ± 10 meV |"
    yield ""
    yield "| quantity | values | bias | required | 95 % intervals cover | required |"
    yield "|---|---|---|---|---|---|"
    for name in TRUTH:
        deviation, error, truth = (
            np.concatenate([getattr(each, part)[name] for each in found])
            for part in ("deviations", "errors", "truth")
        )
        cover = np.mean(np.abs(deviation) < 1.959964 * error)
        limit = "± 2 %" if name == "ideality" else ""
        bias = np.mean(deviation / truth)
        yield f"| {name} | {truth.size:,} | {bias:+.4%} | {limit} | {cover:.1%} | 93…97 % |"
    if timing is not None:
        yield ""
        steps = ", ".join(f"{step} {s:.1f}" for step, s in timing["timings_s"].items())
        total = timing["study_s"] + timing["report_s"]
        yield (
            f"7,200 × 256 points, K 1…15 × 100 epochs, in a fresh process with two threads: "
            f"{total:.0f} s (study {timing['study_s']:.0f} s: {steps}; tables, maps and report "
            f"{timing['report_s']:.0f} s); required 60 s. Peak memory {timing['peak_mb']:,.0f} MB; "
            f"required 1,000 MB. All this took {timing['cpu_s']:.0f} s of processor time; other "
            f"programs were running, and the load of the machine was {os.getloadavg()[1]:.1f}."
        )


if __name__ == "__main__":
    main()
