"""The header of each kernel names its twin and its caller; what it names exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KERNELS = sorted((ROOT / "kernels").glob("*.cu"))


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
def test_a_header_names_twin_and_caller_that_exist(path: Path) -> None:
    header = [line for line in path.read_text("utf-8").splitlines() if line.startswith("//")]
    text = "\n".join(header)
    assert re.search(r"^// twin  ", text, re.M)
    assert re.search(r"(^// | )call  ", text, re.M)
    for file, name in re.findall(r"([\w./]+\.py)(?:::(\w+))?", text):
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert not name or name in functions, f"{file} has no function {name}"
