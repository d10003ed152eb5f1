"""Every setting of a study: one model that is the TOML file, the command line and what is saved.

Each field's ``description`` is the sentence shown by ``umlpsd run --help`` and in the docs.
Marks [P], [M] and [I] say whether a default comes from the paper, from its authors' scripts, or
from our own inference (docs/equations.md).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.settings_faults import fault, unknown

PAPER_WINDOWS = (10, 20, 25, 40, 50, 80, 100, 125, 200, 250, 400, 500)
PAPER_LEVELS = (3, 4, 5, 6, 7)
PAPER_SCALES = (
    "raw",
    *(f"W{window}" for window in PAPER_WINDOWS),
    *(f"WL{level}" for level in PAPER_LEVELS),
)

# So many wrong settings are told at once
MOST_FAULTS = 5


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class MovieSettings(_Section):
    dt_s: float | None = Field(
        None, gt=0, description="Frame interval in seconds; beats whatever the metadata say."
    )
    pixel_size_um: float | None = Field(
        None, gt=0, description="Object-plane pixel size in µm; beats the metadata."
    )
    channel: int | None = Field(None, ge=0, description="Channel to read, from 0.")
    position: int | None = Field(None, ge=0, description="Stage position to read, from 0.")
    z: int | None = Field(None, ge=0, description="Focal plane to read, from 0.")
    time_axis: Literal["time", "z", "channel"] = Field(
        "time",
        description="Axis to read as time: some programs label the frames of a movie as slices "
        "or channels.",
    )
    memory_mb: float = Field(
        256, gt=0, description="Upper bound of one chunk of frames held in memory, in MB."
    )
    allow_damaged: bool = Field(
        False, description="Analyse the sound frames of a truncated or mixed movie."
    )


class TracesSettings(_Section):
    mode: Literal["emitters", "pixels"] = Field(
        "emitters", description="One trace per diffraction-limited spot, or one per pixel."
    )
    psf_sigma_px: float = Field(
        1.3, gt=0.3, le=10, description="Standard deviation of a spot's image, in pixels."
    )
    detection_snr: float = Field(
        6.0, gt=0, description="A spot must exceed the image noise by this many deviations."
    )
    min_separation_px: float = Field(
        5.0, ge=1, description="Spots nearer to each other than this are both dropped."
    )
    max_size_ratio: float = Field(
        1.6, gt=1, description="Spots wider than this times psf_sigma_px are aggregates: dropped."
    )
    photometry: Literal["box", "gaussian"] = Field(
        "box", description="Sum of a square box, or Gaussian-weighted sum."
    )
    box_radius_px: int = Field(2, ge=0, description="Box of (2 r + 1)² pixels around the spot.")
    ring_inner_px: float = Field(4.0, gt=0, description="Inner radius of the background ring.")
    ring_outer_px: float = Field(7.0, gt=0, description="Outer radius of the background ring.")
    drift_correction: bool = Field(False, description="Register frames against the first ones.")
    threshold: float | None = Field(
        None,
        ge=0,
        description="Pixel mode: pixels whose time average exceeds this many counts are traces. "
        "Not given: Otsu's threshold, reported.",
    )
    roi: str | None = Field(
        None,
        min_length=1,
        description="Pixel mode: only pixels inside this region count; a file of ImageJ (.roi, or "
        ".zip of several) or a mask TIFF of the movie's size.",
    )
    memory_mb: float = Field(
        2048,
        gt=0,
        description="Pixel traces that take more than this, in MB, are kept in a temporary file "
        "(in TMPDIR).",
    )
    unequal_lengths: Literal["refuse", "crop"] = Field(
        "refuse", description="Pooling traces of unequal lengths: refuse, or crop to the shortest."
    )

    @model_validator(mode="after")
    def _ring_encloses_box(self) -> TracesSettings:
        if self.ring_outer_px <= self.ring_inner_px:
            raise ValueError(
                f"ring_outer_px ({self.ring_outer_px}) must be larger than "
                f"ring_inner_px ({self.ring_inner_px})"
            )
        return self


class PreprocessSettings(_Section):
    scales: tuple[str, ...] = Field(
        PAPER_SCALES,
        min_length=1,
        description="Smoothing scales to try: 'raw', 'W80' (80 frames per bin), 'WL6' (DWT level).",
    )
    wavelet: str = Field("db4", description="PyWavelets name of the wavelet [I].")
    wavelet_mode: str = Field("symmetric", description="PyWavelets signal extension mode [I].")
    min_bins: int = Field(
        20, ge=2, description="Scales that leave fewer independent samples are skipped [I]."
    )

    @field_validator("scales")
    @classmethod
    def _each_scale_parses(cls, scales: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(Scale.parse(scale).name for scale in scales))

    @field_validator("wavelet")
    @classmethod
    def _wavelet_is_discrete(cls, wavelet: str) -> str:
        import pywt

        if wavelet not in pywt.wavelist(kind="discrete"):
            raise ValueError(f"'{wavelet}' is no discrete wavelet of PyWavelets; try 'db4'")
        return wavelet

    @field_validator("wavelet_mode")
    @classmethod
    def _mode_is_known(cls, mode: str) -> str:
        import pywt

        if mode not in pywt.Modes.modes:
            raise ValueError(f"'{mode}' is no mode of PyWavelets: {', '.join(pywt.Modes.modes)}")
        return mode


class SweepSettings(_Section):
    k_max: int = Field(15, ge=2, le=100, description="Largest trial number of clusters [P, M].")
    n_epochs: int = Field(100, ge=1, le=10_000, description="K-means runs for every K [P, M].")
    seed: int = Field(0, ge=0, lt=2**63, description="Same seed, same bits.")
    engine: Literal["auto", "batched", "sklearn", "cuml"] = Field(
        "auto", description="Who runs K-means; the metrics are ours in every engine."
    )
    silhouette_metric: Literal["sqeuclidean", "euclidean"] = Field(
        "sqeuclidean", description="MATLAB's silhouette is squared Euclidean [M]."
    )
    max_iter: int = Field(100, ge=1, description="Lloyd iterations at most [M].")
    budget_s: float | None = Field(
        None,
        gt=0,
        description="Predicted seconds of a scale on two cores beyond which Euclidean silhouettes "
        "are those of a random sample of the traces. Not given: of all.",
    )


class DecisionSettings(_Section):
    rule: Literal["consensus", "paper"] = Field(
        "consensus",
        description="Weigh all evidence, or read the silhouette profile as the paper does.",
    )
    n_surrogates: int = Field(
        2,
        ge=0,
        le=20,
        description="Unstructured ensembles swept beside each scale, to compare with.",
    )
    n_resamples: int = Field(
        50,
        ge=0,
        le=2000,
        description="Half-samples of the traces that are decided on again, for the interval of "
        "the confidence; 0: none.",
    )


class SpectrumSettings(_Section):
    method: Literal["periodogram", "welch", "log_welch"] = Field(
        "log_welch", description="Estimator of the power spectral density."
    )
    f_min_hz: float | None = Field(
        None,
        ge=0,
        description="Low end of the fit; default: three periods in a window. 0: the lowest.",
    )
    f_max_hz: float | None = Field(
        None, gt=0, description="High end of the fit; default: 0.4 of the frame rate."
    )
    model: Literal["power_law", "power_law_floor", "power_law_knee", "auto"] = Field(
        "power_law",
        description="A f^-β; with a white (shot-noise) floor C; with a knee below which the "
        "spectrum is level, and a floor; or whichever of them suits a trace.",
    )
    fitting: Literal["least_squares", "whittle"] | None = Field(
        None,
        description="Least squares of ln S on ln f (of power_law only), or greatest likelihood. "
        "Not given: least squares for power_law, likelihood for the others.",
    )


class MapsSettings(_Section):
    pearson_threshold: float = Field(
        0.8, gt=0, le=1, description="Pixels that correlate so far are one Pearson domain [I]."
    )
    detrend_frames: int | None = Field(
        None, ge=2, description="Frames that a trend is averaged over; default: a tenth [I]."
    )
    memory_mb: float = Field(512, gt=0, description="Bound of the correlation matrix, in MB.")
    reference_pixel: tuple[int, int] | None = Field(
        None, description="Row, column from 0; default: typical of the cluster most like another."
    )


class Settings(_Section):
    """All settings of a study, with the sections of ``study.toml``."""

    device: Literal["auto", "cpu", "gpu"] = Field("auto", description="Where to compute.")
    n_threads: int | None = Field(
        None, ge=1, description="Threads; default: all cores. Never changes a result."
    )
    movie: MovieSettings = MovieSettings()
    traces: TracesSettings = TracesSettings()
    preprocess: PreprocessSettings = PreprocessSettings()
    sweep: SweepSettings = SweepSettings()
    decision: DecisionSettings = DecisionSettings()
    spectrum: SpectrumSettings = SpectrumSettings()
    maps: MapsSettings = MapsSettings()

    @classmethod
    def from_toml(cls, path: str | Path) -> Settings:
        """Read settings; sections and fields left out keep their defaults.

        Raises
        ------
        SettingsError
            If the file can't be read, is no TOML, or holds an unknown name or a bad value.
        """
        try:
            values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise SettingsError(f"settings file {path}: there is no such file") from error
        except OSError as error:
            reason = f"can't be read: {error.strerror}; name a TOML file"
            raise SettingsError(f"settings file {path} {reason}") from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            reason = f"can't be read as TOML: {error}; mend it there"
            raise SettingsError(f"settings file {path} {reason}") from error
        return cls.from_mapping(values, source=str(path))

    @classmethod
    def from_mapping(cls, values: dict[str, Any], source: str = "") -> Settings:
        """Validate nested plain values.

        Parameters
        ----------
        values : dict
        source : str
            The file they come from, for messages.

        Raises
        ------
        SettingsError
            If a name is unknown or a value is not allowed; it tells the first five faults.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            where = f" (in {source})" if source else ""
            faults = [fault(details, _names(), where) for details in error.errors()]
            n_more = len(faults) - MOST_FAULTS
            more = [f"and {n_more} more"] if n_more > 0 else []
            raise SettingsError("; ".join(faults[:MOST_FAULTS] + more)) from error

    def with_values(self, values: dict[str, Any]) -> Settings:
        """Return a copy in which the given values replace ours; None leaves a value as it is.

        Parameters
        ----------
        values : dict
            By dotted name: ``{"sweep.seed": 1, "device": "cpu"}``.

        Raises
        ------
        SettingsError
            If a name is unknown or a value is not allowed.
        """
        nested = self.model_dump()
        for name, value in values.items():
            if name not in _names():
                raise SettingsError(unknown(name, _names()))
            if value is not None:
                *sections, field = name.split(".")
                target = nested[sections[0]] if sections else nested
                target[field] = value
        return type(self).from_mapping(nested)

    def to_toml(self) -> str:
        """Return the settings as TOML; unset values (None) are left out."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def _names() -> list[str]:
    """Return the dotted names of all settings and sections."""
    names = []
    for name, field in Settings.model_fields.items():
        names.append(name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, _Section):
            names += [f"{name}.{part}" for part in field.annotation.model_fields]
    return names
