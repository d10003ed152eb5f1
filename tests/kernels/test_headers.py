"""What the kernels' headers and their table refer to exists."""

import re

import pytest

from tests.test_packages import ROOT

KERNELS = ROOT / "kernels"
SOURCES = sorted(path.name for path in KERNELS.glob("*.c*") if path.suffix in {".cu", ".cuh", ".c"})


@pytest.mark.parametrize("name", SOURCES)
def test_headers_name_files_and_functions_that_exist(name):
    header = re.match(r"(//.*\n)+", (KERNELS / name).read_text(encoding="utf-8"))[0]
    references = re.findall(r"(umlpsd_gpu/[\w/]+\.py)(?:::(\w+))?", header)
    assert references
    for path, function in references:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert not function or re.search(rf"^def {function}\(", text, re.MULTILINE), function


@pytest.mark.parametrize("name", [name for name in SOURCES if name != "common.cuh"])
def test_headers_begin_with_the_kernels_name_and_name_its_twin(name):
    text = (KERNELS / name).read_text(encoding="utf-8")
    assert text.startswith(f"// {name.partition('.')[0]}: ")
    for part in ("// in ", "// twin "):
        assert f"\n{part}" in text


def test_the_table_has_every_kernel_its_caller_and_its_test():
    rows = re.findall(
        r"^\| `(\w+)` \| `([\w/.]+)` \| .* \| `(\w+\.py)` \|$",
        (KERNELS / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert sorted(row[0] for row in rows) == sorted(
        name.partition(".")[0] for name in SOURCES if name != "common.cuh"
    )
    for kernel, caller, test in rows:
        assert kernel in (ROOT / "umlpsd_gpu" / caller).read_text(encoding="utf-8")
        assert (ROOT / "tests" / "kernels" / test).is_file()
