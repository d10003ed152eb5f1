"""A validation as plain values for validation.json, and in sentences for the page."""

from __future__ import annotations

import math
from typing import Any

from umlpsd_gpu.simulate.camera import READ_NOISE_COUNTS
from umlpsd_gpu.storage.result_folder import FolderKind
from umlpsd_gpu.validation.rates import Rate
from umlpsd_gpu.validation.result import ExponentTest, Recovery, Validation

FORMAT_VERSION = 1
VALIDATION = FolderKind("validation", "validation.json", "umlpsd validation")

# a larger bias of β matters compared with the spread of the classes; required of the package at
# 10,000 frames with a floor of 30 % [I]
BIAS_OF_NOTE = 0.05
LEAST_COVERAGE = 0.93
FEW_ENSEMBLES = 10


def summary_of(validation: Validation) -> dict[str, Any]:
    """Return every number, setting and version, with None in place of NaN.

    Parameters
    ----------
    validation : Validation

    Returns
    -------
    dict
        As written to validation.json.
    """
    conditions = validation.conditions
    return {
        "format": VALIDATION.format,
        "format_version": FORMAT_VERSION,
        "simulated": {
            "classes": dict(conditions.classes),
            "n_traces": conditions.n_traces,
            "n_frames": conditions.n_frames,
            "dt_s": conditions.dt_s,
            "on_counts": list(conditions.on_counts),
            "background_counts": conditions.background_counts,
            "origin": conditions.origin,
            "words": simulated_in_words(validation),
        },
        "seed": validation.seed,
        "n_ensembles": validation.recovery.n_ensembles,
        **_recovery(validation.recovery),
        "exponents": [_exponent(test) for test in validation.exponents],
        "fit": {
            "method": validation.settings.spectrum.method,
            "model": validation.settings.spectrum.model,
            "fitting": validation.fitting,
            "f_range_hz": list(validation.f_range_hz),
        },
        "notes": notes_of(validation),
        "settings": validation.settings.model_dump(mode="json"),
        "timings_s": validation.timings_s,
        "device": validation.device,
        "versions": validation.versions,
    }


def headline(validation: Validation) -> str:
    """Return the main result in a few words.

    Parameters
    ----------
    validation : Validation

    Returns
    -------
    str
    """
    recovery = validation.recovery
    right = recovery.k_right
    text = f"K = {recovery.k_true} found in {right.n_hits} of {right.n_trials} simulated ensembles"
    if recovery.k_true == 1:
        return text
    return f"{text}, {100 * recovery.accuracy.share:.0f} % of traces labelled right"


def simulated_in_words(validation: Validation) -> str:
    """Return a description of the simulated data.

    Parameters
    ----------
    validation : Validation

    Returns
    -------
    str
    """
    conditions, n_ensembles = validation.conditions, validation.recovery.n_ensembles
    mix = ", ".join(f"{n} {name}" for name, n in conditions.classes.items())
    low, high = conditions.on_counts
    like = f", like the study {conditions.origin}" if conditions.origin else ""
    ensembles = "ensembles" if n_ensembles > 1 else "ensemble"
    return (
        f"{n_ensembles} {ensembles} of {conditions.n_traces} traces ({mix}) of "
        f"{conditions.n_frames:,} frames of {conditions.dt_s:.4g}\u00a0s{like}; {low:g} to "
        f"{high:g} counts per frame when fully ON, a background of "
        f"{conditions.background_counts:g} counts, and EM-CCD noise at unit gain with variance "
        f"2 × counts + {READ_NOISE_COUNTS**2:g}. Each was analysed like a study with the settings "
        "below, but without the interval of the confidence."
    )


def notes_of(validation: Validation) -> list[str]:
    """Return notes on limitations, and on settings that the user should change.

    Parameters
    ----------
    validation : Validation

    Returns
    -------
    list of str
    """
    return [
        *_few_ensembles(validation.recovery),
        *_confidence(validation.recovery),
        *_biased(validation),
    ]


def _few_ensembles(recovery: Recovery) -> list[str]:
    n = recovery.n_ensembles
    if n >= FEW_ENSEMBLES:
        return []
    low, high = (100 * end for end in (recovery.k_right.low, recovery.k_right.high))
    return [
        f"{n} ensemble{'s' * (n > 1)} can only show that K is found in {low:.0f} to "
        f"{high:.0f} % of cases; simulate more with --ensembles."
    ]


