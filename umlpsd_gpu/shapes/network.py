"""Shapes of particles by convolutional networks: the published one, and one that classifies d.

The network of Williamson et al. (Nanoscale 2022) has four convolutions of 3 × 3 and gives p, d and
L as numbers. The other has the same convolutions, and gives probabilities of d, ln p and ln L: a
mean over several d is no d. `umlpsd_gpu.shapes.pixel_fit` is more exact than both and has errors;
the networks are for comparison. Trained by ``benchmarks/train_shape_networks.py``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.errors import SettingsError

NAMES = ("published", "classifier")
# Frames at a time: 8 channels of 44 × 44 float32, nine times for a convolution, are 140 MB
BLOCK = 256


@dataclass(frozen=True)
class ShapeNetwork:
    """Weights of a network.

    Attributes
    ----------
    name : str
        ``"published"`` or ``"classifier"``.
    kernels, biases : tuple of ndarray of float32
        Of the convolutions, shapes (3, 3, n_in, n_out) and (n_out,), with the batch normalisation.
    dense, dense_bias : ndarray of float32
        Of the last layer, shapes (n_features, n_outputs) and (n_outputs,).
    mean : float
        Subtracted from the frames.
    training : dict
        How it was trained.
    """

    name: str
    kernels: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    dense: np.ndarray
    dense_bias: np.ndarray
    mean: float
    training: dict[str, Any]


@dataclass(frozen=True)
class NetworkShapes:
    """Shapes that a network sees; NaN where a frame is not finite.

    Attributes
    ----------
    d, p, l_ratio : ndarray of float64, shape (n,)
        ``d`` is a whole number of the classifier, any number of the published network.
    d_probability : ndarray of float64, shape (n, 7), or None
        Of d = 1…7; of the classifier.
    """

    d: np.ndarray
    p: np.ndarray
    l_ratio: np.ndarray
    d_probability: np.ndarray | None = None


@cache
def load_network(name: str) -> ShapeNetwork:
    """Load a trained network.

    Parameters
    ----------
    name : str
        ``"published"`` or ``"classifier"``.

    Returns
    -------
    ShapeNetwork

    Raises
    ------
    SettingsError
        If there is no network of that name.
    """
    if name not in NAMES:
        raise SettingsError(f"there is no network '{name}'; choose one of {', '.join(NAMES)}")
    path = files("umlpsd_gpu.shapes") / "networks" / f"{name}.npz"
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        n_layers = sum(key.startswith("kernel") for key in stored)
        return ShapeNetwork(
            name,
            tuple(stored[f"kernel{i}"] for i in range(n_layers)),
            tuple(stored[f"bias{i}"] for i in range(n_layers)),
            stored["dense"],
            stored["dense_bias"],
            float(stored["mean"]),
            json.loads(str(stored["training"])),
        )


def predict_shapes(frames: Array, network: ShapeNetwork) -> NetworkShapes:
    """Return the shapes that a network sees in frames.

    Parameters
    ----------
    frames : array of float32, shape (n, 44, 44)
        NumPy's or CuPy's, from `frame_particles`.
    network : ShapeNetwork

    Returns
    -------
    NetworkShapes
    """
    outputs = [
        on_host(_outputs(frames[start : start + BLOCK], network))
        for start in range(0, len(frames), BLOCK)
    ]
    found = np.concatenate([*outputs, np.empty((0, network.dense_bias.size))]).astype(np.float64)
    if network.name == "published":
        p, d, l_ratio = found.T
        return NetworkShapes(d, p, l_ratio)
    logits = found[:, 2:]
    weight = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    probability = weight / weight.sum(axis=1, keepdims=True)
    d = np.where(np.isfinite(logits).all(axis=1), 1.0 + np.argmax(probability, axis=1), np.nan)
    return NetworkShapes(d, np.exp(found[:, 0]), np.exp(found[:, 1]), probability)


def _outputs(frames: Array, network: ShapeNetwork) -> Array:
    xp = xp_of(frames)
    layer = (frames - network.mean)[:, :, :, None]
    for number, (kernel, bias) in enumerate(zip(network.kernels, network.biases, strict=True)):
        layer = xp.maximum(_convolve(layer, xp.asarray(kernel)) + xp.asarray(bias), 0)
        if number < 2:
            layer = _halve(layer)
    features = layer.reshape(len(frames), -1)
    outputs: Array = features @ xp.asarray(network.dense) + xp.asarray(network.dense_bias)
    return outputs


def _convolve(layer: Array, kernel: Array) -> Array:
    """Return the sum over nine shifted layers, each times a matrix; zeros beyond the edge."""
    xp = xp_of(layer)
    n, height, width, n_in = layer.shape
    padded = xp.zeros((n, height + 2, width + 2, n_in), dtype=layer.dtype)
    padded[:, 1:-1, 1:-1] = layer
    total: Array = xp.zeros((n * height * width, kernel.shape[3]), dtype=layer.dtype)
    for row in range(3):
        for column in range(3):
            shifted = padded[:, row : row + height, column : column + width]
            total += shifted.reshape(-1, n_in) @ kernel[row, column]
    convolved: Array = total.reshape(n, height, width, -1)
    return convolved


def _halve(layer: Array) -> Array:
    """Return the means of two by two pixels."""
    n, height, width, n_channels = layer.shape
    blocks = layer.reshape(n, height // 2, 2, width // 2, 2, n_channels)
    halved: Array = blocks.mean(axis=(2, 4))
    return halved
