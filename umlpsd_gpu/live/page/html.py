"""The page as one answer: HTML, style, BokehJS, scripts and empty plots."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from bokeh.palettes import Viridis256
from markupsafe import Markup

from umlpsd_gpu.live.page.board import Answer
from umlpsd_gpu.live.page.plots import plot_documents
from umlpsd_gpu.live.page.study_json import hex_colour
from umlpsd_gpu.plotting.page_parts import page_templates
from umlpsd_gpu.plotting.style import FLAGGED, PALETTE
from umlpsd_gpu.report.explorer_section import (
    bokeh_script,
    inside_script,
    joined_scripts,
    script_digest,
)

# in the order in which they call each other
SHARED_SCRIPTS = ("data.js", "colours.js", "picture.js")
SCRIPTS = (
    *("texts.js", "plots.js", "emitters.js", "clusters.js"),
    *("head.js", "connection.js", "start.js"),
)


@cache
def page_of() -> tuple[Answer, str]:
    """Return the page of live runs; the same for all, since data come later.

    Returns
    -------
    page : Answer
    policy : str
        Its Content-Security-Policy: only its own scripts run, and it asks nobody but its server.
    """
    scripts = bokeh_script(), joined_scripts(_sources())
    header = {
        "clusterColours": [hex_colour(i + 1) for i in range(2 * len(PALETTE))],
        "noCluster": FLAGGED,
        "palette": list(Viridis256),
    }
    html = (
        page_templates("umlpsd_gpu.live.page", "umlpsd_gpu.report")
        .get_template("live.html.jinja")
        .render(
            header=inside_script(header),
            plots=inside_script(plot_documents()),
            scripts=[Markup(script) for script in scripts],
        )
    )
    digests = " ".join(map(script_digest, scripts))
    policy = (
        f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Answer.of(html.encode("utf-8")), policy


def _sources() -> list[str]:
    shared, ours = files("umlpsd_gpu.report") / "scripts", files("umlpsd_gpu.live.page") / "scripts"
    paths = [shared / name for name in SHARED_SCRIPTS] + [ours / name for name in SCRIPTS]
    return [path.read_text("utf-8") for path in paths]
