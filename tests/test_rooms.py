"""A room imports only rooms below it, and the house stays small-roomed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import umlpsd_gpu

PACKAGE = Path(umlpsd_gpu.__file__).parent
# From the ground up: a room imports rooms before it in this list, and itself
ROOMS = [
    "errors",
    "scale",
    "settings_faults",
    "settings_files",
    "settings",
    "keywords",
    "compute",
    "plotting",
    "storage",
    "explorer",
    "kmeans",
    "decision",
    "clustering",
    "factorisation",
    "movie",
    "traces",
    "preprocessing",
    "spectrum",
    "maps",
    "xrays",
    "shapes",
    "images",
    "exports",
    "simulate",
    "analyses",
    "report",
    "napari_plugin",
    "validation",
    "bench",
    "batch",
    "live",
    "cli",
]
MODULES = sorted(PACKAGE.rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(["umlpsd_gpu", *(part for part in parts if part != "__init__")])


NAMES = {module_of(path) for path in MODULES}


def imported_modules(path: Path) -> set[str]:
    """Return the modules of the package that a file imports, wherever it does so."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {node.module for node in froms}
    names |= {f"{node.module}.{alias.name}" for node in froms for alias in node.names}
    names |= {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    return (names & NAMES) - {"umlpsd_gpu"}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_rooms_import_only_rooms_below(path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    imported = {name.split(".")[1] for name in imported_modules(path)}
    upward = imported - set(ROOMS[: ROOMS.index(room) + 1])
    assert not upward, f"{path.name} is in {room} and imports {sorted(upward)}"


def test_no_files_import_each_other():
    imports = {module_of(path): imported_modules(path) for path in MODULES}
    del imports["umlpsd_gpu"]  # the front door
    while free := [name for name, needed in imports.items() if not needed & set(imports)]:
        for name in free:
            del imports[name]
    assert not imports, f"in a circle of imports, or importing one: {sorted(imports)}"


def test_no_room_has_the_name_of_a_verb():
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES}
    assert rooms - {"__init__"} == set(ROOMS)
    assert not rooms & set(umlpsd_gpu.__all__)


def test_every_module_can_be_imported_by_its_name():
    """``import umlpsd_gpu.room.module as m`` works, though verbs are attributes of the package."""
    script = "import importlib, sys\n"
    script += "import umlpsd_gpu\n[getattr(umlpsd_gpu, name) for name in umlpsd_gpu.__all__]\n"
    script += "\n".join(
        f"import {name} as m; assert m.__name__ == '{name}'" for name in sorted(NAMES)
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 350
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            documentation = ast.get_docstring(node) or ""
            length = node.end_lineno - node.lineno + 1 - len(documentation.splitlines())
            assert length <= 60, f"{node.name} in {path.name} has {length} lines"


def test_importing_the_package_is_quick():
    """The heavy libraries come late: neither figures nor detectors nor scikit-learn at import."""
    script = "import sys, umlpsd_gpu; print(*sorted(m for m in sys.modules if '.' not in m))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    loaded = set(found.stdout.split())
    assert not loaded & {
        "matplotlib",
        "sklearn",
        "skimage",
        "pandas",
        "jinja2",
        "bokeh",
        "cupy",
        "cuml",
    }
