"""Train the networks of `umlpsd_gpu.shapes.network` on simulated particles, with JAX.

    pip install -e '.[train]'
    python benchmarks/train_shape_networks.py --images 65000 --epochs 30

As published: 44 × 44 pixels, four convolutions of 3 × 3 with 8, 16, 32, 32 filters, batch
normalisation, average pooling after the first two, dropout 0.2, 70/10/20 % for training, validation
and test. The published network is trained on the squares of p, d and L; the classifier on the cross
entropy of d and the squares of ln p and ln L. Writes ``umlpsd_gpu/shapes/networks/*.npz``, and
a table with learning curves to ``benchmarks/results/shape_networks.md``.

    python benchmarks/train_shape_networks.py --figures 6000

trains nothing: it draws the networks that are shipped on new images (seed 45, none of which was
used for training), into ``benchmarks/results/shape_networks.png``.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from pathlib import Path

import numpy as np
from scipy import ndimage
from shape_network_figures import draw_networks

from umlpsd_gpu.shapes.framing import SIDE, frame_particles
from umlpsd_gpu.shapes.network import NAMES, load_network, predict_shapes
from umlpsd_gpu.shapes.superellipse import SuperEllipse
from umlpsd_gpu.simulate.particle_shapes import render_coverage

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "umlpsd_gpu" / "shapes" / "networks"
FILTERS, N_OUTPUTS = (1, 8, 16, 32, 32), {"published": 3, "classifier": 9}
N_CLASSES, DROPOUT, BATCH, RATE, MOMENTUM = 7, 0.2, 256, 3e-3, 0.95


def main() -> None:
    """Simulate, train both networks, write weights and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=65_000)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--cache", type=Path, default=Path("/tmp/shape_networks.npz"))
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/shape_networks.md")
    parser.add_argument("--figures", type=int, help="new images on which networks are drawn")
    options = parser.parse_args()
    if options.figures:
        frames, truth = draw_frames(options.figures, 45)
        picture = options.out.with_suffix(".png")
        print("\n".join(draw_networks(frames, truth, picture)))
        return
    frames, truth = simulated(options.images, options.cache)
    first, second = int(0.7 * len(frames)), int(0.8 * len(frames))
    parts = [slice(0, first), slice(first, second), slice(second, None)]
    lines = heading(options)
    for name in NAMES:
        start = time.perf_counter()
        curve, weights = train(name, frames, truth, parts[:2], options.epochs)
        seconds = time.perf_counter() - start
        about = {"images": len(frames), "epochs": options.epochs, "seed": 0, "batch": BATCH}
        np.savez(WEIGHTS / f"{name}.npz", training=json.dumps(about), **weights)
        load_network.cache_clear()
        lines += report(name, frames[parts[2]], truth[parts[2]], curve, seconds)
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


