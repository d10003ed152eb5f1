"""The report in a browser: what is clicked is what study.h5 holds."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import adjusted_rand_score

from tests.support.browser import Visit, visit_result
from tests.support.studies import make_study
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.plotting.style import DrawnFigure
from umlpsd_gpu.report.page import render_page

HOSTILE = "<script>alert(1)</script>.tif"
FIGURE = DrawnFigure(
    "f", "A figure", "A caption.", b"png", b"<svg xmlns='http://www.w3.org/2000/svg'/>"
)
EMITTER = 7
N_CODES = 65_534


def hostile_study() -> Study:
    study = make_study(n_traces=40, n_frames=3000, k_max=5, n_movies=1)
    movies = (dataclasses.replace(study.movies[0], name=HOSTILE),)
    n = study.traces.n_traces
    ids = tuple(f"{HOSTILE}:{i}" for i in range(n))
    traces = dataclasses.replace(study.traces, source=(HOSTILE,) * n, ids=ids)
    return dataclasses.replace(study, movies=movies, traces=traces)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = hostile_study()
    folder = study.save(tmp_path_factory.mktemp("explorer") / "study")
    (folder / "report.html").write_text(render_page(study, [FIGURE]), "utf-8")
    return folder


@pytest.fixture(scope="module")
def visit(browser: Any, folder: Path) -> Visit:
    visit = Visit(browser, folder / "report.html", viewport={"width": 1280, "height": 800})
    visit.wait_until_ready()
    return visit


@pytest.fixture(scope="module")
def saved(folder: Path) -> Iterator[h5py.File]:
    with h5py.File(folder / "study.h5") as file:
        yield file


def test_clicking_an_emitter_shows_its_trace_and_beta(visit: Visit, saved: h5py.File) -> None:
    col, row = saved["traces/cols"][EMITTER], saved["traces/rows"][EMITTER]
    visit.click("map", col, row)
    values = visit.values()
    assert visit.page.locator("#explorer-number").input_value() == str(EMITTER)
    assert values["Name"] == f"{HOSTILE}:{EMITTER}"
    beta = saved["fit/beta"][EMITTER]
    low, high = saved["fit/beta_ci95"][EMITTER]
    assert values["β"] == f"{beta:.4g} (95 %: {low:.4g} … {high:.4g})"
    assert values["Silhouette"] == f"{saved['clustering/silhouette'][EMITTER]:.4g}".replace(
        "-", "−"
    )
    assert values["Cluster"] == f"cluster {saved['clustering/labels'][EMITTER]}"
    trace = saved["traces/values"][EMITTER]
    shown = np.array(visit.column("panel-0-0", "y"))
    # two samples a column: the smallest and the largest of its five frames
    columns = trace.reshape(600, 5)
    expected = np.stack([columns.min(axis=1), columns.max(axis=1)], axis=1).ravel()
    np.testing.assert_allclose(shown, expected, atol=0.51 * np.ptp(trace) / N_CODES + 1e-4)
    psd = np.array(visit.column("panel-2-1", "y"))
    freqs, first = np.unique(saved["spectrum/freqs_hz"], return_index=True)
    np.testing.assert_allclose(psd, saved["spectrum/psd"][EMITTER][first], rtol=1e-3)
    np.testing.assert_allclose(visit.column("panel-2-1", "x"), freqs, rtol=1e-6)


def test_the_image_is_drawn_where_its_pixels_are(browser: Any, tmp_path: Path) -> None:
    study = make_study(n_traces=12, n_frames=600, k_max=3, n_movies=1)
    image = np.zeros_like(study.movies[0].mean_image)
    n_rows, n_cols = image.shape
    top, left = n_rows // 8, n_cols // 4
    image[top : top + 7, left : left + 7] = 1000
    traces = dataclasses.replace(study.traces, rows=np.full(12, n_rows - 1.0))
    movie = dataclasses.replace(study.movies[0], mean_image=image)
    study = dataclasses.replace(study, movies=(movie,), traces=traces)
    visit = visit_result(browser, study, tmp_path)
    for row, col, is_bright in (
        (top + 3, left + 3, True),
        (n_rows - top - 4, left + 3, False),
        (top + 3, n_cols - left - 4, False),
    ):
        x, y = visit.place("map", col, row)
        area = {"x": x - 2, "y": y - 2, "width": 4, "height": 4}
        shown = Image.open(io.BytesIO(visit.page.screenshot(clip=area))).convert("L")
        assert (np.mean(shown) > 200) == is_bright, (row, col)
    assert not visit.complaints


def test_clicking_beside_all_emitters_changes_nothing(visit: Visit, saved: h5py.File) -> None:
    places = np.stack([saved["traces/cols"], saved["traces/rows"]], axis=1)
    grid = np.stack(np.meshgrid(np.arange(5, 90, 5), np.arange(5, 80, 5)), axis=-1).reshape(-1, 2)
    distance = np.linalg.norm(grid[:, None] - places[None], axis=2).min(axis=1)
    before = visit.values()
    visit.click("map", *map(float, grid[distance.argmax()]))
    assert visit.values() == before


def test_another_k_recolours_by_the_saved_labels(visit: Visit, saved: h5py.File) -> None:
    view, k = "W80", 5
    visit.page.locator("#explorer-view").select_option(label=view)
    visit.page.locator("#explorer-k").select_option(label=f"K = {k}")
    at = saved[f"sweeps/{view}/k_values"][:].tolist().index(k)
    best = saved[f"sweeps/{view}/ssd"][at].argmin()
    labels = saved[f"sweeps/{view}/labels"][at, best]
    clustered = saved["clustering/labels"][:] > 0
    colours = np.array(visit.column("map-items", "colour"))
    assert adjusted_rand_score(labels, colours[clustered]) == 1
    assert len(set(colours[clustered])) == k
    assert "the result is W80, K = 3" in visit.page.locator("#explorer-choice").inner_text()
    chosen = visit.column("metrics-k", "x") + visit.column("metrics-k", "y")
    mean = saved[f"sweeps/{view}/silhouette"][at].mean()
    np.testing.assert_allclose(chosen, [k, mean], rtol=1e-6)
    visit.page.locator("#explorer-k").select_option(label="K = 3")
    colours = np.array(visit.column("map-items", "colour"))
    assert adjusted_rand_score(saved["clustering/labels"], colours) == 1


def test_colour_by_value(visit: Visit, saved: h5py.File) -> None:
    visit.page.locator("#explorer-colour").select_option(label="β")
    colours = visit.column("map-items", "colour")
    beta = saved["fit/beta"][:]
    order = np.argsort(beta[np.isfinite(beta)])
    usable = np.array(colours)[np.isfinite(beta)][order]
    assert usable[0] == "#440154"  # the ends of viridis
    assert usable[-1].lower() in ("#fde724", "#fde725")
    visit.page.locator("#explorer-colour").select_option(label="Cluster")


def test_brushing_the_histogram_selects_emitters(visit: Visit, saved: h5py.File) -> None:
    beta = saved["fit/beta"][:]
    low, high = np.nanquantile(beta, [0.2, 0.6])
    top = max(visit.column("histogram-all", "top"))
    visit.drag("histogram", (low, 0.3 * top), (high, 0.7 * top))
    ends = [float(visit.page.locator(f"#explorer-{end}").input_value()) for end in ("from", "to")]
    np.testing.assert_allclose(ends, [low, high], atol=0.03)
    expected = (beta >= ends[0]) & (beta <= ends[1])
    alpha = np.array(visit.column("map-items", "alpha"))
    assert (alpha == 1).sum() == expected.sum() > 0
    assert set(np.flatnonzero(alpha == 1)) == set(np.flatnonzero(expected))
    assert sum(visit.column("histogram-brushed", "top")) == expected.sum()
    assert (
        f"{expected.sum()} of 40 selected" in visit.page.locator("#explorer-brushed").inner_text()
    )
    visit.page.locator("#explorer-clear").click()
    assert set(visit.column("map-items", "alpha")) == {1}


def test_brushing_the_picture_selects_in_the_histogram(visit: Visit, saved: h5py.File) -> None:
    cols, rows = saved["traces/cols"][:], saved["traces/rows"][:]
    left, right, top, bottom = 10.3, 60.3, 10.3, 50.3
    visit.drag("map", (left, top), (right, bottom))
    inside = (cols >= left) & (cols <= right) & (rows >= top) & (rows <= bottom)
    alpha = np.array(visit.column("map-items", "alpha"))
    assert set(np.flatnonzero(alpha == 1)) == set(np.flatnonzero(inside))
    beta_known = np.isfinite(saved["fit/beta"][:])
    assert sum(visit.column("histogram-brushed", "top")) == (inside & beta_known).sum()
    visit.page.locator("#explorer-clear").click()


def test_outliers_are_ringed_listed_and_chosen(visit: Visit, saved: h5py.File) -> None:
    score, threshold = saved["outliers/score"][:], saved["outliers/threshold"][()]
    expected = [i for i in np.argsort(-score) if score[i] > threshold]
    rows = visit.page.locator("#explorer-outlier-rows tr")
    listed = [rows.nth(i).locator("button").inner_text() for i in range(rows.count())]
    assert listed == [f"emitter {i}" for i in expected]
    assert sorted(visit.column("map-outliers", "x")) == pytest.approx(
        sorted(saved["traces/cols"][expected]), rel=1e-6
    )
    rows.nth(1).click()
    assert visit.page.locator("#explorer-number").input_value() == str(expected[1])


def test_pointer_tells_values_with_units(visit: Visit, saved: h5py.File) -> None:
    col, row = saved["traces/cols"][EMITTER], saved["traces/rows"][EMITTER]
    visit.page.mouse.move(*visit.place("map", col, row))
    text = visit.page.locator("#explorer-pointer").inner_text()
    image = saved["movies/1/mean_image"][:]
    counts = image[int(np.rint(row)), int(np.rint(col))]
    assert f"mean image {counts:.4g}"[:14] in text
    assert "counts" in text
    assert "µm" in text
    assert f"emitter {EMITTER}: cluster" in text


def test_everything_works_by_keyboard(visit: Visit, saved: h5py.File) -> None:
    page = visit.page
    page.locator("#explorer-number").fill("7")
    page.locator("#explorer-number").press("ArrowUp")
    assert page.locator("#explorer-number").input_value() == "8"
    assert visit.values()["Name"].endswith(":8")
    page.locator("#explorer-map").focus()
    page.keyboard.press("ArrowRight")
    chosen = int(page.locator("#explorer-number").input_value())
    assert saved["traces/cols"][chosen] > saved["traces/cols"][8]
    reached = set()
    page.locator("#explorer-colour").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    needed = ("view", "k", "map", "histogram-column", "from", "to", "metric", "number", "next")
    assert {f"explorer-{name}" for name in needed} <= reached
    assert "BUTTON" in reached  # of the list of outliers


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_fits_the_screen(visit: Visit, width: int, height: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": height})
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_wcag_aa(visit: Visit, scheme: str) -> None:
    visit.page.emulate_media(color_scheme=scheme)
    assert visit.accessibility_faults() == []


def test_nothing_is_cut_off_on_paper(browser: Any, folder: Path) -> None:
    """A4 less the margins of the page."""
    paper = {"width": 680, "height": 1000}
    visit = Visit(browser, folder / "report.html", viewport=paper)
    visit.page.emulate_media(media="print")
    tables = visit.page.locator(".scroll").evaluate_all(
        "all => all.map(one => one.scrollWidth - one.clientWidth)"
    )
    assert len(tables) >= 3
    assert max(tables) <= 0


def test_print_hides_what_cannot_be_clicked(visit: Visit) -> None:
    visit.page.emulate_media(media="print")
    assert not visit.page.locator("#explorer-section").is_visible()
    assert visit.page.locator("img").is_visible()
    visit.page.emulate_media(media="screen")


def test_no_complaints_and_no_requests(visit: Visit) -> None:
    # last, after all that was done above
    assert visit.complaints == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in visit.requests)
    assert [url for url in visit.requests if url.startswith("file:")] == [visit.page.url]


def test_without_scripts_the_page_is_as_before(browser: Any, folder: Path) -> None:
    visit = Visit(browser, folder / "report.html", java_script_enabled=False)
    assert not visit.page.locator("#explorer-section").is_visible()
    assert visit.page.locator("h1").inner_text() == "3 clusters in 38 traces, at scale W80"
    assert visit.page.locator("img").is_visible()
