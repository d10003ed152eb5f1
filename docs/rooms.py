"""The rooms of the package and who imports whom, read from the source text; nothing is imported."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "umlpsd_gpu"
# a file of the top floor that belongs to another one's room
SAME_ROOM = {"settings_faults": "settings", "settings_files": "settings"}
# in this folder every subfolder is a room of its own
ANALYSES = "analyses"


@dataclass(frozen=True)
class House:
    """Rooms, what each says about itself, and the imports between them.

    Attributes
    ----------
    captions : dict of str to str
        First sentence of each room's docstring, by room, in alphabetical order.
    imports : Counter of (str, str)
        Number of files of the first room that import something of the second.
    """

    captions: dict[str, str]
    imports: Counter[tuple[str, str]]


def read_house(package: Path = PACKAGE) -> House:
    """Read the rooms of a package from its files."""
    captions: dict[str, str] = {}
    imports: Counter[tuple[str, str]] = Counter()
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if parts == ("__init__",):
            continue  # the front door
        tree = ast.parse(path.read_text(encoding="utf-8"))
        room = room_of(parts, package)
        if speaks_for_its_room(parts, room):
            captions[room] = first_sentence(ast.get_docstring(tree) or "")
        for other in {room_of(name, package) for name in imported_names(tree, package.name)}:
            if other != room:
                imports[room, other] += 1
    known = {pair: n for pair, n in imports.items() if pair[1] in captions}
    return House(dict(sorted(captions.items())), Counter(dict(sorted(known.items()))))


def first_sentence(docstring: str) -> str:
    """Return the first paragraph of a docstring as plain text."""
    return " ".join(docstring.split("\n\n")[0].replace("`", "").split())


def room_of(parts: tuple[str, ...], package: Path) -> str:
    """Return the room of a file or of an imported name, given without the package's name."""
    if parts[0] == ANALYSES and len(parts) > 1:
        is_room = (package / ANALYSES / parts[1]).is_dir()
        return f"{ANALYSES}/{parts[1]}" if is_room else ANALYSES
    return SAME_ROOM.get(parts[0], parts[0])


def speaks_for_its_room(parts: tuple[str, ...], room: str) -> bool:
    """Say whether a file's docstring is that of the room."""
    return parts == tuple(room.split("/")) or parts == (*room.split("/"), "__init__")


def imported_names(tree: ast.Module, package: str) -> set[tuple[str, ...]]:
    """Return the modules of the package that a file imports, wherever it does so."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module in (package, f"{package}.{ANALYSES}"):
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
            else:
                names.add(node.module)
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    split = {tuple(name.split(".")) for name in names}
    return {name[1:] for name in split if name[0] == package and len(name) > 1}


def upward_imports(house: House) -> set[tuple[str, str]]:
    """Return the imports that must go before none runs in a circle: those of the fewest files."""
    kept, upward = dict(house.imports), set()
    while circle := imports_in_circles(house, kept):
        weakest = min(circle, key=lambda pair: (kept[pair], pair))
        upward.add(weakest)
        del kept[weakest]
    return upward


def imports_in_circles(house: House, imports: dict[tuple[str, str], int]) -> list[tuple[str, str]]:
    """Return the imports that are part of a circle."""
    below = {room: reachable(room, imports) for room in house.captions}
    return [(room, other) for room, other in imports if room in below[other]]


def reachable(room: str, imports: dict[tuple[str, str], int]) -> set[str]:
    """Return all rooms that a room needs, directly or through others."""
    found: set[str] = set()
    waiting = [room]
    while waiting:
        needed = {other for one, other in imports if one == waiting[-1]} - found
        waiting.pop()
        found |= needed
        waiting += sorted(needed)
    return found


def floors_of(house: House) -> dict[str, int]:
    """Return the floor of each room: 1 imports nothing, every other is above all that it imports.

    A room that could stand higher does so where that shortens its arrows.
    """
    downward = set(house.imports) - upward_imports(house)
    floors: dict[str, int] = {}
    while len(floors) < len(house.captions):
        for room in house.captions:
            needed = {other for one, other in downward if one == room}
            if room not in floors and needed <= set(floors):
                floors[room] = 1 + max((floors[other] for other in needed), default=0)
    direct = essential_imports(house)
    for room in sorted(floors, key=lambda name: (-floors[name], name)):
        users = [floors[one] for one, other in downward if other == room]
        n_up = sum(other == room for _, other in direct)
        n_down = sum(one == room for one, _ in direct)
        if users and n_up > n_down:
            floors[room] = min(users) - 1
    return floors


def essential_imports(house: House) -> list[tuple[str, str]]:
    """Return the downward imports that no other way through the house implies."""
    downward = dict.fromkeys(sorted(set(house.imports) - upward_imports(house)), 1)
    below = {room: reachable(room, downward) for room in house.captions}
    return [
        (room, other)
        for room, other in downward
        if not any(other in below[middle] for one, middle in downward if one == room)
    ]
