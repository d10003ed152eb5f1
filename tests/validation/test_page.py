"""umlpsd validate: page, numbers and command line; the same seed gives the same numbers."""

import dataclasses
import json
import signal
import sys

import numpy as np
import pytest

from tests.report.test_page import Page
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.blinking.workflow import run_study
from umlpsd_gpu.cli.main import main
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.traces import simulate_traces
from umlpsd_gpu.validation import exponents
from umlpsd_gpu.validation.ensembles import Conditions
from umlpsd_gpu.validation.page import render_validation, validation_table, write_validation
from umlpsd_gpu.validation.rates import rate_of
from umlpsd_gpu.validation.summary import headline, notes_of, simulated_in_words, summary_of
from umlpsd_gpu.validation.validate import validate

QUICK = Settings().with_values(
    {"preprocess.scales": ["raw", "W20"], "sweep.n_epochs": 5, "sweep.k_max": 5}
)
SMALL = Conditions({"PEB": 8, "PBB": 8, "MSB": 3}, n_frames=600, dt_s=0.5)
FEW_TRACES = 20


@pytest.fixture(scope="module", autouse=True)
def few_noise_traces():
    patch = pytest.MonkeyPatch()
    patch.setattr(exponents, "N_TRACES", FEW_TRACES)
    patch.setattr(exponents, "TRACES_AT_ONCE", FEW_TRACES // 2)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def validation():
    return validate(QUICK, SMALL, n_ensembles=2, seed=3)


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


def test_the_same_seed_gives_the_same_numbers(validation):
    told = []
    again = validate(QUICK, SMALL, 2, seed=3, progress=lambda *step: told.append(step))
    first, second = (summary_of(v) | {"timings_s": None} for v in (validation, again))
    assert json.dumps(first) == json.dumps(second)
    assert told[0] == ("ensembles", 0, 2)
    assert told[-1] == ("exponents", 4, 4)
    other = summary_of(validate(QUICK, SMALL, 2, seed=4))
    assert other["exponents"] != first["exponents"]
    assert other["ensembles"] != first["ensembles"]


def test_more_ensembles_keep_the_first(validation):
    more = validate(QUICK, SMALL, n_ensembles=3, seed=3).recovery
    assert np.array_equal(more.confusion[:2], validation.recovery.confusion)
    assert np.array_equal(more.confidence[:2], validation.recovery.confidence)


def test_every_trace_is_counted(validation):
    recovery = validation.recovery
    assert recovery.classes == ("PEB", "PBB", "MSB")
    assert recovery.k_true == 2
    assert recovery.confusion.shape == (2, 3, 3)
    assert recovery.confusion.sum(axis=2).tolist() == [[8, 8, 3]] * 2
    kept = recovery.confusion_without_outliers.sum(axis=2) + recovery.n_flagged
    assert kept.tolist() == [[8, 8, 3]] * 2
    assert recovery.n_right.max() <= 16
    assert recovery.n_right.min() >= 8
    # any eye tells bleaching traces from brightening ones over 300 s
    assert recovery.accuracy_at("W20").share > 0.9


def test_beta_is_tried_at_the_conditions(validation):
    tests = validation.exponents
    assert [t.beta for t in tests[::3]] == [0.0, 0.5, 1.0, 1.5]
    assert [t.shot_noise for t in tests[:3]] == [False, True, True]
    assert [t.model for t in tests[:3]] == ["power_law", "power_law", "power_law_floor"]
    assert all(t.n_traces == FEW_TRACES for t in tests)
    # 600 frames: β of single traces scatters by 0.2, the mean of 20 by 0.05
    assert all(abs(t.bias) < 0.2 for t in tests if not t.shot_noise)
    assert validation.f_range_hz[1] <= 0.5 / SMALL.dt_s
    with_floor = QUICK.with_values({"spectrum.model": "power_law_floor"})
    own = validate(with_floor, SMALL, n_ensembles=1)
    assert {t.model for t in own.exponents} == {"power_law_floor"}
    assert own.fitting == "whittle"


def test_page_tells_what_was_simulated_and_what_rates_rest_on(validation):
    text = " ".join(Page(render_validation(validation, ())).text.split())
    assert headline(validation) in text
    assert " ".join(simulated_in_words(validation).split()) in text
    assert "2 ensembles of 19 traces (8 PEB, 8 PBB, 3 MSB) of 600 frames of 0.5 s" in text
    assert "150 to 400 counts" in text
    right = validation.recovery.k_right
    assert f"{100 * right.low:.1f} to {100 * right.high:.1f} %" in text
    assert "MSB traces are outliers and should not form a cluster" in text
    for note in notes_of(validation):
        assert note in text


def test_page_is_self_contained_and_escapes(validation):
    hostile = dataclasses.replace(SMALL, origin="<script>alert(1)</script>")
    page = render_validation(dataclasses.replace(validation, conditions=hostile), ())
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "default-src 'none'" in page


def with_tests(validation, *tests):
    return dataclasses.replace(validation, exponents=tests)


def test_notes_name_a_floor_where_it_helps(validation):
    noisy = next(t for t in validation.exponents if t.shot_noise)
    own = dataclasses.replace(noisy, beta=1.5, bias=-0.4, coverage=rate_of(10, 400))
    mended = dataclasses.replace(
        own, model="power_law_floor", bias=0.001, coverage=rate_of(380, 400)
    )
    (note,) = notes_of(with_tests(validation, own, mended))[-1:]
    assert "biases β by −0.40 at β = 1.5, and 2 % of its 95 % intervals contain the true β" in note
    assert "--psd-model power_law_floor" in note
    assert "below 0.01, and 95 % contain it" in note
    no_better = dataclasses.replace(mended, bias=-0.35)
    assert "--psd-model" not in notes_of(with_tests(validation, own, no_better))[-1]
    sound = dataclasses.replace(own, bias=0.01, coverage=rate_of(380, 400))
    assert not any("shot noise" in note for note in notes_of(with_tests(validation, sound)))


def test_notes_name_overconfidence(validation):
    def notes(k_opt, confidence):
        recovery = dataclasses.replace(
            validation.recovery,
            k_opt=np.array(k_opt),
            confidence=np.array(confidence),
            chosen=("raw",) * len(k_opt),
        )
        return " ".join(notes_of(dataclasses.replace(validation, recovery=recovery)))

    assert "confidence is too high" in notes([3] * 12, [0.9] * 12)
    assert "too high" not in notes([2] * 12, [0.9] * 12)
    assert "12 ensembles" not in notes([2] * 12, [0.9] * 12)
    assert "1 ensemble can only show" in notes([2], [0.9])


def test_one_class_has_no_accuracy(place):
    alone = validate(QUICK, Conditions({"PBB": 8}, n_frames=600), n_ensembles=1)
    folder = write_validation(alone, place / "one")
    assert headline(alone).startswith("K = 1 found in ")
    assert "labelled right" not in (folder / "validation.html").read_text("utf-8")
    assert not (folder / "figures/accuracy_by_scale.png").exists()
    assert validation_table(alone).row_count > 3


def test_folder_is_whole_and_only_replaced_when_asked(validation, place):
    folder = write_validation(validation, place / "v")
    summary = json.loads((folder / "validation.json").read_text("utf-8"))
    names = ("accuracy_by_scale", "exponents", "recovery")
    figures = [f"figures/{name}.{kind}" for name in names for kind in ("png", "svg")]
    assert summary["files"] == [*figures, "validation.html"]
    assert all((folder / name).stat().st_size > 1000 for name in summary["files"])
    with pytest.raises(OSError, match="already holds a validation"):
        write_validation(validation, place / "v")
    write_validation(validation, place / "v", overwrite=True)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(OSError, match=r"and also notes\.txt"):
        write_validation(validation, place / "v", overwrite=True)
    assert [path.name for path in place.iterdir()] == ["v"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--ensembles", "0"], "ensembles must be 1 to 10000, got 0"),
        (["--seed", "-1"], "the seed must be 0 or above, got -1"),
        (["--frames", "1000000000"], "too many to simulate"),
        (["--frames", "-5"], "must be above 0"),
        (["--frames", "30"], "log_welch needs traces of at least"),
        (["--dt-s", "0"], "must be above 0"),
        (["--counts", "high"], "--counts must look like 150,400, got 'high'"),
        (["--counts", "1,2,3"], "--counts must look like 150,400"),
        (["--counts", "nan"], "ON counts must be in rising order"),
        (["--background", "-3"], "the background must be 0"),
        (["--mix", "PEB"], "--mix must look like PEB=68,TSB=68, got 'PEB'"),
        (["--mix", "PEB=-2"], "--mix must look like"),
        (["--mix", "PEB=2,peb=3"], "--mix names PEB twice"),
        (["--mix", "XYZ=9"], "class 'XYZ' is not known"),
        (["--mix", "PEB=1,TSB=1,PBB=1"], "can't be clustered"),
        (["--like", "nowhere"], "is no study folder"),
        (["--settings", "nowhere.toml"], "there is no such file"),
    ],
)
def test_hostile_arguments_get_one_sentence(umlpsd, place, arguments, says):
    code, _, error = umlpsd("validate", "--out", place / "v", *arguments)
    assert code == 2
    assert says in " ".join(error.split())
    assert error.count("Error:") == 1
    assert "Traceback" not in error
    assert list(place.iterdir()) == []


