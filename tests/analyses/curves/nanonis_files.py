"""Writes Nanonis files as the microscope does, with known values."""

from pathlib import Path

import numpy as np

CHANNELS = ("Current (A)", "LI Demod 1 X (A)", "Current [bwd] (A)", "LI Demod 1 X [bwd] (A)")
SETTINGS = "1.0E-8;2.0E-8;{width:E};{height:E};{angle:E}"


def write_grid(
    path: Path,
    curves: np.ndarray,
    channels=CHANNELS[:1],
    bias=(-1.0, 1.0),
    angle=0.0,
    extra=(),
    without=(),
    n_pixels=None,
) -> Path:
    """Write a grid; curves (n_rows, n_cols, n_channels, n_points), the lowest row first."""
    n_rows, n_cols, n_channels, n_points = curves.shape
    lines = [
        f'Grid dim="{n_cols} x {n_rows}"',
        "Grid settings=" + SETTINGS.format(width=n_cols * 1e-9, height=n_rows * 1e-9, angle=angle),
        'Sweep Signal="Bias (V)"',
        'Fixed parameters="Sweep Start;Sweep End"',
        'Experiment parameters="X (m);Y (m);Z (m)"',
        "# Parameters (4 byte)=5",
        f"Experiment size (bytes)={4 * n_channels * n_points}",
        f"Points={n_points}",
        f'Channels="{";".join(channels)}"',
        "Delay before measuring (s)=0.0",
        *extra,
        ":HEADER_END:",
    ]
    kept = [line for line in lines if not line.startswith(tuple(without) or ("\0",))]
    rows, cols = np.divmod(np.arange(n_rows * n_cols), n_cols)
    parameters = np.column_stack(
        [
            np.full(rows.size, bias[0]),
            np.full(rows.size, bias[1]),
            1e-8 + (cols + 0.5 - n_cols / 2) * 1e-9,
            2e-8 + (rows + 0.5 - n_rows / 2) * 1e-9,
            rows * 1e-10,
        ]
    )
    pixels = np.hstack([parameters, curves.reshape(rows.size, -1)]).astype(">f4")
    path.write_bytes(("\r\n".join(kept) + "\r\n").encode() + pixels[:n_pixels].tobytes())
    return path


def write_spectrum(path: Path, bias: np.ndarray, columns: dict[str, np.ndarray], place=(1, 2)):
    """Write a spectrum with its header."""
    head = ["Experiment\tbias spectroscopy\t", f"X (m)\t{place[0]}E-9\t", f"Y (m)\t{place[1]}E-9\t"]
    head += ["Z (m)\t5E-9\t", "User\t\t", "", "[DATA]", "\t".join(["Bias calc (V)", *columns])]
    rows = np.column_stack([bias, *columns.values()])
    lines = ["\t".join(f"{number:.8E}" for number in row) for row in rows]
    path.write_text("\n".join([*head, *lines]) + "\n")
    return path


def write_scan(path: Path, height: np.ndarray, direction="down") -> Path:
    """Write a scan of 10 × 10 nm with one other channel before Z; the top row first."""
    n_rows, n_cols = height.shape
    header = "\n".join(
        [
            ":NANONIS_VERSION:",
            "2",
            ":SCAN_PIXELS:",
            f"       {n_cols}       {n_rows}",
            ":SCAN_RANGE:",
            "           1.000000E-8           1.000000E-8",
            ":SCAN_OFFSET:",
            "             0.000000E+0         0.000000E+0",
            ":SCAN_ANGLE:",
            "            0.000E+0",
            ":SCAN_DIR:",
            direction,
            ":DATA_INFO:",
            "\tChannel\tName\tUnit\tDirection\tCalibration\tOffset",
            "\t0\tCurrent\tA\tboth\t1E-9\t0E+0",
            "\t14\tZ\tm\tboth\t1E-8\t0E+0",
            "",
            ":SCANIT_END:",
            "",
            "",
        ]
    )
    stored = height[::-1] if direction == "up" else height
    other = np.full((2, n_rows, n_cols), 7.0)
    images = np.concatenate([other, [stored, stored[:, ::-1]]]).astype(">f4")
    path.write_bytes(header.encode() + b"\x1a\x04" + images.tobytes())
    return path
