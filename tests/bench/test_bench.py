"""The benchmark's parts: protocols, agreement, ratios, exponents, comparison, report, command."""

import dataclasses
import json
import math
import signal
import sys

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from tests.support.ensembles import three_shapes
from tests.support.tolerances import METRIC_RTOL
from umlpsd_gpu.bench import contenders as who
from umlpsd_gpu.bench import run, timing
from umlpsd_gpu.bench.agreement import (
    Reference,
    compare_protocol,
    compare_sweep,
    inertia_excess_percent,
)
from umlpsd_gpu.bench.claim import Contender, claim_table
from umlpsd_gpu.bench.compare import compare, compare_measurements, comparison_lines, read_bench
from umlpsd_gpu.bench.machine import file_name
from umlpsd_gpu.bench.octave import octave_runs, octave_version
from umlpsd_gpu.bench.page import markdown
from umlpsd_gpu.bench.paper_protocol import ALL, METRICS, separate_runs, shared_partitions
from umlpsd_gpu.bench.report import terminal_lines, write_bench
from umlpsd_gpu.bench.result import REQUIRED, Target, as_dict, measurements, targets
from umlpsd_gpu.bench.roofline import Ceilings, Work, measure_ceilings, measure_work
from umlpsd_gpu.bench.scaling import fit_exponent, make_ensemble
from umlpsd_gpu.bench.stages import STAGES
from umlpsd_gpu.bench.timing import Measurement, format_duration, format_number, time_in_turn
from umlpsd_gpu.bench.verdict import verdict
from umlpsd_gpu.cli.main import main
from umlpsd_gpu.errors import OutputError, SettingsError
from umlpsd_gpu.kmeans.sweep import sweep

K_MAX = 4
SMALL = run.Plan(
    quick=True,
    classes={"PEB": 8, "TSB": 8, "PBB": 8},
    n_frames=1600,
    k_max=K_MAX,
    n_rounds=2,
    sizes={"n_traces": (20, 40), "n_clusters": (2, 3)},
    n_movie_frames=400,
    n_movie_rows=64,
    n_emitters=10,
    n_studies=1,
)


@pytest.fixture(scope="module")
def values():
    return three_shapes(40, 120, 0.3)[0]


@pytest.fixture(scope="module")
def reference(values):
    return Reference.of(values, K_MAX)


@pytest.fixture(scope="module")
def result():
    return run.bench(SMALL)


def plain_ssd(values, labels):
    return sum(
        ((values[labels == c] - values[labels == c].mean(axis=0)) ** 2).sum() for c in set(labels)
    )


def plain_calinski_harabasz(values, labels):
    n, k = len(values), len(set(labels))
    within = plain_ssd(values, labels)
    between = plain_ssd(values, np.zeros(n, dtype=int)) - within
    return between / (k - 1) / (within / (n - k))


def plain_silhouette(values, labels):
    """Mean over the traces, squared Euclidean; 0 for a trace alone."""
    total = 0.0
    for i, own in enumerate(labels):
        sqdist = ((values - values[i]) ** 2).sum(axis=1)
        mates = (labels == own).sum() - 1
        if mates:
            a = sqdist[labels == own].sum() / mates
            b = min(sqdist[labels == c].mean() for c in set(labels) - {own})
            total += (b - a) / max(a, b)
    return total / len(labels)


@pytest.mark.parametrize("protocol", [separate_runs, shared_partitions])
def test_protocols_find_the_metrics_of_their_labels(protocol, values):
    found = protocol(values, 2, seed=1, k_max=K_MAX).found
    assert set(found) == set(METRICS)
    for metric, judge in {
        "SS": lambda labels: plain_silhouette(values, labels),
        "CH": lambda labels: plain_calinski_harabasz(values, labels),
        "SSD": lambda labels: plain_ssd(values, labels),
    }.items():
        for at in np.ndindex(found[metric].values.shape):
            if found[metric].k_values[at[0]] > 1 or metric == "SSD":
                expected = judge(found[metric].labels[at])
                assert found[metric].values[at] == pytest.approx(expected, rel=METRIC_RTOL)


