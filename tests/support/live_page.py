"""The live page in a browser."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tests.support.browser import Visit
from umlpsd_gpu.live.page.server import PageServer
from umlpsd_gpu.live.snapshot import Snapshot

# what the browser itself says when a server is gone
LOST = "Failed to load resource: net::ERR_"


class LivePage(Visit):
    """A page that shows what a server publishes."""

    def __init__(self, browser: Any, server: PageServer, **options: Any) -> None:
        self.server, self.number = server, 0
        size = {"width": 1280, "height": 800}
        super().__init__(browser, server.start(), **{"viewport": size, **options})

    def publish(self, snapshot: Snapshot) -> Snapshot:
        """Publish a snapshot under the next number and wait until the page shows it."""
        self.number += 1
        numbered = replace(snapshot, number=self.number)
        self.server.publish(numbered)
        self.wait_for(self.number)
        return numbered

    def wait_for(self, number: int) -> None:
        try:
            self.page.locator(f"#live[data-number='{number}']").wait_for(timeout=20_000)
        except Exception as error:
            raise AssertionError(f"{number} is not shown: {self.complaints}") from error

    def wait_for_emitter(self, name: str) -> None:
        """Wait until an emitter is shown as it is in the latest snapshot."""
        shown = f"[data-id={json.dumps(name)}][data-number='{self.number}']"
        self.page.locator(f"#live-values{shown}").wait_for()

    def text(self, name: str) -> str:
        found: str = self.page.locator(f"#live-{name}").inner_text()
        return found

    def values(self) -> dict[str, str]:
        terms = self.page.locator("#live-values dt").all_text_contents()
        texts = self.page.locator("#live-values dd").all_text_contents()
        return dict(zip(terms, texts, strict=True))

    def zoom_of(self, plot: str) -> list[float]:
        """Return the ends of the axes of a plot."""
        script = """name => {
            const plots = Bokeh.documents.map(each => each.get_model_by_name(name));
            const plot = plots.findLast(Boolean);
            return [plot.x_range, plot.y_range].flatMap(range => [range.start, range.end]);
        }"""
        found: list[float] = self.page.evaluate(script, plot)
        return found

    def is_drawn(self, plot: str) -> bool:
        found: bool = self.page.locator(f"#plot-{plot} .bk-Canvas").count() > 0
        return found
