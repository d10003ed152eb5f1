"""A common style for all figures: colours, sizes, and rendering to PNG and SVG."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import matplotlib
import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

# Okabe & Ito: distinct for colour-blind readers; yellow is last, since it is hard to see on white.
# A dark violet replaces their black, which on a grey image looks like pixels without a cluster.
PALETTE = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7"),
    *("#E69F00", "#56B4E9", "#5B1F9E", "#F0E442"),
)
FLAGGED = "#8c8c8c"
ACCENT = "#D55E00"
PNG_DPI = 160
SVG_DPI = 130  # of dense parts, which are drawn as pixels

STYLE = {
    "figure.dpi": 100,
    "savefig.dpi": PNG_DPI,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.axisbelow": True,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "grid.linewidth": 0.4,
    "grid.color": "#dddddd",
    "lines.linewidth": 1.2,
    # so that the same study gives the same SVG
    "svg.hashsalt": "umlpsd_gpu",
}


@dataclass(frozen=True)
class DrawnFigure:
    """A finished figure.

    Attributes
    ----------
    name : str
        File name without extension.
    title, caption : str
    png, svg : bytes
        Contents of the files.
    figure : Figure or None
        The matplotlib figure, laid out, where it was asked for.
    """

    name: str
    title: str
    caption: str
    png: bytes
    svg: bytes
    figure: Figure | None = field(default=None, compare=False, repr=False)


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the package's style, whatever the user's matplotlibrc says; restored on leaving."""
    with matplotlib.style.context(["default", STYLE]):
        yield


def lay_out(figure: Figure) -> None:
    """Give the parts of a figure their final places; they stay there when it is saved.

    Parameters
    ----------
    figure : Figure
    """
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
        for axes in figure.axes:
            # the solver rounds by the addresses of its objects, and names in an SVG show all digits
            place = axes.get_position(original=True)
            axes.set_position(Bbox(place.get_points().round(9)), which="original")
    # with any layout engine, even "none", savefig draws everything again to solve the layout
    figure.set_layout_engine(None)


def render(figure: Figure) -> tuple[bytes, bytes]:
    """Return a figure as PNG and SVG, both without a date.

    Parameters
    ----------
    figure : Figure

    Returns
    -------
    png, svg : bytes
    """
    lay_out(figure)
    png, svg = io.BytesIO(), io.BytesIO()
    # takes half the time of the default level, for a few per cent more bytes
    figure.savefig(png, format="png", pil_kwargs={"compress_level": 3})
    figure.savefig(svg, format="svg", dpi=SVG_DPI, metadata={"Date": None})
    return png.getvalue(), svg.getvalue()


def render_pickled(figure: bytes) -> tuple[bytes, bytes]:
    """Render a pickled figure in any process, with the same bytes as `render`.

    Parameters
    ----------
    figure : bytes
        A pickled Figure.

    Returns
    -------
    png, svg : bytes
    """
    with house_style():
        return render(pickle.loads(figure))


def cluster_colour(cluster: int) -> tuple[float, float, float]:
    """Return the colour of a cluster, the same in all figures.

    The palette is used first pure, then darkened; after two rounds it repeats.

    Parameters
    ----------
    cluster : int
        From 1.

    Returns
    -------
    red, green, blue : float
        From 0 to 1.
    """
    turn, place = divmod(cluster - 1, len(PALETTE))
    pure = to_rgb(PALETTE[place])
    return pure if turn % 2 == 0 else darkened(pure, 0.55)


def darkened(colour: tuple[float, float, float], share: float) -> tuple[float, float, float]:
    """Return a colour of the same hue with a share of its brightness.

    Parameters
    ----------
    colour : (red, green, blue)
        From 0 to 1.
    share : float
        From 0 to 1.

    Returns
    -------
    red, green, blue : float
    """
    red, green, blue = colour
    return share * red, share * green, share * blue


def thin_grid(axes: Axes) -> None:
    """Draw grid lines at the major ticks.

    Parameters
    ----------
    axes : Axes
    """
    axes.grid(True, which="major")


def whole_numbers(axes: Axes, n_ticks: int = 8) -> None:
    """Place ticks of the horizontal axis at whole numbers only.

    Parameters
    ----------
    axes : Axes
    n_ticks : int
        Largest number of intervals.
    """
    axes.xaxis.set_major_locator(MaxNLocator(n_ticks, integer=True))