def test_the_paper_runs_k_means_for_each_metric_and_5_replicates_for_ch(values):
    run = separate_runs(values, 3, k_max=K_MAX)
    assert run.found["SS"].k_values.tolist() == run.found["CH"].k_values.tolist() == [2, 3, 4]
    assert run.found["SSD"].k_values.tolist() == [1, 2, 3, 4]
    assert not np.array_equal(run.found["SS"].labels, run.found["SSD"].labels[1:])
    # the best of five is as good as a single one on average, or better
    single = shared_partitions(values, 10, k_max=K_MAX).found["CH"].values[1:].mean(axis=1)
    assert (run.found["CH"].values.mean(axis=1) >= single * (1 - 1e-9)).all()
    assert run.seconds[ALL] == pytest.approx(sum(run.seconds[m] for m in METRICS))


def test_a_shared_partition_is_paid_once(values):
    run = shared_partitions(values, 2, k_max=K_MAX)
    assert max(run.seconds[m] for m in METRICS) < run.seconds[ALL]
    assert run.seconds[ALL] < sum(run.seconds[m] for m in METRICS)


def test_another_seed_gives_other_partitions(values):
    same, again, other = (
        shared_partitions(values, 2, seed, K_MAX).found["SSD"].labels for seed in (0, 0, 1)
    )
    assert np.array_equal(same, again)
    assert not np.array_equal(same, other)


def test_right_results_agree(values, reference):
    ours = sweep(values, range(1, K_MAX + 1), 20)
    found = compare_sweep(ours, reference)
    assert found.agrees
    assert found.rand == 1
    for protocol in (separate_runs, shared_partitions):
        assert compare_protocol(protocol(values, 10, 5, K_MAX), reference).agrees


def spoilt(found, name):
    """Return a sweep that is wrong in one way."""
    if name == "metric":
        return dataclasses.replace(found, silhouette=found.silhouette + 1e-5)
    if name == "ssd":
        return dataclasses.replace(found, ssd=found.ssd * 1.05)
    if name == "nan":
        return dataclasses.replace(found, ssd=np.full_like(found.ssd, np.nan))
    labels = np.random.default_rng(0).permuted(found.labels, axis=2)
    return dataclasses.replace(found, labels=labels)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("metric", "metrics differ"),
        ("ssd", r"inertia is off by \+5"),
        ("nan", "inertia is off"),
        ("labels", "adjusted Rand index"),
    ],
)
def test_wrong_results_are_found(values, reference, name, told):
    import re

    found = compare_sweep(spoilt(sweep(values, range(1, K_MAX + 1), 20), name), reference)
    assert not found.agrees
    assert any(re.search(told, sentence) for sentence in found.objections)


def test_a_row_that_disagrees_is_marked_and_not_quoted(values):
    def right(curves, n_epochs, seed):
        return sweep(curves, range(1, K_MAX + 1), n_epochs)

    def wrong(curves, n_epochs, seed):
        return spoilt(right(curves, n_epochs, seed), "metric")

    epochs = dict.fromkeys(("raw", "WL6", "W80"), 20)
    rivals = [Contender("right", right, epochs), Contender("wrong", wrong, epochs)]
    ensembles = dict.fromkeys(epochs, values)
    table = claim_table(ensembles, rivals, 1, K_MAX, 0, lambda *_: None)
    assert table.agrees("right")
    assert not table.agrees("wrong")
    assert table.quoted("wrong") is None
    assert table.faster("right", "right", "raw") == 1
    assert math.isnan(table.faster("right", "wrong", "raw"))
    assert (
        verdict(table, "wrong", "wrong")[:1] == []
        or "times longer" not in verdict(table, "wrong", "wrong")[0]
    )


def test_few_epochs_are_scaled_to_100(values):
    def slow(curves, n_epochs, seed):
        return dataclasses.replace(
            shared_partitions(curves, n_epochs, seed, K_MAX), seconds={ALL: 0.5 * n_epochs}
        )

    epochs = {"raw": 1, "WL6": 2, "W80": 5}
    table = claim_table(
        dict.fromkeys(epochs, values), [Contender("slow", slow, epochs)], 3, K_MAX, 0, print
    )
    (row,) = table.rows
    assert [m.seconds for m in row.seconds.values()] == [(50.0,) * 3] * 3
    assert row.epochs_run == {"raw": 3, "WL6": 6, "W80": 15}
    assert row.saved_by_smoothing("raw") == 1


