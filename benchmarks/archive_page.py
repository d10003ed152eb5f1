"""How large the page of an archive is, and how fast Chromium opens, sorts and filters it.

python benchmarks/archive_page.py --n 10000 --chromium /usr/bin/chromium
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.support.archives import make_rows, render_archive

FRAME = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def timed(page, action: str) -> float:
    """Return the seconds from an action to the second frame after it."""
    return page.evaluate(
        f"async () => {{ const start = performance.now(); {action}; await {FRAME};"
        " return (performance.now() - start) / 1000; }"
    )


def measure(file: Path, chromium: str, scripts: bool) -> dict[str, float]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_context(java_script_enabled=scripts).new_page()
        start = time.perf_counter()
        page.goto(file.as_uri())
        page.screenshot()
        found = {"open": time.perf_counter() - start}
        if scripts:
            buttons = "document.querySelectorAll('#inputs th button')"
            found["sort by K"] = timed(page, f"{buttons}[3].click()")
            found["sort by name"] = timed(page, f"{buttons}[0].click()")
            words = "document.getElementById('words')"
            action = f"{words}.value = 'day_7 w80'; {words}.dispatchEvent(new Event('input'))"
            found["find words"] = timed(page, action)
            found["shown after it"] = page.evaluate(
                "document.querySelectorAll('#inputs tbody tr').length"
            )
        browser.close()
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    rows = make_rows(options.n)
    start = time.process_time()
    html = render_archive(rows)
    seconds, megabytes = time.process_time() - start, len(html.encode()) / 1e6
    print(f"{options.n} studies: {seconds:.2f} s of processor time, {megabytes:.2f} MB")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        file.write_text(html, encoding="utf-8")
        for scripts in (True, False):
            runs = [measure(file, options.chromium, scripts) for _ in range(options.times)]
            print("with JavaScript" if scripts else "without JavaScript")
            for name in runs[0]:
                print(f"  {name}: {statistics.median(run[name] for run in runs):.3f}")


if __name__ == "__main__":
    main()