def _confidence(recovery: Recovery) -> list[str]:
    """Return a note if the confidence is larger than the chance of being right."""
    mean, right = float(recovery.confidence.mean()), recovery.k_right
    if mean > right.high:
        return [
            f"The confidence is too high for these data: its mean is {mean:.2f}, but K is found in "
            f"{100 * right.share:.0f} % ({100 * right.low:.0f} to "
            f"{100 * right.high:.0f} %)."
        ]
    return []


def _biased(validation: Validation) -> list[str]:
    """Return a note if shot noise biases β for the user's model, and if a floor corrects it."""
    model = validation.settings.spectrum.model
    noisy = [test for test in validation.exponents if test.shot_noise and test.tells]
    own = [test for test in noisy if test.model == model and not _is_sound(test)]
    if not own:
        return []
    worst = max(own, key=lambda test: abs(test.bias))
    covers = 100 * worst.coverage.share
    text = (
        f"With the shot noise of these counts, the model {model} biases β by "
        f"{_signed(worst.bias)} at β = {worst.beta:g}, and {covers:.0f} % of its 95 % intervals "
        "contain the true β."
    )
    others = [test for test in noisy if test.model != model and test.beta == worst.beta]
    if others and abs(others[0].bias) < abs(worst.bias) / 2:
        text += (
            f" Fit a floor, --psd-model {others[0].model} (spectrum.model): the bias is then "
            f"{_signed(others[0].bias)}, and {100 * others[0].coverage.share:.0f} % contain it."
        )
    return [text]


def _is_sound(test: ExponentTest) -> bool:
    return abs(test.bias) <= BIAS_OF_NOTE and test.coverage.high >= LEAST_COVERAGE


def _signed(value: float) -> str:
    return "below 0.01" if abs(value) < 0.01 else f"{value:+.2f}".replace("-", "−")


def _recovery(recovery: Recovery) -> dict[str, Any]:
    return {
        "k_true": recovery.k_true,
        "k_right": plain_rate(recovery.k_right),
        "k_said": {str(k): n for k, n in recovery.said.items()},
        "undecided": plain_rate(recovery.undecided),
        "k_right_if_decided": plain_rate(recovery.k_right_if_decided),
        "confidence_mean": float(recovery.confidence.mean()),
        "accuracy": plain_rate(recovery.accuracy),
        "accuracy_at_chosen_scale": plain_rate(recovery.accuracy_at_chosen),
        "accuracy_without_outliers": plain_rate(recovery.accuracy_without_outliers),
        "flagged": plain_rate(recovery.flagged(of_outliers=False)),
        "flagged_msb": plain_rate(recovery.flagged(of_outliers=True))
        if recovery.has_outliers
        else None,
        "scales": [
            {
                "scale": scale,
                "accuracy": plain_rate(recovery.accuracy_at(scale)),
                "times_chosen": n_chosen,
            }
            for scale, n_chosen in recovery.times_chosen.items()
        ],
        "confusion": {
            name: {
                "n_traces": recovery.confusion[:, row].sum(axis=0).tolist(),
                "shares": [
                    plain_rate(recovery.class_in_cluster(row, column))
                    for column in range(recovery.k_true + 1)
                ],
            }
            for row, name in enumerate(recovery.classes)
        },
        "ensembles": [
            {"k_opt": int(k), "confidence": float(confidence), "scale": scale}
            for k, confidence, scale in zip(
                recovery.k_opt, recovery.confidence, recovery.chosen, strict=True
            )
        ],
    }


def _exponent(test: ExponentTest) -> dict[str, Any]:
    return {
        "beta": test.beta,
        "shot_noise": test.shot_noise,
        "white_percent": test.white_percent,
        "model": test.model,
        "n_traces": test.n_traces,
        "n_without_beta": test.n_without_beta,
        "bias": _finite(test.bias),
        "bias_stderr": _finite(test.bias_stderr),
        "scatter": _finite(test.scatter),
        "coverage": plain_rate(test.coverage),
    }


def plain_rate(rate: Rate) -> dict[str, Any]:
    """Return a rate as plain values, with None in place of NaN.

    Parameters
    ----------
    rate : Rate

    Returns
    -------
    dict
    """
    return {
        "share": _finite(rate.share),
        "low": rate.low,
        "high": rate.high,
        "n_hits": rate.n_hits,
        "n_trials": rate.n_trials,
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