def test_epochs_beyond_those_timed_are_judged_with_them(values):
    seen = []

    def once(values, n_epochs, seed):
        return separate_runs(values, n_epochs, seed, K_MAX)

    def more(coordinates, seed):
        seen.append(coordinates)
        found = separate_runs(coordinates, 4, seed, K_MAX)
        bad = dataclasses.replace(found.found["SSD"], values=2 * found.found["SSD"].values)
        return dataclasses.replace(found, found={"SSD": bad})

    table = claim_table(
        {"raw": values, "W80": values},
        [Contender("few", once, {"raw": 1, "W80": 1}, more=more)],
        1,
        K_MAX,
        0,
        lambda *_: None,
    )
    assert [c.shape for c in seen] == [(len(values), len(values))] * 2
    assert np.allclose(pdist(seen[0]), pdist(values))
    # four of five epochs twice as high
    assert 60 < table.agreement["few"]["raw"].inertia_excess_percent < 100
    assert table.row("few").epochs_run == {"raw": 1, "W80": 1}


def test_gpu_rows_run_where_there_is_a_gpu(on_cpu, values):
    rivals, missing = who.find_contenders(K_MAX, quick=True)
    (gpu,) = (one for one in rivals if one.name == who.BATCHED_GPU)
    assert who.BATCHED_GPU not in missing
    found = gpu.run(values, 5, 0)
    assert np.array_equal(found.labels, sweep(values, range(1, K_MAX + 1), 5).labels)


def test_who_is_missing_is_told_with_the_reason():
    if who.gpu_missing() is None:
        pytest.skip("there is a GPU here")
    _, missing = who.find_contenders(K_MAX, quick=True)
    assert missing[who.BATCHED_GPU] == missing[who.CUML] == who.gpu_missing()
    assert "--quick" in missing[who.OCTAVE]


def test_a_reference_of_one_candidate_ends_higher(values):
    of_one, of_several = (Reference.of(values, 8, candidates=c, n_epochs=60) for c in (1, None))
    excess, stderr = inertia_excess_percent(of_one.found, of_several)
    assert excess > 3 * stderr


@pytest.mark.skipif(octave_version() is None, reason="GNU Octave with 'statistics' is missing")
def test_octave_agrees_with_a_reference_of_its_own_kmeans_plusplus(values):
    # many starts: a bad one in three clusters of equal size is rare and dear
    found = octave_runs(values, 30, K_MAX)
    of_one = Reference.of(values, K_MAX, candidates=1, n_epochs=100)
    agreement = compare_protocol(found, of_one)
    assert agreement.metric_difference < METRIC_RTOL
    assert agreement.agrees, agreement


@pytest.mark.skipif(octave_version() is None, reason="GNU Octave with 'statistics' is missing")
def test_octave_repeats_itself(values):
    found = octave_runs(values, 2, K_MAX)
    assert found.found["SSD"].labels.shape == (K_MAX, 2, len(values))
    again = octave_runs(values, 2, K_MAX)
    assert np.array_equal(found.found["SSD"].labels, again.found["SSD"].labels)
    assert all(seconds > 0 for seconds in found.seconds.values())


def test_rounds_run_in_turn(monkeypatch):
    order, told = [], []
    monkeypatch.setattr(timing, "LEAST_ROUND_S", 0.0)
    works = {name: lambda name=name: order.append(name) for name in "ab"}
    found = time_in_turn(works, 3, warm_up=False, report=lambda *done: told.append(done))
    assert "".join(order) == "ababab"
    assert len(found["a"].seconds) == 3
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_short_works_are_repeated_in_a_round():
    calls = []
    found = time_in_turn({"short": lambda: calls.append(0)}, 2)
    assert len(calls) > 100
    assert found["short"].high < timing.LEAST_ROUND_S / 10


def test_measurements():
    found = Measurement((3.0, 1.0, 2.0))
    assert (found.low, found.median, found.high) == (1, 2, 3)
    assert found.multiply(10).seconds == (30, 10, 20)
    # slower by half in its second round, as the other was: the machine
    assert found.ratio_to(Measurement((1.5, 0.5, 0.5))) == 2
    assert found.ratio_to(Measurement((1.0,))) == 3
    assert [format_duration(s) for s in (12.34, 0.0456, 7.8e-6)] == ["12.3 s", "45.6 ms", "7.80 µs"]
    assert [format_number(v) for v in (1234.5, 1.0, math.nan)] == ["1,234", "1.00", "–"]


def test_the_exponent_of_a_power_law_is_found():
    sizes = np.array([1.0, 2, 4, 8, 16, 32])
    assert fit_exponent(sizes, 3 * sizes**1.7) == pytest.approx(1.7)
    # fixed costs, that hide it at small sizes
    assert fit_exponent(sizes, np.maximum(3 * sizes**2, 100)) > 1.5


