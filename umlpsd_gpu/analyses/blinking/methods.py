"""The methods section of a blinking study, with the numbers that were really used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.tables import dt_origin
from umlpsd_gpu.analyses.methods.methods import MethodsText
from umlpsd_gpu.analyses.methods.parts import (
    NUMPY_SCIPY,
    UMLPSD,
    computing_sentence,
    decision_sentences,
    join_words,
    label_sentence,
    plural,
    software_sentence,
    sweep_sentences,
    version_of,
)
from umlpsd_gpu.scale import Scale

MOST_NAMED = 4
ESTIMATORS = {
    "periodogram": "periodograms",
    "welch": "Welch's method with Hann windows that overlap by half [@welch1967]",
    "log_welch": "averages over half-overlapping Hamming windows whose length follows the "
    "frequency [@podshivaylov]",
}
MODELS = {
    "power_law": "power law S(f) = A f^(−β)",
    "power_law_floor": "power law with a white floor, S(f) = A f^(−β) + C",
    "power_law_knee": "power law with a knee and a white floor, S(f) = A/(f^β + f_k^β) + C",
    "auto": "power law S(f) = A f^(−β), alone, with a white floor, or with a knee and a floor, the "
    "model of each trace chosen by the corrected Akaike criterion [@hurvich1989] and its intervals "
    "averaged over the models [@turek2012]",
}


def methods_of(study: Study) -> MethodsText:
    """Describe how a study was made.

    Parameters
    ----------
    study : Study

    Returns
    -------
    MethodsText
    """
    return MethodsText(tuple(_sentences(study)), version_of(study))


def _sentences(study: Study) -> Iterator[str]:
    yield software_sentence(study, "Trajectories", (UMLPSD,))
    yield from _source_sentences(study)
    yield _ensemble_sentence(study)
    yield _scale_sentence(study)
    settings, decision = study.settings, study.decision
    yield from sweep_sentences(study.sweeps, settings, study.versions, "traces", "scale")
    yield from decision_sentences(
        decision, settings, "traces", f"at scale {describe_scale(decision.scale)}"
    )
    yield label_sentence("traces")
    yield from _spectrum_sentences(study)
    if study.maps is not None:
        yield (
            "Domains were compared with those of neighbouring pixels whose traces have a Pearson "
            f"correlation of {study.maps.threshold:g} or more, by the adjusted Rand index "
            f"[@hubert1985]; trends were removed by a moving average over "
            f"{study.maps.detrend_frames} frames."
        )
    wavelets = any(Scale.parse(sweep.scale).kind == "wavelet" for sweep in study.sweeps)
    cited = NUMPY_SCIPY | ({"PyWavelets": "lee2019"} if wavelets else {})
    yield computing_sentence(study, cited)


def _source_sentences(study: Study) -> Iterator[str]:
    names = [movie.name for movie in study.movies]
    if not names:
        tables = list(dict.fromkeys(study.traces.source))
        yield f"Traces were imported from {_named(tables, 'table')}."
        return
    own, movies = study.settings.traces, _named(names, "movie")
    if own.mode == "pixels":
        above = (
            "Otsu's threshold [@otsu1979]" if own.threshold is None else f"{own.threshold:g} counts"
        )
        within = " within the region of interest" if own.roi else ""
        yield (
            f"Every pixel{within} of {movies} whose time average is above {above} is a trace "
            f"({plural(study.traces.n_traces, 'pixel')})."
        )
        return
    side = 2 * own.box_radius_px + 1
    photometry = (
        f"the sum over {side} × {side} pixels"
        if own.photometry == "box"
        else f"the sum over {side} × {side} pixels with Gaussian weights"
    )
    yield (
        f"{plural(study.traces.n_traces, 'emitter')} were found in {movies} as spots of the time "
        f"average or the temporal deviation, at least {own.detection_snr:g} standard deviations "
        f"of the noise high, at least {own.min_separation_px:g} px apart and at most "
        f"{own.max_size_ratio:g} times as wide as the point spread function "
        f"(σ = {own.psf_sigma_px:g} px)."
    )
    followed = any("following a drift" in step for step in study.traces.history)
    yield (
        f"Their intensity is {photometry} less the mean of the ring from {own.ring_inner_px:g} to "
        f"{own.ring_outer_px:g} px{', at places that follow the measured drift' * followed}."
    )


def _ensemble_sentence(study: Study) -> str:
    traces, n = study.traces, int(study.clustered.sum())
    text = (
        f"Traces have {traces.n_frames:,} frames of {traces.dt_s:.6g} s "
        f"(frame interval: {dt_origin(study)})"
    )
    if n == traces.n_traces:
        return f"{text}; all {n:,} were clustered."
    return (
        f"{text}; {n:,} of {traces.n_traces:,} were clustered, the others are constant or not "
        "finite."
    )


def _scale_sentence(study: Study) -> str:
    """Name the scales that were really compared, each kind once."""
    own = study.settings.preprocess
    scales = [Scale.parse(sweep.scale) for sweep in study.sweeps]
    ways = []
    if any(scale.kind == "raw" for scale in scales):
        ways.append("unsmoothed")
    windows = [scale.size for scale in scales if scale.kind == "bin"]
    if windows:
        ways.append(f"averaged over bins of {join_words(windows)} frames")
    levels = [scale.size for scale in scales if scale.kind == "wavelet"]
    if levels:
        ways.append(
            f"as wavelet approximations ({own.wavelet}, mode {own.wavelet_mode}) of "
            f"level{'s' * (len(levels) > 1)} {join_words(levels)}"
        )
    number = "one smoothing scale" if len(scales) == 1 else f"{len(scales)} smoothing scales"
    return (
        f"They were compared at {number} ({'; '.join(ways)}), each trace scaled to 0…1 by its "
        "minimum and maximum after smoothing."
    )


def describe_scale(name: str) -> str:
    """Return a smoothing scale with what it means.

    Parameters
    ----------
    name : str
        As "W80".

    Returns
    -------
    str
    """
    scale = Scale.parse(name)
    if scale.kind == "bin":
        return f"{name} (bins of {scale.size} frames)"
    return f"{name} (wavelet level {scale.size})" if scale.kind == "wavelet" else name


def _spectrum_sentences(study: Study) -> Iterator[str]:
    spectrum, fit = study.spectrum, study.fit
    low_hz, high_hz = fit.f_range_hz
    yield (
        "Power spectral densities S(f) of the raw traces, less their mean, were estimated by "
        f"{ESTIMATORS[spectrum.method]}."
    )
    how = (
        "least squares of ln S against ln f"
        if fit.fitting == "least_squares"
        else "Whittle's likelihood [@whittle1953; @sykulski2019]"
    )
    yield (
        f"The {MODELS[fit.model]} was fitted to every spectrum by {how} from {low_hz:.4g} to "
        f"{high_hz:.4g} Hz; errors and 95 % intervals of β follow from the sampling distribution "
        "of the estimator."
    )
    if fit.n_without_beta:
        yield f"For {plural(fit.n_without_beta, 'trace')} no exponent was obtained."
    clusters = study.clusters
    means = [
        f"{mean:.3f} ± {stderr:.3f} (n = {n})"
        for mean, stderr, n in zip(
            clusters.beta_mean, clusters.beta_stderr, clusters.n_beta, strict=True
        )
    ]
    which = f"clusters 1…{len(means)}" if len(means) > 1 else "the cluster"
    yield (
        f"The mean exponent ⟨β⟩ of {which} is {join_words(means)}, given with the standard error "
        "over the traces."
    )


def _named(names: Sequence[str], noun: str) -> str:
    """Return a few names, or the number of many."""
    if len(names) <= MOST_NAMED:
        return f"{noun}{'s' * (len(names) > 1)} {join_words(names)}"
    return plural(len(names), noun)
