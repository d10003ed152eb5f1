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

import umlpsd_gpu

PACKAGE = Path(__file__).parents[1] / "umlpsd_gpu"
# the parameters of a command are options, documented by the help that it shows
WITHOUT_COMMANDS = "cli"
ROOMS = sorted(
    {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in PACKAGE.rglob("*.py")}
)
EXAMPLES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)

Function = ast.FunctionDef | ast.AsyncFunctionDef
NO_PARAMETERS = "no Parameters section"


@pytest.mark.parametrize("room", [room for room in ROOMS if room != WITHOUT_COMMANDS])
def test_parameters_of_docstrings_are_those_of_signatures(room: str) -> None:
    found = [
        (path, name, function)
        for path in files_of(room)
        for name, function in public_functions(ast.parse(path.read_text("utf-8")))
    ]
    interface = {method_of(name) for _, name, function in found if is_documented(function)} - {""}
    faults = [
        f"{path.relative_to(PACKAGE.parent)}:{function.lineno} {name}: {fault}"
        for path, name, function in found
        # a method of a protocol is documented there, with the same parameters
        if (fault := fault_of(function))
        and not (fault == NO_PARAMETERS and method_of(name) in interface)
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("room", ROOMS)
def test_attributes_of_docstrings_are_the_fields_of_dataclasses(room: str) -> None:
    faults = [
        f"{path.relative_to(PACKAGE.parent)}:{node.lineno} {node.name}: {fault}"
        for path in files_of(room)
        for node in public_classes(ast.parse(path.read_text("utf-8")))
        if (fault := fault_of_dataclass(node))
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", [n for n in umlpsd_gpu.__all__ if n[0].islower()])
def test_every_public_verb_has_an_example(name: str) -> None:
    assert ">>> " in getattr(umlpsd_gpu, name).__doc__


@pytest.mark.parametrize("module", EXAMPLES)
def test_examples_give_what_they_show(module: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(module), verbose=False)
    assert tried
    assert not failed, "the report of doctest is above"


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


def method_of(name: str) -> str:
    """Return the name of a method; nothing for a function."""
    return name.rpartition(".")[2] if "." in name else ""


def is_documented(function: Function) -> bool:
    """Return whether a docstring has a section of parameters."""
    return names_in_section(ast.get_docstring(function) or "", "Parameters") is not None


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
        return NO_PARAMETERS
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
    # neighbours with one description may stand together
    if sorted(fields) != sorted(documents or []):
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