def test_ensembles_of_any_size():
    traces = np.random.default_rng(0).random((20, 1000))
    assert np.array_equal(make_ensemble(traces, 20, 1000, 0), traces)
    binned = make_ensemble(traces, 20, 10, 0)
    assert binned == pytest.approx(traces.reshape(20, 10, 100).mean(axis=2))
    many = make_ensemble(traces, 333, 10, 0)
    assert len(np.unique(many, axis=0)) == 333


def test_flops_are_those_of_the_products(in_step):
    """K = 1: one product at the first update, one for the metrics, 1 × n with n × n each epoch."""
    values = np.random.default_rng(0).random((30, 50))
    work = measure_work(values, range(1, 2), 7)
    gram = 2 * 30 * 30 * 50
    assert work.flops == gram + 2 * (7 * 2 * 30 * 30)
    assert work.n_bytes == values.nbytes + 2 * 7 * 30
    assert work.cached_bytes == 0


def test_rows_are_those_that_compiled_code_sums(compiled_kernel):
    """K = 1: every trace's row once, in each epoch."""
    values = np.random.default_rng(0).random((30, 50))
    work = measure_work(values, range(1, 2), 7)
    assert work.flops == 2 * 30 * 30 * 50
    assert work.cached_bytes == 7 * 30 * 30 * 8


def test_the_floor_is_the_larger_of_two():
    second = Measurement((1.0,))
    ceilings = Ceilings(second, second, second, 100.0, copy_bytes=10.0, read_bytes=40.0)
    assert Work(500.0, 20.0).floor_s(ceilings) == 5
    assert Work(500.0, 80.0).floor_s(ceilings) == 8
    assert Work(500.0, 80.0, 60.0).floor_s(ceilings) == 9.5
    assert Work(500.0, 20.0, 60.0).multiply(2).floor_s(ceilings) == 13


def test_ceilings_are_measured():
    ceilings = measure_ceilings(2)
    assert 1e8 < ceilings.flops_per_s < 1e15
    assert 1e7 < ceilings.bytes_per_s < 1e13


def test_what_got_slower_is_told_apart_from_the_machine():
    def rounds(seconds, ours=True):
        return Measurement(tuple(seconds * s for s in (0.98, 1.0, 1.02)), ours)

    before = {name: rounds(1.0) for name in ("slow", "same", "fast")}
    before |= {"other": rounds(1.0, ours=False)}
    now = {"slow": rounds(3.0), "same": rounds(2.0), "fast": rounds(1.0), "new": rounds(1.0)}
    now |= {"other": rounds(2.0, ours=False)}
    found = compare_measurements(before, now)
    assert found.machine_factor == 2
    assert [(c.name, c.verdict) for c in found.changes] == [
        ("slow", "slower"),
        ("same", "as before"),
        ("fast", "faster"),
    ]
    text = "\n".join(comparison_lines(found))
    assert "1.50 times slower: slow" in text
    assert "2.00 times faster: fast" in text


def test_a_machine_that_changes_its_speed_within_a_benchmark_is_not_a_slower_engine():
    def rounds(seconds, ours=True):
        return Measurement(tuple(seconds * s for s in (0.98, 1.0, 1.02)), ours)

    names = ("early", "late", "like late", "beyond")
    before = {name: rounds(1.0, ours=name in names[2:]) for name in names}
    now = {"early": rounds(0.8, ours=False), "late": rounds(1.25, ours=False)}
    now |= {"like late": rounds(1.3), "beyond": rounds(1.5)}
    verdicts = {c.name: c.verdict for c in compare_measurements(before, now).changes}
    assert verdicts == {"like late": "as before", "beyond": "slower"}


def test_noise_is_not_slower():
    before, now = Measurement((1.0, 1.1, 1.6)), Measurement((1.2, 1.5, 1.7))
    found = compare_measurements({"work": before}, {"work": now})
    assert found.of("as before")
    assert "Nothing became slower" in comparison_lines(found)[-1]


