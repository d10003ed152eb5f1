"""Whatever a library raises about a broken table as one TracesError, and bombs refused."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from umlpsd_gpu.errors import TracesError, UmlpsdError
from umlpsd_gpu.traces.suffixes import TABLE_SUFFIXES

# Measured counts shrink to a tenth at best. What unpacks to more than this, and to this many times
# its bytes in the file, is a bomb or damaged.
LARGEST_UNPACKED_MB, LARGEST_RATIO = 100, 100
# Their messages are about the library's code
_OF_DAMAGE = (AttributeError, UnboundLocalError, AssertionError, RecursionError, IndexError)


@contextmanager
def raise_traces_error(path: Path) -> Iterator[None]:
    """Turn whatever a library raises inside into a TracesError.

    Parameters
    ----------
    path : Path
        For the message.

    Raises
    ------
    TracesError
        With the path, what is wrong, and what to change.
    """
    try:
        yield
    except UmlpsdError:
        raise
    # A broken file can make h5py, openpyxl, NumPy and SciPy raise nearly any exception.
    except Exception as error:
        raise TracesError(
            f"{path}: it can't be read as {path.suffix} file: {explain_error(error)}; write it "
            f"again, or give the traces as another kind of file ({', '.join(TABLE_SUFFIXES)})"
        ) from error


def explain_error(error: Exception) -> str:
    """Return the first line of a library's message, without its advice.

    Parameters
    ----------
    error : Exception

    Examples
    --------
    >>> from umlpsd_gpu.traces.file_errors import explain_error
    >>> explain_error(EOFError())
    'it is damaged (EOFError)'
    """
    words = str(error).strip().partition("\n")[0].rstrip(" .:;")[:200]
    if "pickle" in words:
        return "it contains Python objects, or is not a NumPy file"
    if isinstance(error, MemoryError):
        return "it says that it holds more numbers than fit into memory"
    return words if words and not isinstance(error, _OF_DAMAGE) else _name_damage(error)


def _name_damage(error: Exception) -> str:
    return f"it is damaged ({type(error).__name__})"


def require_credible_size(path: Path, name: str, n_bytes: int, n_stored: int) -> None:
    """Refuse what unpacks to so many times its bytes in the file that it can't be measured data.

    Parameters
    ----------
    path : Path
    name : str
        Of the array, for the message.
    n_bytes : int
        After unpacking.
    n_stored : int
        In the file.

    Raises
    ------
    TracesError
    """
    if n_bytes > LARGEST_UNPACKED_MB * 1e6 and n_bytes > LARGEST_RATIO * n_stored:
        raise TracesError(
            f"{path}: '{name}' unpacks to {n_bytes / 1e6:.4g} MB from {n_stored / 1e6:.2g} MB in "
            f"the file, where at most {LARGEST_RATIO} times as much is allowed: the file is "
            "damaged, or holds no measurement; if it is sound, write it again without compression"
        )


def require_credible_archive(path: Path) -> None:
    """Refuse a zip archive (.npz, .xlsx) with a member that is a bomb.

    Parameters
    ----------
    path : Path

    Raises
    ------
    TracesError
    zipfile.BadZipFile
        If it is no archive.
    """
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            require_credible_size(path, member.filename, member.file_size, member.compress_size)
