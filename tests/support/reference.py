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


def temporal_images(frames, n_per_block):
    """Mean over all frames; variance over the means of whole blocks."""
    n_frames, n_rows, n_cols = frames.shape
    n_blocks = n_frames // n_per_block
    mean = [[0.0] * n_cols for _ in range(n_rows)]
    variance = [[0.0] * n_cols for _ in range(n_rows)]
    for row in range(n_rows):
        for col in range(n_cols):
            counts = [float(frames[t, row, col]) for t in range(n_frames)]
            mean[row][col] = sum(counts) / n_frames
            blocks = [
                sum(counts[b * n_per_block : (b + 1) * n_per_block]) / n_per_block
                for b in range(n_blocks)
            ]
            centre = sum(blocks) / n_blocks
            variance[row][col] = sum((block - centre) ** 2 for block in blocks) / n_blocks
    return mean, variance


def box_photometry(frames, row, col, box_radius, ring_inner, ring_outer):
    """Box sum minus the ring's mean times the box's area, for a spot on a pixel centre."""
    n_frames, n_rows, n_cols = frames.shape
    intensities = []
    for t in range(n_frames):
        box, ring = [], []
        for r in range(n_rows):
            for c in range(n_cols):
                down, across = r - row, c - col
                if max(abs(down), abs(across)) <= box_radius:
                    box.append(float(frames[t, r, c]))
                if ring_inner <= (down**2 + across**2) ** 0.5 <= ring_outer:
                    ring.append(float(frames[t, r, c]))
        intensities.append(sum(box) - len(box) * sum(ring) / len(ring))
    return intensities