def simulated(n_images: int, cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return frames and (p, d, L) of simulated particles, as many of each d."""
    if cache.exists():
        with np.load(cache) as stored:
            if len(stored["truth"]) == n_images:
                return stored["frames"], stored["truth"]
    found = draw_frames(n_images, 44)
    np.savez(cache, frames=found[0], truth=found[1])
    return found


def draw_frames(n_images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return frames of random particles, and (p, d, L) of each."""
    rng = np.random.default_rng(seed)
    drawn = [simulate_frame(rng) for _ in range(n_images)]
    return np.concatenate([frame for frame, _ in drawn]), np.array([true for _, true in drawn])


def simulate_frame(rng: np.random.Generator) -> tuple[np.ndarray, tuple[float, ...]]:
    """Return the frame of a particle of random shape, size, blur and noise, and its (p, d, L)."""
    p, d = np.exp(rng.uniform(*np.log((0.7, 15)))), int(rng.integers(1, N_CLASSES + 1))
    l_ratio = rng.uniform(1, 3) if rng.random() < 0.75 else rng.uniform(3, 5)
    radius = rng.uniform(8, 32)
    side = int(2 * radius) + 18
    centre = side / 2 + rng.uniform(-0.5, 0.5, 2)
    shape = SuperEllipse(*centre, radius, d, p, l_ratio, rng.uniform(0, 2 * np.pi))
    covered = render_coverage(shape, (side, side), rng.uniform(0.4, 1.5), oversampling=3)
    noise = rng.standard_normal(covered.shape) / rng.uniform(3, 15)
    mask = other_by_a_pixel(covered >= 0.5, int(rng.integers(-1, 2)))
    return frame_particles(covered + noise, mask.astype(np.int32)), (p, d, l_ratio)


def other_by_a_pixel(mask: np.ndarray, change: int) -> np.ndarray:
    """Return a mask that is a pixel larger (1) or smaller (−1), as a segmentation may have it."""
    if change == 1:
        return ndimage.binary_dilation(mask)
    eroded = ndimage.binary_erosion(mask) if change == -1 else mask
    return eroded if eroded.any() else mask


def train(name, frames, truth, parts, n_epochs):
    """Train a network; return its learning curve and its weights."""
    import jax
    import jax.numpy as jnp
    import optax

    mean = float(frames[parts[0]].mean())
    parameters, state = start(jax.random.PRNGKey(0), N_OUTPUTS[name])
    n_train = parts[0].stop
    n_steps = n_epochs * (n_train // BATCH)
    optimiser = optax.adam(optax.cosine_decay_schedule(RATE, n_steps))
    moments = optimiser.init(parameters)
    loss_of = partial(loss, name)

    @jax.jit
    def step(parameters, state, moments, images, wanted, key):
        (value, state), slopes = jax.value_and_grad(loss_of, has_aux=True)(
            parameters, state, images, wanted, key
        )
        change, moments = optimiser.update(slopes, moments)
        return optax.apply_updates(parameters, change), state, moments, value

    judge = jax.jit(lambda *given: loss_of(*given, None)[0])
    key, rng, curve = jax.random.PRNGKey(1), np.random.default_rng(0), []
    for epoch in range(n_epochs):
        order, losses = rng.permutation(n_train), []
        for first in range(0, n_train - BATCH + 1, BATCH):
            rows = np.sort(order[first : first + BATCH])
            images, wanted = turned(frames[rows], rng) - mean, truth[rows]
            key, drawn = jax.random.split(key)
            parameters, state, moments, value = step(
                parameters, state, moments, images, wanted, drawn
            )
            losses.append(float(value))
        held = [
            float(judge(parameters, state, frames[s : s + 500] - mean, truth[s : s + 500]))
            for s in range(parts[1].start, parts[1].stop, 500)
        ]
        curve.append((np.mean(losses), np.mean(held)))
        print(f"{name} {epoch + 1}: {curve[-1][0]:.4f} {curve[-1][1]:.4f}", flush=True)
    return curve, folded(jax.device_get(parameters), jax.device_get(state), mean, jnp)


def turned(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn and mirror all frames of a batch alike: p, d and L stay."""
    frames = np.rot90(frames, rng.integers(4), axes=(1, 2))
    return np.ascontiguousarray(frames[:, :, ::-1] if rng.integers(2) else frames)


def start(key, n_outputs):
    """Return the first weights (Glorot) and the running moments of the batch normalisation."""
    import jax
    import jax.numpy as jnp

    keys = jax.random.split(key, len(FILTERS))
    glorot = jax.nn.initializers.glorot_uniform()
    layers = [
        {
            "kernel": glorot(k, (3, 3, n_in, n_out)),
            "scale": jnp.ones(n_out),
            "shift": jnp.zeros(n_out),
        }
        for k, n_in, n_out in zip(keys, FILTERS[:-1], FILTERS[1:], strict=False)
    ]
    n_features = (SIDE // 4) ** 2 * FILTERS[-1]
    dense = {"kernel": glorot(keys[-1], (n_features, n_outputs)), "bias": jnp.zeros(n_outputs)}
    state = [{"mean": jnp.zeros(n), "variance": jnp.ones(n)} for n in FILTERS[1:]]
    return {"layers": layers, "dense": dense}, state


def forward(parameters, state, images, key):
    """Return outputs and the new running moments; without a key as when it is used."""
    import jax
    import jax.numpy as jnp

    layer, moments = images[:, :, :, None], []
    for number, (weights, before) in enumerate(zip(parameters["layers"], state, strict=True)):
        layer = jax.lax.conv_general_dilated(
            layer, weights["kernel"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        if key is None:
            mean, variance = before["mean"], before["variance"]
        else:
            mean, variance = layer.mean(axis=(0, 1, 2)), layer.var(axis=(0, 1, 2))
        moments.append(
            {
                "mean": MOMENTUM * before["mean"] + (1 - MOMENTUM) * mean,
                "variance": MOMENTUM * before["variance"] + (1 - MOMENTUM) * variance,
            }
        )
        layer = (layer - mean) / jnp.sqrt(variance + 1e-5) * weights["scale"] + weights["shift"]
        layer = jax.nn.relu(layer)
        if number < 2:
            n, height, width, channels = layer.shape
            layer = layer.reshape(n, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))
    features = layer.reshape(len(images), -1)
    if key is not None:
        kept = jax.random.bernoulli(key, 1 - DROPOUT, features.shape)
        features = jnp.where(kept, features / (1 - DROPOUT), 0)
    return features @ parameters["dense"]["kernel"] + parameters["dense"]["bias"], moments


def loss(name, parameters, state, images, wanted, key):
    """Return the loss of a batch and the new running moments."""
    import jax
    import jax.numpy as jnp

    outputs, moments = forward(parameters, state, images, key)
    if name == "published":
        return jnp.mean(jnp.square(outputs - wanted)), moments
    logs = jnp.log(wanted[:, jnp.array([0, 2])])
    classes = jax.nn.one_hot(wanted[:, 1].astype(int) - 1, N_CLASSES)
    entropy = -jnp.mean(jnp.sum(classes * jax.nn.log_softmax(outputs[:, 2:]), axis=1))
    # a circle has every d, and p says nothing of it
    return entropy + jnp.mean(jnp.square(outputs[:, :2] - logs)), moments


def folded(parameters, state, mean, jnp):
    """Return the weights with the batch normalisation inside the convolutions."""
    weights = {"mean": np.float32(mean)}
    for i, (layer, moments) in enumerate(zip(parameters["layers"], state, strict=True)):
        gain = layer["scale"] / np.sqrt(moments["variance"] + 1e-5)
        weights[f"kernel{i}"] = np.asarray(layer["kernel"] * gain, dtype=np.float32)
        weights[f"bias{i}"] = np.asarray(layer["shift"] - moments["mean"] * gain, np.float32)
    weights["dense"] = np.asarray(parameters["dense"]["kernel"], dtype=np.float32)
    weights["dense_bias"] = np.asarray(parameters["dense"]["bias"], dtype=np.float32)
    return weights


def heading(options) -> list[str]:
    """Return the first lines of the table."""
    return [
        "# Networks for the shapes of particles",
        "",
        f"Made by `benchmarks/train_shape_networks.py --images {options.images} --epochs "
        f"{options.epochs}`. Simulated super-ellipses, d 1…{N_CLASSES}, p 0.7…15 (log-uniform), "
        "L 1…5, 16–64 px, contrast over noise 3–15, blur 0.4–1.5 px, masks up to a pixel too large "
        "or small; 70 % for training, 10 % for validation, 20 % for the figures below.",
        "",
        "![Quantiles of the networks against those of the truth, and root mean square errors "
        "against the parameters](shape_networks.png)",
        "",
        "On 6,000 new images (`--figures 6000`, seed 45): quantiles of what the networks say "
        "against those of the truth, and root mean square errors against each parameter.",
    ]


def report(name, frames, truth, curve, seconds) -> list[str]:
    """Return the lines about one network, measured with the weights that were written."""
    found = predict_shapes(frames, load_network(name))
    p, d, l_ratio = truth.T.astype(np.float64)
    right = np.mean(np.round(found.d) == d)
    rms_p, rms_d, rms_l = (
        np.sqrt(np.mean(np.square(each)))
        for each in (found.p - p, found.d - d, found.l_ratio - l_ratio)
    )
    lines = [
        "",
        f"## {name}",
        "",
        f"Trained in {seconds / 60:.0f} min on 2 shared cores. {len(p):,} test images: d exact in "
        f"{right:.3f}; median relative error of p {np.median(np.abs(found.p / p - 1)):.3f}, of L "
        f"{np.median(np.abs(found.l_ratio / l_ratio - 1)):.3f}; root mean square error of p "
        f"{rms_p:.2f}, of d {rms_d:.2f}, of L {rms_l:.2f}.",
        "",
        "| epoch | loss, training | loss, validation |",
        "|---|---|---|",
    ]
    shown = sorted({0, 1, 2, 4, 9, 14, 19, 24, 29, 39, len(curve) - 1} & set(range(len(curve))))
    return lines + [f"| {i + 1} | {curve[i][0]:.4f} | {curve[i][1]:.4f} |" for i in shown]


if __name__ == "__main__":
    main()
