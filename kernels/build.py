"""Compiles the kernels in C where the package is built or installed; without a compiler, none.

The library has no Python in it: one build serves every version of Python. The package tells
(``umlpsd info``) where it is missing, and does the same in NumPy.
"""

import hashlib
import os
import shlex
import subprocess
import sysconfig
import tempfile
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# No contraction to fused operations: all processors round alike.
OPTIONS = ["-std=c11", "-O3", "-ffp-contract=off", "-fPIC", "-shared"]


class CpuKernels(BuildHookInterface):
    def initialize(self, version, build_data):
        if self.target_name != "wheel":
            return
        folder = Path(self.root) / "kernels"
        sources = list(folder.glob("*.c"))
        libraries = {library_of(source) for source in sources}
        for stale in set(folder.glob("*.so")) - libraries:
            stale.unlink()
        try:
            for source in sources:
                compile_library(source)
        except (OSError, subprocess.SubprocessError) as error:
            told = getattr(error, "stderr", "") or str(error)
            self.app.display_warning(f"kernels for the CPU are not compiled: {told.strip()}")
        if all(library.exists() for library in libraries):
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{platform}"


def library_of(source):
    """Name the library by a hash of its text, so that one of another text is never loaded."""
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    return source.with_name(f"{source.stem}.{digest}.so")


def compile_library(source, options=()):
    """Compile a C file; put the library beside it, in one step: others may be using it."""
    library = library_of(source)
    compiler = shlex.split(os.environ.get("CC", "cc"))
    with tempfile.TemporaryDirectory(dir=source.parent, prefix=".build_") as folder:
        made = Path(folder) / library.name
        command = [*compiler, *OPTIONS, *options, str(source), "-o", str(made)]
        subprocess.run(command, check=True, capture_output=True, text=True)
        os.replace(made, library)
    return library
