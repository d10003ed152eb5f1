"""Draws docs/images/architecture.svg from the imports: python docs/draw_architecture.py

Every room is a box on a floor above all that it imports. An arrow is an import that no other way
through the house implies; a broken red one runs upward and should not be there.
"""

from __future__ import annotations

import sys
import textwrap
from html import escape
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from layered_layout import bends_of, places_of, rows_of
from rooms import House, essential_imports, floors_of, read_house, upward_imports

PICTURE = Path(__file__).resolve().parent / "images" / "architecture.svg"

BOX_WIDTH, BOX_HEIGHT, GAP = 196.0, 74.0, 22.0
FLOOR_HEIGHT, BEND_WIDTH, MARGIN = 128.0, 30.0, 28.0
N_LETTERS, N_LINES = 33, 3

# What a room is for decides its colour: fill, edge
KINDS = {
    "The ground: errors, settings, devices": ("#eceff1", "#607d8b"),
    "Shared by all analyses; knows no movie and no trace": ("#e3f0fb", "#2f78b7"),
    "Steps of particular analyses": ("#e6f4ea", "#2e8b57"),
    "The analyses themselves": ("#fdeedc", "#d2691e"),
    "Around the analyses: reports, batches, checks": ("#f3e8f7", "#8e44ad"),
}
GROUND = {"errors", "scale", "settings", "keywords", "compute"}
SHARED = {"kmeans", "decision", "clustering", "factorisation", "plotting", "storage"}
AROUND = {"report", "validation", "bench", "batch", "live", "cli"}


def kind_of(room: str) -> str:
    """Return what a room is for."""
    ground, shared, steps, analyses, around = KINDS
    if room in GROUND:
        return ground
    if room in SHARED:
        return shared
    if room.startswith("analyses"):
        return analyses
    return around if room in AROUND else steps


