"""Compile the kernels in C when the package is built or installed, where there is a compiler.

The library doesn't depend on Python: one build serves every version. Where it is missing, the
package does the same in NumPy; ``umlpsd info`` reports it.
"""

import hashlib
import os
import platform
import shlex
import subprocess
import sysconfig
import tempfile
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# No contraction to fused operations, so that all processors round the same.
OPTIONS = ["-std=c11", "-O3", "-ffp-contract=off", "-fPIC", "-shared"]


class CpuKernels(BuildHookInterface):
    """Build hook: compiles the kernels and gives the wheel its platform tag."""

    def initialize(self, version, build_data):
        """Compile every C file; warn and build a pure wheel where that fails."""
        if self.target_name != "wheel":
            return
        folder = Path(self.root) / "kernels"
        sources = list(folder.glob("*.c"))
        libraries = {library_of(source) for source in sources}
        why = ""
        try:
            for stale in set(folder.glob("*.so")) - libraries:
                stale.unlink()
            for source in sources:
                compile_library(source)
        except (OSError, subprocess.SubprocessError) as error:
            why = getattr(error, "stderr", "") or str(error)
        if not all(library.exists() for library in libraries):
            self.app.display_warning(f"kernels for the CPU are not compiled: {why.strip()}")
            return
        # of one architecture, also where Python is of two
        tag = sysconfig.get_platform().replace("universal2", platform.machine())
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{tag.replace('-', '_').replace('.', '_')}"


def compiler():
    """Return the command that compiles C."""
    return shlex.split(os.environ.get("CC", "")) or ["cc"]


def library_of(source):
    """Name the library by a hash of its source, so that one of another source is never loaded."""
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    return source.with_name(f"{source.stem}.{digest}.so")


def compile_library(source, options=()):
    """Compile a C file; move the library next to it atomically, since others may be using it."""
    library = library_of(source)
    # not next to the source: that folder goes into the wheel as it is
    with tempfile.TemporaryDirectory(dir=source.parents[1], prefix=".build_") as folder:
        made = Path(folder) / library.name
        command = [*compiler(), *OPTIONS, *options, str(source), "-lm", "-o", str(made)]
        subprocess.run(command, check=True, capture_output=True, text=True)
        os.replace(made, library)
    return library
