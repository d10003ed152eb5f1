"""A room imports only rooms above it, and the house stays small-roomed."""

import ast
from pathlib import Path

import pytest

import umlpsd_gpu

PACKAGE = Path(umlpsd_gpu.__file__).parent
ROOMS = [
    "movie",
    "traces",
    "preprocess",
    "sweep",
    "decision",
    "spectrum",
    "maps",
    "study",
    "simulate",
    "validation",
    "report",
    "bench",
    "batch",
    "cli_bench",
    "cli_simulate",
    "cli_settings",
    "cli_validate",
    "cli_batch",
    "cli_archive",
    "cli_pipe",
    "cli",
]
FOR_ALL = {
    "backend",
    "cpu_kernel",
    "device_memory",
    "kernel_loader",
    "settings",
    "settings_faults",
    "errors",
    "scale",
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imported_rooms(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names += [a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names]
    return {room_of(name) for name in names if name and name.split(".")[0] == "umlpsd_gpu"}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_rooms_import_only_rooms_above(path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    above = set() if room in FOR_ALL else set(ROOMS[: ROOMS.index(room) + 1])
    below = imported_rooms(path) - FOR_ALL - above
    assert not below, f"{path.name} is in {room} and imports {sorted(below)}"


def module_of(path: Path) -> str:
    return ".".join(["umlpsd_gpu", *path.relative_to(PACKAGE).with_suffix("").parts])


def imported_modules(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {node.module for node in froms}
    names |= {f"{node.module}.{alias.name}" for node in froms for alias in node.names}
    names |= {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    return names & {module_of(path) for path in MODULES}


def test_no_modules_import_each_other():
    imports = {module_of(path): imported_modules(path) for path in MODULES}
    # the verbs Study.save and Study.load are in the room that writes and reads studies
    imports["umlpsd_gpu.study.result"].remove("umlpsd_gpu.study.files")
    while free := [name for name, needed in imports.items() if not needed & set(imports)]:
        for name in free:
            del imports[name]
    assert not imports, f"in or below a circle of imports: {sorted(imports)}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 350
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            documentation = ast.get_docstring(node) or ""
            length = node.end_lineno - node.lineno + 1 - len(documentation.splitlines())
            limit = 100 if path.stem.startswith("cli") else 60  # every option is a line or two
            assert length <= limit, f"{node.name} in {path.name} has {length} lines"


def test_importing_the_package_is_quick():
    """The heavy libraries come late: neither figures nor detectors nor scikit-learn at import."""
    import subprocess
    import sys

    script = "import sys, umlpsd_gpu; print(*sorted(m for m in sys.modules if '.' not in m))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    loaded = set(found.stdout.split())
    assert not loaded & {"matplotlib", "sklearn", "skimage", "pandas", "jinja2", "cupy", "cuml"}
