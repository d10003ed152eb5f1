"""What is sent is what the snapshot holds, in JSON that every browser reads."""

from __future__ import annotations

import base64
import dataclasses
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.live.page.conftest import Asker
from tests.support.live_snapshots import (
    ALARMS,
    DECISIONS,
    DT_S,
    NAME,
    decided,
    mean_image,
    snapshot,
    study_at,
    whole_traces,
)
from tests.support.studies import make_study
from umlpsd_gpu.live.page.board import IMAGE_EVERY_S, Board
from umlpsd_gpu.live.page.colours import ClusterColours
from umlpsd_gpu.live.page.picture_json import image_of
from umlpsd_gpu.live.page.plain import plain_numbers, to_json
from umlpsd_gpu.live.page.state_json import state_of
from umlpsd_gpu.live.page.study_json import MOST_DECISIONS, study_of
from umlpsd_gpu.live.page.trace_json import trace_of
from umlpsd_gpu.live.snapshot import Snapshot
from umlpsd_gpu.spectrum.clusters import cluster_spectra

ROUNDED = {"rtol": 1e-5}


def strict_json(values: Any) -> Any:
    """Return what a browser reads: NaN and Infinity are no JSON."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} in JSON")

    return json.loads(to_json(values), parse_constant=refuse)


def answer_of(board: Board, study: int = 0, picture: int = 0) -> dict[str, Any]:
    return json.loads(board.state(study, picture).plain)


def test_numbers_keep_six_digits_and_nan_is_null() -> None:
    values = [1 / 3, -1e-300, 2e300, 123456789.0, 0.0, np.nan, np.inf, -np.inf, 5e-324]
    found = plain_numbers(np.array(values))
    assert found[5:8] == [None] * 3
    np.testing.assert_allclose(found[:5], values[:5], rtol=5e-6)
    assert json.dumps(found[0]) == "0.333333"
    assert plain_numbers(np.zeros((2, 0))) == [[], []]


def test_a_state_before_the_first_frame() -> None:
    state = strict_json(state_of(Snapshot(1, "waiting", "film.tif", 0, 0, None, float("nan"))))
    assert state["lag_s"] is state["dt_s"] is state["time_s"] is state["decision"] is None
    assert state["n_emitters"] == 0


def test_a_state_with_a_decision() -> None:
    shown = snapshot(9, 2400, alarms=ALARMS, hint="enough data", message="m")
    state = strict_json(state_of(shown))
    study = shown.study
    assert state["n_frames"] == 2400
    assert state["time_s"] == pytest.approx(2400 * DT_S)
    assert state["decision"]["k"] == study.decision.k_opt
    assert state["decision"]["confidence"] == pytest.approx(study.decision.confidence, rel=1e-5)
    assert [alarm["since_s"] for alarm in state["alarms"]] == [
        pytest.approx(alarm.since_frame * DT_S) for alarm in ALARMS
    ]
    assert (state["hint"], state["message"]) == ("enough data", "m")


def test_unchanged_since_the_first_of_equal_decisions() -> None:
    shown = snapshot(1, 2400)
    last = shown.history[-1]
    other = replace(last, k=last.k + 1)
    history = tuple(
        replace(each, n_frames=n)
        for each, n in ((last, 300), (other, 500), (last, 900), (last, 1400))
    )
    state = state_of(replace(shown, history=history))
    assert state["decision"]["unchanged_s"] == pytest.approx((2400 - 900) * DT_S)
    assert state_of(replace(shown, history=()))["decision"]["unchanged_s"] is None


def test_an_image_is_thinned_to_512_pixels_and_scaled_to_bytes() -> None:
    values = np.zeros((1100, 700))
    values[:, 350:] = 10.0
    values[0, 0] = np.nan
    image = strict_json(image_of(values))
    grey = np.frombuffer(base64.b64decode(image["grey"]), np.uint8).reshape(-1, 234)
    assert (image["width"], grey.shape) == (3, (367, 234))
    assert (grey[:, :116] == 0).all()
    assert (grey[:, 117:] == 255).all()
    assert (image["low"], image["high"]) == (0, 10)


@pytest.mark.parametrize("values", [np.full((4, 5), 7.0), np.full((4, 5), np.nan)])
def test_images_without_contrast_are_black(values: np.ndarray) -> None:
    image = strict_json(image_of(values))
    assert set(base64.b64decode(image["grey"])) == {0}


def test_an_image_is_sent_again_when_it_changed_but_not_all_the_time() -> None:
    now = [100.0]
    board = Board(clock=lambda: now[0])
    board.show(snapshot(1, 600))
    before = answer_of(board)
    changed = replace(snapshot(2, 610), mean_image=mean_image()[::-1])
    board.show(changed)
    assert "picture" not in answer_of(board, **before["versions"])
    now[0] += IMAGE_EVERY_S
    board.show(replace(changed, number=3))
    after = answer_of(board, **before["versions"])
    assert after["picture"]["image"] != before["picture"]["image"]
    now[0] += IMAGE_EVERY_S
    # another array of the same values
    board.show(replace(changed, number=4, mean_image=changed.mean_image.copy()))
    assert "picture" not in answer_of(board, **after["versions"])
    # the last image is always sent
    board.show(replace(changed, number=5, mean_image=mean_image(), state="finished"))
    assert "picture" in answer_of(board, **after["versions"])


def test_new_emitters_are_sent_at_once() -> None:
    board = Board(clock=lambda: 0.0)
    board.show(snapshot(1, 120))
    before = answer_of(board)
    assert before["picture"]["ids"] == []
    board.show(snapshot(2, 330))
    picture = answer_of(board, **before["versions"])["picture"]
    assert picture["ids"] == list(whole_traces().ids)
    np.testing.assert_allclose(picture["rows"], whole_traces().rows, **ROUNDED)


def test_a_study_is_that_of_the_snapshot() -> None:
    shown = snapshot(1, 2400)
    study = shown.study
    found = strict_json(study_of(study, shown.history, DT_S, ClusterColours()))
    assert found["labels"] == study.labels.tolist()
    clusters = found["clusters"]
    np.testing.assert_allclose([c["beta"] for c in clusters], study.clusters.beta_mean, **ROUNDED)
    assert [c["n"] for c in clusters] == [np.sum(study.labels == c["cluster"]) for c in clusters]
    sweep = study.sweep_at(study.decision.scale)
    silhouette = found["profiles"]["metrics"][0]["values"]
    assert silhouette[0] is None
    np.testing.assert_allclose(silhouette[1:], sweep.silhouette[1:].mean(axis=1), **ROUNDED)
    probability = found["profiles"]["metrics"][-1]
    assert probability["name"] == "Probability of K"
    assert sum(filter(None, probability["values"])) == pytest.approx(1, rel=1e-4)
    for cluster, y in zip(clusters, found["mean_traces"]["y"], strict=True):
        members = study.labels[study.clustered] == cluster["cluster"]
        np.testing.assert_allclose(y, study.scaled[members].mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["spectra"]["y"], study.clusters.psd_mean, **ROUNDED)
    assert found["history"]["k"] == [each.k for each in shown.history]
    assert found["history"]["x"] == pytest.approx([n * DT_S for n in DECISIONS])
    points = sum(len(curve["x"]) for curve in found["history"]["betas"])
    assert points == sum(len(each.betas) for each in shown.history)


def test_a_study_with_nan_and_one_cluster_is_json() -> None:
    study = make_study(n_traces=12, n_frames=400, n_clusters=1, k_max=4)
    found = strict_json(study_of(study, (), 0.03, ClusterColours()))
    assert len(found["clusters"]) == 1
    assert found["clusters"][0]["silhouette"] is None
    assert found["history"] == {"x": [], "k": [], "confidence": [], "betas": []}
    shown = Snapshot(1, "recording", "f", 400, 400, 0.03, 0.0, traces=study.traces, study=study)
    for name in study.traces.ids:  # the last two hold NaN or never change
        strict_json(trace_of(shown, name))


def test_a_cluster_of_one_trace_has_no_interval() -> None:
    study = study_at(2000)
    labels = np.ones_like(study.labels)
    labels[0] = 2
    clusters = cluster_spectra(study.spectrum, study.fit, labels)
    study = replace(study, labels=labels, clusters=clusters)
    single = strict_json(study_of(study, (), DT_S, ClusterColours()))["clusters"][1]
    assert single["n"] == 1
    assert single["beta_low"] is single["beta_stderr"] is None


def test_a_long_history_is_thinned_and_keeps_its_ends() -> None:
    study = study_at(2000)
    history = [replace(decided(study), n_frames=n) for n in range(10, 20_010, 10)]
    found = study_of(study, history, DT_S, ClusterColours())["history"]
    assert len(found["x"]) == MOST_DECISIONS
    assert found["x"][0] == pytest.approx(10 * DT_S)
    assert found["x"][-1] == pytest.approx(20_000 * DT_S)


@pytest.mark.parametrize("item", [0, 7, 47])
def test_an_emitter_is_that_of_the_snapshot(asker: Asker, item: int) -> None:
    shown = snapshot(5, 2400)
    asker.server.publish(shown)
    asker.news()
    name = f"{NAME}:{item}"
    found = asker.ask("/trace", id=name, columns=600).json
    columns = shown.traces.values[item].reshape(600, 4)
    expected = np.stack([columns.min(axis=1), columns.max(axis=1)], axis=1).ravel()
    np.testing.assert_allclose(found["trace"]["y"], expected, **ROUNDED)
    study = shown.study
    assert found["study"]["cluster"] == study.labels[item]
    assert found["study"]["beta"] == pytest.approx(study.fit.beta[item], rel=1e-5)
    row = np.count_nonzero(study.clustered[:item])
    np.testing.assert_allclose(found["study"]["processed"]["y"], study.scaled[row], atol=1e-5)
    np.testing.assert_allclose(found["study"]["spectrum"]["y"], study.spectrum.psd[item], **ROUNDED)
    fit = found["study"]["fit"]
    np.testing.assert_array_less(fit["low"][::23], fit["y"][::23])
    np.testing.assert_array_less(fit["y"][::23], fit["high"][::23])


def test_the_last_seconds_of_a_trace_have_all_their_frames(asker: Asker) -> None:
    shown = snapshot(5, 2400)
    asker.server.publish(shown)
    asker.news()
    trace = asker.ask("/trace", id=f"{NAME}:3", seconds=10).json["trace"]
    np.testing.assert_allclose(trace["y"], shown.traces.values[3, -333:], **ROUNDED)
    assert trace["x"][-1] == pytest.approx(2399 * DT_S)


@pytest.mark.parametrize(
    ("values", "status", "sentence"),
    [
        ({"id": "film.tif:999"}, 404, "there is no emitter 'film.tif:999'"),
        ({"id": "<b>%s</b>"}, 404, "there is no emitter '<b>%s</b>'"),
        ({}, 404, "there is no emitter ''"),
        ({"id": "film.tif:1", "columns": 3}, 400, "from 10 to 2000, got 3"),
        ({"id": "film.tif:1", "columns": "9e9"}, 400, "columns is a whole number"),
        ({"id": "film.tif:1", "seconds": "nan"}, 400, "seconds is a number"),
        ({"id": "film.tif:1", "seconds": "-1"}, 400, "seconds is a number"),
    ],
)
def test_bad_questions_for_emitters(
    asker: Asker, values: dict[str, Any], status: int, sentence: str
) -> None:
    asker.server.publish(snapshot(1, 2400))
    asker.news()
    reply = asker.ask("/trace", **values)
    assert reply.status == status
    assert sentence in reply.json["error"]
    assert reply.headers["Content-Type"].startswith("application/json")


def test_before_emitters_are_found_there_is_none_to_show(asker: Asker) -> None:
    reply = asker.ask("/trace", id="film.tif:0")
    assert reply.status == 404
    assert "no emitter has been found yet" in reply.json["error"]


def test_a_snapshot_without_traces_shows_those_of_its_study() -> None:
    shown = dataclasses.replace(snapshot(1, 2400), traces=None)
    assert state_of(shown)["n_emitters"] == shown.study.traces.n_traces
    assert len(trace_of(shown, f"{NAME}:2")["trace"]["x"]) > 0