def test_a_whole_benchmark_and_its_files(result, tmp_path):
    assert set(result.stages.seconds) == set(STAGES)
    page = write_bench(result, tmp_path / "results")
    name = file_name(result.machine)
    assert page == tmp_path / "results" / f"{name}.md"
    endings = (".md", ".json", "_claim.png", "_claim.svg", "_scaling.png", "_scaling.svg")
    assert sorted(p.name for p in page.parent.iterdir()) == sorted(name + e for e in endings)
    text = page.read_text()
    for who_runs in (who.PROTOCOL, who.LOOP, who.BATCHED_CPU, "paper, MATLAB"):
        assert f"| {who_runs} | all three |" in text
    for stage in STAGES:
        assert f"| {stage} |" in text
    assert "nan" not in text
    data = json.loads((page.parent / f"{name}.json").read_text())
    assert data == json.loads(json.dumps(as_dict(result)))
    assert set(data["measurements"]) == set(measurements(result))


def test_our_rows_agree_and_the_verdict_says_what_is_left(result):
    assert result.claim.agrees(who.BATCHED_CPU)
    assert [(t.slow, t.scale) for t in targets(result)] == list(REQUIRED)
    told = " ".join(verdict(result.claim, who.PROTOCOL, who.BATCHED_CPU))
    assert "engine `batched`" in told
    assert max(map(len, terminal_lines(result)[:20])) <= 80


def test_a_target_that_is_missed_is_told_with_what_bounds_it():
    held = Target("loop", "raw", 400.0, 1000.0, needed_s=0.3, floor_s=0.04)
    assert str(held) == "reached"
    missed = dataclasses.replace(held, measured=40.0, needed_s=0.03)
    assert str(missed).startswith("missed: this needs 30.0 ms, below the 40.0 ms")
    assert "above the 40.0 ms" in str(dataclasses.replace(missed, needed_s=0.05))
    assert str(dataclasses.replace(held, measured=math.nan)) == "unknown"


def test_the_page_says_what_got_slower(result):
    older = as_dict(result)
    older["measurements"] = {
        name: m | {"seconds": [s / 10 for s in m["seconds"]]} if m["ours"] else m
        for name, m in older["measurements"].items()
    }
    text = markdown(result, comparison=compare(older, result))
    assert "10.00 times slower: claim/(c) batched, CPU" in text
    older["measurements"]["ceilings/copy"]["seconds"] = [1.0, 2.0, 9.0]
    disturbed = markdown(result, comparison=compare(older, result))
    assert "The older benchmark was disturbed: rounds of work" in disturbed
    older["machine"] = older["machine"] | {"n_cores": 999}
    assert "Another machine: n_cores was 999" in markdown(result, comparison=compare(older, result))


@pytest.mark.parametrize("text", [None, "no json", "[]", '{"format": "umlpsd study"}'])
def test_what_is_no_benchmark_is_refused(tmp_path, text):
    path = tmp_path / "old.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError, match="umlpsd bench"):
        read_bench(path)


def test_a_folder_that_is_a_file_is_refused(result, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="another folder"):
        write_bench(result, tmp_path / "file")


def test_machine_names_are_file_names():
    facts = {"processor": "Intel(R) Xeon(TM) W-2245 @ 3.9GHz", "n_cores": 8, "gpu": "none found"}
    assert file_name(facts) == "intel-xeon-w-2245-3-9ghz-8-cores"
    facts["gpu"] = "NVIDIA H200, compute capability 9.0, 132 multiprocessors"
    assert file_name(facts).endswith("nvidia-h200-8-cores")


@pytest.fixture
def umlpsd(monkeypatch, capsys):
    """Run the command here: exit code, standard output and error."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["umlpsd", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run


def test_the_command(umlpsd, monkeypatch, result, tmp_path):
    asked = []
    monkeypatch.setattr(run, "bench", lambda plan, seed, report: asked.append(plan) or result)
    code, out, _ = umlpsd("bench", "--quick", "--out", tmp_path / "a")
    assert code == 0
    assert asked == [run.QUICK]
    assert "Seconds for 14 K × 100 epochs" in out
    (older,) = (tmp_path / "a").glob("*.json")
    code, out, _ = umlpsd("bench", "--out", tmp_path / "b", "--compare", older)
    assert code == 0
    assert asked[1] == run.FULL
    assert "Nothing became slower beyond noise" in out


def test_the_command_refuses_before_it_measures(umlpsd, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = umlpsd("bench", "--out", tmp_path / "file" / "below")
    assert code == 3
    assert "choose another folder" in err
    code, _, err = umlpsd("bench", "--out", tmp_path, "--seed", "-1")
    assert code == 2
    assert "--seed must be 0 or above, got -1" in err
    code, _, err = umlpsd("bench", "--out", tmp_path, "--compare", tmp_path / "none.json")
    assert code == 2
    assert "can't be read as a benchmark" in err
