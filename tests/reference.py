"""The simplest loops that could be right, to compare with; imports nothing of umlpsd_gpu."""

import cmath
import math


def bin_mean(values, frames_per_bin):
    """Mean over consecutive windows; the last one averages what it holds."""
    return [
        [
            sum(float(x) for x in trace[start : start + frames_per_bin])
            / len(trace[start : start + frames_per_bin])
            for start in range(0, len(trace), frames_per_bin)
        ]
        for trace in values
    ]


def log_welch(trace, dt_s):
    """Welch with a window of about three periods for each frequency: (freqs_hz, psd, dof)."""
    n = len(trace)
    mean = sum(trace) / n
    longest = max(w for w in range(1, n // 3 + 1) if w % 2 == 1 and 3 * w <= n)
    first, last = round(3 * n / longest), round(0.4 * n)
    freqs_hz, psd, dof = [], [], []
    step = 0
    while True:
        exact = first * 10 ** (step // 20) * 10 ** (step % 20 / 20)
        if exact > last:
            return freqs_hz, psd, dof
        k = math.ceil(exact)
        w = longest if step == 0 else max(101, 2 * math.floor(3 * n / k / 2) + 1)
        taper = [0.54 - 0.46 * math.cos(2 * math.pi * t / (w - 1)) for t in range(w)]
        n_windows = math.floor(2 * n / w - 1)
        power = 0.0
        for j in range(n_windows):
            start = math.floor(j * w / 2)
            coefficient = sum(
                taper[t] * (trace[start + t] - mean) * cmath.exp(2j * math.pi * k * t / n)
                for t in range(w)
            )
            power += abs(coefficient) ** 2 / sum(h * h for h in taper)
        freqs_hz.append(k / (n * dt_s))
        psd.append(power / n_windows * dt_s / (2 * math.pi))
        dof.append(36 * n_windows**2 / (19 * n_windows - 1))
        step += 1
