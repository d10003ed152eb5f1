"""The live page in Chromium: it shows what was published, and keeps what its reader does."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from tests.support.live_page import LOST, LivePage
from tests.support.live_snapshots import ALARMS, DT_S, NAME, mean_image, snapshot, whole_traces
from tests.support.studies import make_study
from umlpsd_gpu.live.page import board
from umlpsd_gpu.live.page.server import PageServer
from umlpsd_gpu.live.snapshot import Snapshot
from umlpsd_gpu.plotting.style import cluster_colour

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=alert(1)>.tif"
EMITTER = 7
LAST = f"{NAME}:{EMITTER}"


@pytest.fixture(scope="module", autouse=True)
def every_image_is_sent() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(board, "IMAGE_EVERY_S", 0.0)
        yield


@pytest.fixture(scope="module")
def live(browser: Any) -> Iterator[LivePage]:
    """One page for most tests, as an experimenter leaves it open."""
    server = PageServer()
    live = LivePage(browser, server)
    yield live
    server.stop()


@pytest.fixture
def other_live(browser: Any) -> Iterator[LivePage]:
    server = PageServer()
    live = LivePage(browser, server)
    yield live
    live.context.close()
    server.stop()


def colours_of_map(live: LivePage) -> np.ndarray:
    return np.array(live.column("map-emitters", "colour"))


def test_from_the_first_frame_to_the_end(other_live: LivePage) -> None:
    live, page = other_live, other_live.page
    live.publish(snapshot(1, 0, name=HOSTILE))
    assert live.text("headline") == "Waiting for frames"
    assert page.locator("#empty-trace").is_visible()
    assert live.accessibility_faults() == []
    live.publish(snapshot(2, 120, name=HOSTILE))
    assert live.text("headline") == "Looking for emitters"
    assert live.is_drawn("map")
    live.publish(snapshot(3, 330, name=HOSTILE))
    assert live.text("headline") == "Following 48 emitters"
    live.wait_for_emitter(f"{HOSTILE}:0")
    assert live.is_drawn("trace")
    assert not live.is_drawn("spectrum")
    shown = snapshot(4, 2400, name=HOSTILE, alarms=ALARMS, hint="enough data: K is stable")
    live.publish(shown)
    decision = shown.study.decision
    assert live.text("state").startswith(
        f"recording: 2,400 frames, 72 s; K = {decision.k_opt}, "
        f"probability {decision.confidence:.2f}, unchanged for "
    )
    assert page.title().startswith(f"K = {decision.k_opt} – {HOSTILE}")
    assert live.text("hint") == "Enough data: K is stable"
    alarms = page.get_by_role("alert").all_inner_texts()
    assert alarms == [
        f"Drift since 36 s: {ALARMS[0].text}",
        f"Bleaching since 45 s: {ALARMS[1].text}",
    ]
    hostile_alarm = replace(ALARMS[1], text=HOSTILE)
    live.publish(replace(shown, alarms=(hostile_alarm,), hint="", message=HOSTILE))
    assert page.get_by_role("alert").all_inner_texts() == [f"Bleaching since 45 s: {HOSTILE}"]
    assert page.locator("#live-hint").is_hidden()
    live.wait_for_emitter(f"{HOSTILE}:0")
    assert (live.text("name"), live.text("message")) == (HOSTILE, HOSTILE)
    assert live.values()["Name"] == f"{HOSTILE}:0"
    assert page.locator("img").count() == 0
    last = snapshot(9, 3000, name=HOSTILE, state="finished", message="the study is in out")
    live.server.publish(last)
    live.server.stop()
    live.wait_for(9)
    assert live.text("message") == "The study is in out"
    page.get_by_text("The program has ended; this page keeps what it has.").wait_for()
    assert live.text("state").startswith("finished: 3,000 frames")
    # the chosen emitter too
    assert max(live.column("trace-data", "x")) == pytest.approx(3000 * DT_S, rel=0.01)
    assert [line for line in live.complaints if LOST not in line] == []


def test_clicking_an_emitter_shows_its_trace_and_spectrum(live: LivePage) -> None:
    shown = snapshot(1, 2400)
    live.publish(shown)
    whole, study = whole_traces(), shown.study
    live.click("map", whole.cols[EMITTER], whole.rows[EMITTER])
    live.wait_for_emitter(LAST)
    assert live.page.locator("#live-number").input_value() == str(EMITTER)
    values = live.values()
    assert values["Name"] == LAST
    assert values["Cluster"] == f"cluster {study.labels[EMITTER]}"
    assert values["β"].startswith(f"{study.fit.beta[EMITTER]:.3f} (95 %: ".replace("-", "−"))
    y = np.array(live.column("trace-data", "y"))
    n_columns = y.size // 2
    starts = np.arange(n_columns) * 2400 // n_columns
    trace = shown.traces.values[EMITTER]
    np.testing.assert_allclose(y[::2], np.minimum.reduceat(trace, starts), rtol=1e-5)
    np.testing.assert_allclose(y[1::2], np.maximum.reduceat(trace, starts), rtol=1e-5)
    np.testing.assert_allclose(
        live.column("spectrum-points", "y"), study.spectrum.psd[EMITTER], rtol=1e-5
    )
    chosen = live.column("map-chosen-ink", "x") + live.column("map-chosen-ink", "y")
    np.testing.assert_allclose(chosen, [whole.cols[EMITTER], whole.rows[EMITTER]], rtol=1e-5)
    live.page.mouse.move(*live.place("map", whole.cols[9], whole.rows[9]))
    assert f"emitter 9: cluster {study.labels[9]}" in live.text("pointer")


def test_updates_keep_selection_zoom_and_metric(live: LivePage) -> None:
    page = live.page
    live.publish(snapshot(1, 1600))
    whole = whole_traces()
    live.click("map", whole.cols[EMITTER], whole.rows[EMITTER])
    live.wait_for_emitter(LAST)
    page.locator("#live-metric").select_option(label="Silhouettes below 0")
    before = live.zoom_of("trace")
    live.publish(snapshot(2, 1700))
    live.wait_for_emitter(LAST)
    assert live.zoom_of("trace")[1] > before[1]  # the trace grows
    low, high = np.quantile(live.column("trace-data", "y"), [0.2, 0.8])
    live.drag("trace", (10.0, low), (20.0, high))
    live.drag("mean-traces", (5.0, 0.2), (30.0, 0.7))
    zoomed = live.zoom_of("trace"), live.zoom_of("mean-traces")
    np.testing.assert_allclose(zoomed[0][:2], [10, 20], atol=0.3)
    np.testing.assert_allclose(zoomed[1][:2], [5, 30], atol=0.5)
    live.publish(snapshot(3, 2400))
    live.wait_for_emitter(LAST)
    assert (live.zoom_of("trace"), live.zoom_of("mean-traces")) == zoomed
    assert page.locator("#live-number").input_value() == str(EMITTER)
    assert page.locator("#live-metric option:checked").inner_text() == "Silhouettes below 0"
    sweep = snapshot(3, 2400).study.sweep_at(snapshot(3, 2400).study.decision.scale)
    np.testing.assert_allclose(
        live.column("metrics-data", "y")[1:],
        sweep.misclassified_percent[1:].mean(axis=1),
        rtol=1e-5,
    )
    assert not live.complaints


def test_colours_agree_and_follow_the_members(live: LivePage) -> None:
    """K changes between these decisions; emitters that stay together keep their colour."""
    page, before = live.page, None
    for number, n_frames in enumerate((1000, 1500, 2000), start=1):
        shown = snapshot(number, n_frames)
        live.publish(shown)
        labels, k = shown.study.labels, shown.study.decision.k_opt
        colours = colours_of_map(live)
        assert len({*zip(labels.tolist(), colours, strict=True)}) == k == len(set(colours))
        of_cluster = [colours[labels == c][0] for c in range(1, k + 1)]
        assert set(of_cluster) <= {to_hex(cluster_colour(i)) for i in range(1, 5)}
        assert live.column("mean-traces-data", "colour") == of_cluster
        assert live.column("cluster-spectra-data", "colour") == of_cluster
        swatches = page.locator("#live-clusters .swatch").evaluate_all(
            "all => all.map(each => each.style.background)"
        )
        rgb = [f"rgb{tuple(int(c[i : i + 2], 16) for i in (1, 3, 5))}" for c in of_cluster]
        assert swatches == rgb
        if before is not None:
            # two of three clusters exist in both decisions
            assert np.mean(colours == before) > 0.5
        before = colours
    assert len({snapshot(1, n).study.decision.k_opt for n in (1000, 1500, 2000)}) > 1
    assert live.column("betas-lines", "colour")[0] == to_hex(cluster_colour(1))


def test_the_image_has_its_first_row_at_the_top(live: LivePage) -> None:
    image = np.zeros_like(mean_image())
    n_rows, n_cols = image.shape
    image[12:19, 30:37] = 1000
    live.publish(replace(snapshot(1, 120), mean_image=image))
    for row, col, is_bright in ((15, 33, True), (n_rows - 16, 33, False), (15, n_cols - 34, False)):
        x, y = live.place("map", col, row)
        area = {"x": x - 2, "y": y - 2, "width": 4, "height": 4}
        shown = Image.open(io.BytesIO(live.page.screenshot(clip=area))).convert("L")
        assert (np.mean(shown) > 200) == is_bright, (row, col)


def test_everything_works_by_keyboard(live: LivePage) -> None:
    page, whole = live.page, whole_traces()
    live.publish(snapshot(1, 2400))
    page.locator("#live-number").fill("20")
    live.wait_for_emitter(f"{NAME}:20")
    page.locator("#live-map").focus()
    page.keyboard.press("ArrowRight")
    chosen = int(page.locator("#live-number").input_value())
    assert whole.cols[chosen] > whole.cols[20]
    page.locator("#live-next").focus()
    page.keyboard.press("Enter")
    live.wait_for_emitter(f"{NAME}:{chosen + 1}")
    page.locator("#live-seconds").select_option(label="last 10 s")
    page.locator("#live-values[data-seconds='10']").wait_for()
    np.testing.assert_allclose(
        live.column("trace-data", "y"),
        snapshot(1, 2400).traces.values[chosen + 1, -333:],
        rtol=1e-5,
    )
    assert not live.complaints


def test_the_page_reconnects_and_knows_a_run_that_is_not_its_own(other_live: LivePage) -> None:
    live, server = other_live, other_live.server
    live.number = 7
    live.publish(snapshot(0, 330))
    live.wait_for_emitter(f"{NAME}:0")
    address = server.start()
    server.stop()
    lost = live.page.locator("#live-connection")
    lost.get_by_text("Connection lost, trying again.").wait_for()
    assert lost.get_attribute("role") == "alert"
    assert live.text("state").startswith("recording: 330 frames")
    assert len(live.column("trace-data", "y")) == 330
    assert server.start() == address
    # a run that was resumed counts from 1 again
    live.number = 0
    live.publish(snapshot(0, 360))
    assert lost.is_hidden()
    assert live.text("state").startswith("recording: 360 frames")
    live.wait_for_emitter(f"{NAME}:0")
    server.stop()
    other = PageServer(urlsplit(address).port)
    other.start()
    live.page.get_by_text("This address belongs to another run").wait_for()
    other.stop()
    expected = (LOST, "403 (Forbidden)")
    assert [line for line in live.complaints if not any(e in line for e in expected)] == []


def test_a_second_viewer_on_a_page_that_is_accessible_and_fits(
    browser: Any, live: LivePage
) -> None:
    # axe-core comes from outside, which the page's policy forbids
    second = LivePage(browser, live.server, color_scheme="light", bypass_csp=True)
    live.publish(
        snapshot(0, 2400, state="stalled", message="no frame for 9 s", alarms=ALARMS, hint="enough")
    )
    second.wait_for(live.number)
    assert second.text("state") == live.text("state")
    assert second.accessibility_faults() == []
    second.page.emulate_media(color_scheme="dark")
    second.page.set_viewport_size({"width": 390, "height": 844})
    assert second.accessibility_faults() == []
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert second.page.evaluate(wide) <= 0
    assert not second.complaints
    second.context.close()


def test_nothing_leaves_and_nothing_is_complained_about(live: LivePage) -> None:
    """The last test of the page that was open all the time."""
    origin = live.server.start().partition("?")[0]
    assert len(live.requests) > live.number
    assert all(url.startswith((origin, "data:")) for url in live.requests)
    assert not live.complaints


def test_pixels_are_drawn_as_pixels(live: LivePage) -> None:
    study = make_study("pixels", n_traces=60, n_frames=400, n_movies=1, k_max=4)
    image = study.movies[0].mean_image
    live.publish(Snapshot(1, "recording", NAME, 400, 400, 0.03, 0.1, image, study.traces, study))
    assert live.column("map-emitters", "x") == []
    assert live.column("map-pixels", "x") == study.traces.cols.tolist()
    assert "pixels" in live.page.locator("#map-title").inner_text()
