"""Pages in a real browser: headless Chromium by Playwright, skipped with the reason without it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
# of WCAG 2.0 and 2.1, levels A and AA
WCAG_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


@contextmanager
def open_browser() -> Iterator[Any]:
    """Yield a headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no browser on the path: none of {', '.join(NAMES)}")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """One page that is open, with all that it said and asked for."""

    def __init__(self, browser: Any, path: Path | str, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path if isinstance(path, str) else path.as_uri())

    def _listen(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def wait_until_ready(self) -> None:
        """Wait until the report can be clicked; what the page says in vain is in the error."""
        ready = "document.querySelector('#explorer-section')?.dataset.state === 'ready'"
        try:
            self.page.wait_for_function(ready, timeout=30_000)
        except Exception as error:
            raise AssertionError(f"the report did not start: {self.complaints}") from error

    def column(self, source: str, name: str) -> list[Any]:
        """Return what a plot shows: one column of its data."""
        script = (
            "([source, name]) => Array.from("
            "Bokeh.documents.map(each => each.get_model_by_name(source))"
            ".findLast(Boolean).data[name])"
        )
        found: list[Any] = self.page.evaluate(script, [source, name])
        return found

    def place(self, plot: str, x: float, y: float) -> tuple[float, float]:
        """Return where a point of a plot is on the screen, after scrolling to the plot."""
        self.page.locator(f"#plot-{plot}").scroll_into_view_if_needed()
        script = """([name, x, y]) => {
            const plots = Bokeh.documents.map(each => each.get_model_by_name(name));
            const plot = plots.findLast(Boolean);
            const view = Bokeh.index.find_one(plot);
            const box = view.canvas_view.el.getBoundingClientRect();
            const { x_scale, y_scale } = view.frame;
            return [box.left + x_scale.compute(x), box.top + y_scale.compute(y)];
        }"""
        left, top = self.page.evaluate(script, [plot, x, y])
        return left, top

    def click(self, plot: str, x: float, y: float) -> None:
        self.page.mouse.click(*self.place(plot, x, y))

    def drag(self, plot: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*self.place(plot, *start))
        self.page.mouse.down()
        self.page.mouse.move(*self.place(plot, *end), steps=4)
        self.page.mouse.up()

    def values(self) -> dict[str, str]:
        """Return the list of values of the chosen item."""
        terms = self.page.locator("#explorer-values dt").all_text_contents()
        texts = self.page.locator("#explorer-values dd").all_text_contents()
        return dict(zip(terms, texts, strict=True))

    def accessibility_faults(self) -> list[str]:
        """Return what axe-core finds against WCAG AA; skips where axe-core is missing."""
        self.page.evaluate(_axe_core())
        run = "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})"
        found = self.page.evaluate(run, WCAG_AA)
        return [
            f"{fault['id']}: {node['target']} {node.get('failureSummary', '')}"
            for fault in found["violations"]
            for node in fault["nodes"]
        ]


def _axe_core() -> str:
    root = Path(os.environ.get("NODE_MODULES", Path(__file__).parents[2] / "node_modules"))
    path = root / "axe-core/axe.min.js"
    if not path.is_file():
        pytest.skip(f"no {path}: npm install axe-core, or set NODE_MODULES")
    return path.read_text("utf-8")


def visit_result(browser: Any, result: Any, folder: Path) -> Visit:
    """Return the report of a result, without figures, ready to be clicked."""
    from umlpsd_gpu.report.page import render_page

    path = folder / "report.html"
    path.write_text(render_page(result, []), "utf-8")
    visit = Visit(browser, path, viewport={"width": 1280, "height": 800})
    visit.wait_until_ready()
    return visit
