"""The verb ``extract_pixels``: a trace of every pixel of a crystal assembly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from umlpsd_gpu.compute.backend import Device, choose_device
from umlpsd_gpu.keywords import check_keywords, override
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.extract import extract
from umlpsd_gpu.traces.traces import Traces

if TYPE_CHECKING:
    from umlpsd_gpu.traces.settings import TracesSettings


@check_keywords
def extract_pixels(
    movie: Movie,
    threshold: float | None = None,
    device: Device = "auto",
    roi: str | Path | None = None,
    memory_mb: float | None = None,
    drift_correction: Literal["auto", "on", "off"] | bool | None = None,
    *,
    settings: TracesSettings | None = None,
) -> Traces:
    """Make a trace of every pixel whose time average exceeds a threshold.

    The average of a pixel that is NaN or infinite in some frames is that of its other frames; the
    trace keeps all of them, and `Traces.usable` flags it later.

    Parameters
    ----------
    movie : Movie
    threshold : float, optional
        In counts, 0 or above. Not given: Otsu's threshold [1]_ of the time-averaged image, inside
        the region of interest where there is one; the history records the value. Single hot pixels,
        far brighter than any area, are left out then.
    device : {"auto", "cpu", "gpu"}
        Where to compute; the values are the same.
    roi : str or Path, optional
        Only pixels inside count: an ImageJ region (``.roi``, ``.zip`` of several) or a mask TIFF
        of the movie's size; see `umlpsd_gpu.traces.roi.read_region`.
    memory_mb : float, optional
        Traces that take more than this, in MB (1e6 bytes), are stored in a temporary file without
        a name in ``TMPDIR``, as a NumPy memmap of the same values; the CPU extracts them then.
        Default: 2048.
    drift_correction : {"auto", "on", "off"} or bool, optional
        Whether to register the frames first, so that pixels follow the sample: always, if it moved
        by more than 2 pixels, or never. Values between pixels are interpolated linearly; pixels
        that some frame does not show are left out. Default: "auto".
    settings : TracesSettings, optional
        Defaults for the arguments that are not given.

    Returns
    -------
    Traces
        Float32 values, counts, NaN and infinities kept; rows and cols are the pixels' indices.

    Raises
    ------
    SettingsError
        If an argument is unknown or its value is not allowed.
    TracesError
        If no pixel exceeds the threshold, none is ever finite, all are alike and no threshold is
        given, or the region of interest can't be read or doesn't fit the movie.
    MovieError
        If the frame interval is unknown.
    OutputError
        If the temporary folder has no room.
    DeviceError
        If ``"gpu"`` is asked for and there is none.

    References
    ----------
    .. [1] N. Otsu, IEEE Trans. Syst. Man Cybern. 9, 62 (1979).

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import tifffile
    >>> from umlpsd_gpu import extract_pixels, open_movie
    >>> frames = np.random.default_rng(0).poisson(5, (50, 32, 32)).astype("uint16")
    >>> frames[:, 10:14, 10:20] += 200
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tifffile.imwrite(f"{folder}/movie.tif", frames, photometric="minisblack")
    ...     movie = open_movie(f"{folder}/movie.tif", dt_s=0.1)
    ...     traces = extract_pixels(movie, threshold=100)
    >>> traces.n_traces
    40
    """
    if settings is None:
        from umlpsd_gpu.traces.settings import TracesSettings

        settings = TracesSettings()
    values = {
        "threshold": threshold,
        "roi": roi,
        "memory_mb": memory_mb,
        "drift_correction": drift_correction,
        "mode": "pixels",
    }
    return extract(movie, override(settings, values), device=choose_device(device)).traces
