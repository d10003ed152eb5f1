"""Docstrings and signatures agree: every parameter is documented, and nothing else is.

They are read from the source text, so that modules that need a GPU library are checked as well.
The examples in docstrings are run.
"""

import ast
import doctest
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "umlpsd_gpu"
# rooms whose docstrings are not complete yet: take a room off this list once it passes
NOT_YET_DONE = {
    "analyses",
    "batch",
    "cli",
    "settings_faults",
    "clustering",
    "kmeans",
    "report",
    "scale",
    "settings",
    "storage",
}
ROOMS = sorted(
    {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in PACKAGE.rglob("*.py")}
)
EXAMPLES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in NOT_YET_DONE])
def test_parameters_of_docstrings_are_those_of_signatures(room: str) -> None:
    faults = [
        f"{path.relative_to(PACKAGE.parent)}:{function.lineno} {name}: {fault}"
        for path in files_of(room)
        for name, function in public_functions(ast.parse(path.read_text("utf-8")))
        if (fault := fault_of(function))
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in NOT_YET_DONE])
def test_attributes_of_docstrings_are_the_fields_of_dataclasses(room: str) -> None:
    faults = [
        f"{path.relative_to(PACKAGE.parent)}:{node.lineno} {node.name}: {fault}"
        for path in files_of(room)
        for node in public_classes(ast.parse(path.read_text("utf-8")))
        if (fault := fault_of_dataclass(node))
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("module", EXAMPLES)
def test_examples_give_what_they_show(module: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(module), verbose=False)
    assert tried
    assert not failed, "the report of doctest is above"


def test_rooms_not_yet_done_exist() -> None:
    assert set(ROOMS) >= NOT_YET_DONE


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "def f(a, b=1):\n    '''Do.\n\n    Parameters\n    ----------\n    a, b : int\n    '''",
            "",
        ),
        ("def f(*a, **b):\n    '''Do.\n\n    Parameters\n    ----------\n    *a, **b\n    '''", ""),
        ("def f():\n    '''Do.'''", ""),
        ("def f(a):\n    '''Do.'''", "no Parameters section"),
        ("def f(a):\n    pass", "no docstring"),
        (
            "def f(a, b):\n    '''Do.\n\n    Parameters\n    ----------\n    b : int\n    '''",
            "documents ['b'], takes ['a', 'b']",
        ),
    ],
)
def test_faults_are_found(text: str, fault: str) -> None:
    ((_, function),) = public_functions(ast.parse(text))
    assert fault_of(function) == fault


def files_of(room: str) -> list[Path]:
    """Return the Python files of a room: a folder of the package, or a module at its top."""
    module = PACKAGE / f"{room}.py"
    return [module] if module.exists() else sorted((PACKAGE / room).rglob("*.py"))


def public_functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Yield the public functions of a module, and the public methods of its public classes."""
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node.name, node
    for owner in public_classes(tree):
        for node in owner.body:
            if isinstance(node, Function) and not node.name.startswith("_"):
                yield f"{owner.name}.{node.name}", node


def public_classes(tree: ast.Module) -> list[ast.ClassDef]:
    """Return the public classes of a module."""
    return [n for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]


def fault_of(function: Function) -> str:
    """Say what is wrong with the Parameters section of a function; nothing if all is well."""
    text = ast.get_docstring(function)
    if text is None:
        return "no docstring"
    takes = parameters_of(function)
    documents = names_in_section(text, "Parameters")
    if takes and documents is None:
        return "no Parameters section"
    if takes != (documents or []):
        return f"documents {documents}, takes {takes}"
    return ""


def fault_of_dataclass(node: ast.ClassDef) -> str:
    """Say what is wrong with the Attributes section of a dataclass; nothing if all is well."""
    if not any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return ""
    fields = [
        item.target.id
        for item in node.body
        if isinstance(item, ast.AnnAssign)
        and isinstance(item.target, ast.Name)
        and not item.target.id.startswith("_")
        and "ClassVar" not in ast.unparse(item.annotation)
    ]
    documents = names_in_section(ast.get_docstring(node) or "", "Attributes")
    if fields and documents is None:
        return "no Attributes section"
    if fields != (documents or []):
        return f"documents {documents}, has {fields}"
    return ""


def parameters_of(function: Function) -> list[str]:
    """Return the names of a function's parameters, without ``self`` and ``cls``."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args]
    every = [*named, *filter(None, [arguments.vararg]), *arguments.kwonlyargs]
    every += filter(None, [arguments.kwarg])
    names = [argument.arg for argument in every]
    return names[1:] if named and names[0] in ("self", "cls") else names


def names_in_section(text: str, title: str) -> list[str] | None:
    """Return the names that a numpydoc section lists; None where there is no such section."""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", text, re.M | re.S)
    if found is None:
        return None
    heads = [line for line in found[1].splitlines() if line and not line[0].isspace()]
    listed = ",".join(head.partition(" : ")[0] for head in heads)
    return [name.strip().lstrip("*") for name in listed.split(",") if name.strip()]
