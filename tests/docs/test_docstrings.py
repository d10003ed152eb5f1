"""The examples in docstrings run and show what they say."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest

import umlpsd_gpu

PACKAGE = Path(umlpsd_gpu.__file__).parent
LENIENT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef


def has_examples(path):
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    documented = (node for node in nodes if isinstance(node, DOCUMENTED))
    return any(">>> " in (ast.get_docstring(node) or "") for node in documented)


WITH_EXAMPLES = [path for path in sorted(PACKAGE.rglob("*.py")) if has_examples(path)]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_examples_show_what_they_say(path, place, monkeypatch):
    monkeypatch.chdir(place)  # examples may write files
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    module = importlib.import_module(".".join(p for p in parts if p != "__init__"))
    runner, told = doctest.DocTestRunner(optionflags=LENIENT), []
    for example in doctest.DocTestFinder(exclude_empty=True).find(module):
        runner.run(example, out=told.append)
    assert not told, "".join(told)
    assert runner.summarize(verbose=False).attempted > 0