def test_validate_like_a_study(umlpsd, place):
    traces = simulate_traces({"PEB": 6, "PBB": 6}, n_frames=600, dt_s=0.05, seed=1).traces
    run_study(traces, QUICK).save(place / "study")
    like = ["--like", place / "study", "--out", place / "v"]
    code, out, _ = umlpsd("validate", *like, "--ensembles", "1", "--background", "7")
    assert code == 0
    assert "validation.html" in out
    assert "Mean confidence" in out
    found = json.loads((place / "v/validation.json").read_text("utf-8"))
    simulated = found["simulated"]
    assert (simulated["n_frames"], simulated["dt_s"], simulated["n_traces"]) == (600, 0.05, 12)
    assert simulated["background_counts"] == 7
    assert 50 < simulated["on_counts"][0] < simulated["on_counts"][1] < 450
    assert simulated["origin"] == "study"
    assert "like the study study" in simulated["words"]
    assert found["settings"]["sweep"]["n_epochs"] == 5
    code, _, error = umlpsd("validate", *like)
    assert code == 2
    assert "already holds a validation" in " ".join(error.split())


def test_a_failure_midway_leaves_nothing(umlpsd, place, monkeypatch):
    def fail(*_):
        raise SettingsError("out of luck")

    monkeypatch.setattr("umlpsd_gpu.validation.figures.draw_validation", fail)
    small = ["--mix", "PBB=5", "--frames", "600", "--ensembles", "1"]
    code, _, error = umlpsd("validate", "--out", place / "v", *small)
    assert code == 2
    assert "out of luck" in error
    assert list(place.iterdir()) == []