def drawing_of(house: House) -> str:
    """Return the picture as SVG; the same imports give the same text."""
    floors = floors_of(house)
    paths = bends_of(essential_imports(house), floors)
    rows = rows_of(list(paths.values()), floors)
    widths = dict.fromkeys(floors, BOX_WIDTH + GAP)
    x = places_of(rows, list(paths.values()), widths, BEND_WIDTH)
    left = min(x[room] for room in floors) - BOX_WIDTH / 2 - MARGIN
    n_floors = max(floors.values())
    middle = {name: (x[name] - left, row_y(floor, n_floors)) for name, floor in _floors(rows)}
    width = max(x.values()) - left + BOX_WIDTH / 2 + MARGIN
    legend_y = row_y(1, n_floors) + BOX_HEIGHT / 2 + 44
    parts = [arrow(path, middle, floors) for path in paths.values()]
    parts += [upward_arrow(middle[a], middle[b]) for a, b in sorted(upward_imports(house))]
    parts += [box(room, caption, *middle[room]) for room, caption in house.captions.items()]
    parts += legend(MARGIN, legend_y, width)
    return page(parts, width, legend_y + 26 * ((len(KINDS) + 2) // 2) + MARGIN)


def _floors(rows: list[list[str]]) -> list[tuple[str, int]]:
    return [(name, floor) for floor, row in enumerate(rows, start=1) for name in row]


def row_y(floor: int, n_floors: int) -> float:
    """Return the height of a floor's middle in the picture, from the top."""
    return MARGIN + BOX_HEIGHT / 2 + (n_floors - floor) * FLOOR_HEIGHT


def arrow(path: list[str], middle: dict[str, tuple[float, float]], floors: dict[str, int]) -> str:
    """Draw an import: from the upper box through its bends to the top of the lower one."""
    x, y = middle[path[0]]
    y += BOX_HEIGHT / 2
    text = f"M{x:.1f} {y:.1f}"
    for name in path[1:]:
        next_x, centre = middle[name]
        top = centre - BOX_HEIGHT / 2 - (6 if name in floors else 0)
        reach = (top - y) / 2
        text += f"C{x:.1f} {y + reach:.1f} {next_x:.1f} {top - reach:.1f} {next_x:.1f} {top:.1f}"
        x, y = next_x, top
        if name not in floors:
            y = centre + BOX_HEIGHT / 2
            text += f"V{y:.1f}"
    colour = KINDS[kind_of(path[0])][1]
    title = f"<title>{escape(path[0])} imports {escape(path[-1])}</title>"
    return f'<path class="line" stroke="{colour}" marker-end="url(#head)" d="{text}">{title}</path>'


def upward_arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Draw an import that runs upward."""
    (x, y), (end_x, end_y) = start, end
    y, end_y = y - BOX_HEIGHT / 2, end_y + BOX_HEIGHT / 2 + 6
    text = f"M{x:.1f} {y:.1f}C{x + 60:.1f} {y - 60:.1f} {end_x + 60:.1f} {end_y + 60:.1f} "
    return f'<path class="up" marker-end="url(#up)" d="{text}{end_x:.1f} {end_y:.1f}"/>'


def box(room: str, caption: str, x: float, y: float) -> str:
    """Draw a room: its name, and what its docstring says in two or three lines."""
    fill, edge = KINDS[kind_of(room)]
    lines = textwrap.wrap(caption.rstrip("."), N_LETTERS)
    if len(lines) > N_LINES:
        lines = [*lines[: N_LINES - 1], lines[N_LINES - 1].rstrip(",;:") + " …"]
    left, top = x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2
    texts = [f'<text class="room" x="{x:.1f}" y="{top + 21:.1f}" fill="{edge}">{room}</text>']
    for i, line in enumerate(lines):
        place = f'x="{x:.1f}" y="{top + 37 + 12.5 * i:.1f}"'
        texts.append(f'<text class="says" {place}>{escape(line)}</text>')
    shape = (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{BOX_WIDTH:g}" height="{BOX_HEIGHT:g}" rx="7" '
        f'fill="{fill}" stroke="{edge}"><title>{escape(caption)}</title></rect>'
    )
    return shape + "".join(texts)


def legend(left: float, top: float, width: float) -> list[str]:
    """Say what the colours and arrows mean, in two columns."""
    column = (width - 2 * MARGIN) / 2
    said = [
        f'<rect x="{{x:.1f}}" y="{{y:.1f}}" width="22" height="14" rx="3" fill="{fill}" '
        f'stroke="{edge}"/><text class="key" x="{{text:.1f}}" y="{{base:.1f}}">{name}</text>'
        for name, (fill, edge) in KINDS.items()
    ]
    said.append(
        '<path class="line" stroke="#555" marker-end="url(#head)" d="M{x:.1f} {mid:.1f}h20"/>'
        '<text class="key" x="{text:.1f}" y="{base:.1f}">imports; what follows through other '
        "rooms is not drawn</text>"
    )
    drawn = []
    for i, text in enumerate(said):
        x, y = left + (i % 2) * column, top + 26 * (i // 2)
        drawn.append(text.format(x=x, y=y, text=x + 32, base=y + 11.5, mid=y + 7))
    return drawn


def page(parts: list[str], width: float, height: float) -> str:
    """Put the parts on a white page."""
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    heads = "".join(
        f'<marker id="{name}" viewBox="0 0 8 8" refX="3" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto-start-reverse"><path d="M0 0.8 7 4 0 7.2z" fill="{colour}"/></marker>'
        for name, colour in (("head", "#555"), ("up", "#c62828"))
    )
    style = (
        "text{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;text-anchor:middle}"
        ".room{font-size:14px;font-weight:bold}.says{font-size:10.5px;fill:#37474f}"
        ".key{font-size:12px;fill:#37474f;text-anchor:start}"
        ".line{fill:none;stroke-width:1.3;stroke-opacity:.6}"
        ".up{fill:none;stroke:#c62828;stroke-width:1.6;stroke-dasharray:5 4}"
    )
    described = "<title>The rooms of umlpsd_gpu and the imports between them</title>"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            f"{described}<style>{style}</style><defs>{heads}</defs>",
            f'<rect width="{width:.0f}" height="{height:.0f}" rx="10" fill="#ffffff"/>',
            *parts,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    PICTURE.write_text(drawing_of(read_house()), encoding="utf-8")
    print(f"wrote {PICTURE}")
