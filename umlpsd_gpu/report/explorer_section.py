"""The part of report.html that can be clicked: one section with its data, plots and scripts."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from bokeh.palettes import Viridis256
from bokeh.resources import Resources
from markupsafe import Markup
from matplotlib.colors import to_hex

from umlpsd_gpu.explorer.packing import pack
from umlpsd_gpu.explorer.parts import Explorer
from umlpsd_gpu.plotting.page_parts import page_templates
from umlpsd_gpu.plotting.style import FLAGGED, PALETTE, cluster_colour
from umlpsd_gpu.report.plots import plot_document

# in the order in which they call each other
SCRIPTS = ("data.js", "colours.js", "picture.js", "curves.js", "controls.js", "start.js")


@dataclass(frozen=True)
class ExplorerSection:
    """A section of a page that needs scripts.

    Attributes
    ----------
    html : Markup
        The section, hidden until its scripts run, and the scripts.
    css : Markup
    script_sources : str
        Digests of the scripts as the page's Content-Security-Policy lists them: no other script
        runs, whatever a file name contains.
    """

    html: Markup
    css: Markup
    script_sources: str


def explorer_section(explorer: Explorer) -> ExplorerSection:
    """Return the interactive section of a report; the same explorer gives the same bytes.

    Parameters
    ----------
    explorer : Explorer

    Returns
    -------
    ExplorerSection
    """
    header, arrays = pack(explorer)
    n_clusters = 2 * len(PALETTE)
    header |= {
        "clusterColours": [to_hex(cluster_colour(i + 1)) for i in range(n_clusters)],
        "noCluster": FLAGGED,
        "palette": list(Viridis256),
    }
    scripts = _scripts()
    html = (
        page_templates("umlpsd_gpu.report")
        .get_template("explorer.html.jinja")
        .render(
            header=header,
            article="an" if explorer.item[0] in "aeiou" else "a",
            json={
                "header": inside_script(header),
                "plots": inside_script(plot_document(explorer)),
                "arrays": Markup(arrays),
            },
            scripts=[Markup(script) for script in scripts],
        )
    )
    css = (files("umlpsd_gpu.report") / "templates/explorer.css").read_text("utf-8")
    return ExplorerSection(Markup(html), Markup(css), " ".join(map(script_digest, scripts)))


def inside_script(values: Any) -> Markup:
    """Return JSON that can't end the script element it is in.

    Parameters
    ----------
    values : dict, list, str, number, bool or None
        Without NaN and infinity.

    Returns
    -------
    Markup
    """
    text = json.dumps(values, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


@cache
def _scripts() -> tuple[str, str]:
    """Return BokehJS, and the scripts of this package as one."""
    folder = files("umlpsd_gpu.report") / "scripts"
    return bokeh_script(), joined_scripts([(folder / name).read_text("utf-8") for name in SCRIPTS])


def bokeh_script() -> str:
    """Return BokehJS for plots only: widgets and tables of the pages are plain HTML.

    Returns
    -------
    str
    """
    script: str = Resources(mode="inline", components=["bokeh"]).js_raw[0]
    return script


def joined_scripts(scripts: Sequence[str]) -> str:
    """Return scripts as one, whose names are not those of other scripts of the page.

    Parameters
    ----------
    scripts : sequence of str
        In the order in which they call each other.

    Returns
    -------
    str
    """
    joined = "\n".join(scripts)
    return f'(() => {{\n"use strict";\n{joined}}})();'


def script_digest(script: str) -> str:
    """Return the digest by which a Content-Security-Policy lets a script run.

    Parameters
    ----------
    script : str

    Returns
    -------
    str
    """
    sha = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(sha).decode('ascii')}'"
