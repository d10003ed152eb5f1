"""Models of charge transport, as residuals with derivatives for many curves at once.

Ohm's law; space-charge-limited current with an ohmic part (Mott and Gurney, Electronic Processes in
Ionic Crystals, 1940; Lampert, Phys. Rev. 103, 1648, 1956); thermionic emission with a series
resistance (Cheung and Cheung, Appl. Phys. Lett. 49, 85, 1986; the form with 1 − exp(−qV/kT) of
Missous and Rhoderick, J. Appl. Phys. 69, 7142, 1991); Poole–Frenkel emission (Frenkel, Phys. Rev.
54, 647, 1938); Fowler–Nordheim tunnelling (Proc. R. Soc. A 119, 173, 1928); tunnelling through a
trapezoidal barrier below its height (Simmons, J. Appl. Phys. 34, 1793, 1963).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

BOLTZMANN_EV_K = 8.617333262e-5
# exp(300) times any current is finite
LARGEST_EXPONENT = 300.0
# Exponents of the Poole–Frenkel and Fowler–Nordheim models at the largest bias are at least this:
# with smaller ones they are Ohm's law and the square law by another name
LEAST_BEND = 1.0
# 4π √(2 m_e e) / h, in 1/(m √V): the decay of Simmons' barrier is this times its width
SIMMONS_DECAY = 1.02462e10


@dataclass(frozen=True, eq=False)
class Points:
    """What the models are fitted to.

    Attributes
    ----------
    bias : ndarray, shape (n_points,)
        In volts.
    current : ndarray, shape (n_curves, n_points)
        In amperes.
    weight : ndarray, shape (n_curves, n_points)
        One divided by the standard deviation; 0 for points that are not used.
    sign : ndarray, shape (n_curves,)
        1 where the larger currents flow at positive bias, else −1.
    temperature_k : float
    """

    bias: np.ndarray
    current: np.ndarray
    weight: np.ndarray
    sign: np.ndarray
    temperature_k: float

    def take(self, rows: np.ndarray | slice) -> Points:
        """Return the points of some curves.

        Parameters
        ----------
        rows : ndarray or slice

        Returns
        -------
        Points
        """
        return Points(
            self.bias,
            self.current[rows],
            self.weight[rows],
            self.sign[rows],
            self.temperature_k,
        )


Predicted = tuple[np.ndarray, np.ndarray]
Predict = Callable[[np.ndarray, Points], Predicted]


@dataclass(frozen=True)
class TransportModel:
    """A model: its name, its current, and the range and first values of its parameters.

    Attributes
    ----------
    name : str
    predict : callable
        Takes parameters, shape (n_curves, n_parameters), and points; returns what the model is
        above the measured current, to be compared with the noise, and the derivatives, shape
        (n_curves, n_parameters, n_points).
    limits : callable
        Takes the largest bias; returns lower and upper limits of the parameters.
    starts : callable
        Takes the largest bias; returns trial values of all parameters but the first. The first is
        the logarithm of the amplitude, which is found for each.
    """

    name: str
    predict: Predict
    limits: Callable[[float], tuple[list[float], list[float]]]
    starts: Callable[[float], list[list[float]]]


def _ohmic(parameters: np.ndarray, points: Points) -> Predicted:
    model = parameters[:, :1] * points.bias
    slopes = np.broadcast_to(points.bias, model.shape)[:, None]
    return model - points.current, slopes


def _space_charge(parameters: np.ndarray, points: Points) -> Predicted:
    columns = np.stack([np.abs(points.bias) * points.bias, points.bias])
    slopes = np.broadcast_to(columns, (len(parameters), *columns.shape))
    return parameters @ columns - points.current, slopes


def _thermionic(parameters: np.ndarray, points: Points) -> Predicted:
    """Compare f(V − I R) with I, where I is the measured current in both places.

    That is the first step of Newton's method towards the current of the model, which the
    denominator completes: its error is of second order in the noise.
    """
    saturation, ideality = np.exp(parameters[:, :1]), np.exp(parameters[:, 1:2])
    resistance = parameters[:, 2:]
    thermal = BOLTZMANN_EV_K * points.temperature_k
    current = points.sign[:, None] * points.current
    junction = points.sign[:, None] * points.bias - resistance * current
    over_n = junction / (ideality * thermal)
    forward = saturation * np.exp(np.minimum(over_n, LARGEST_EXPONENT))
    reverse = saturation * np.exp(np.minimum(over_n - junction / thermal, LARGEST_EXPONENT))
    model = forward - reverse
    slope = np.maximum(forward / (ideality * thermal) + reverse * (1 - 1 / ideality) / thermal, 0.0)
    share = 1 / (1 + resistance * slope)
    slopes = np.stack([model * share, -over_n * model * share, -current * slope * share], axis=1)
    return (model - current) * share, slopes


def _poole_frenkel(parameters: np.ndarray, points: Points) -> Predicted:
    root = np.sqrt(np.abs(points.bias))
    relative = root - root.max()
    model = points.bias * np.exp(parameters[:, :1] + parameters[:, 1:] * relative)
    return model - points.current, np.stack([model, model * relative], axis=1)


def _fowler_nordheim(parameters: np.ndarray, points: Points) -> Predicted:
    size = np.maximum(np.abs(points.bias), 1e-12)
    relative = 1 / size.max() - 1 / size
    with np.errstate(under="ignore"):
        model = np.sign(points.bias) * size**2
        model = model * np.exp(parameters[:, :1] + parameters[:, 1:] * relative)
        # at zero bias the model and its derivatives vanish
        slopes = np.stack([model, np.where(model == 0, 0.0, model * relative)], axis=1)
    return model - points.current, slopes


def _simmons(parameters: np.ndarray, points: Points) -> Predicted:
    """Return Simmons' current, with 1/φ of the height and k = (decay × width) / 4√φ as parameters.

    At small bias the current goes as sinh(kV), with corrections in powers of V/φ: amplitude, 1/φ
    and k can be told apart, and the sum of squares is nearly quadratic in them.
    """
    height, rise = 1 / parameters[:, 1:2], parameters[:, 2:]
    amplitude, root = np.exp(parameters[:, :1]) / height, np.sqrt(height)
    decay, half = 4 * rise * root, np.abs(points.bias) / 2
    low, high = height - half, height + half
    root_low, root_high = np.sqrt(low), np.sqrt(high)
    through_low = np.exp(-decay * (root_low - root))
    through_high = np.exp(-decay * (root_high - root))
    signed = np.sign(points.bias) * amplitude
    model = signed * (low * through_low - high * through_high)
    by_decay = signed * (
        (root_high - root) * high * through_high - (root_low - root) * low * through_low
    )
    by_height = through_low * (1 - decay * low * (0.5 / root_low - 0.5 / root))
    by_height = by_height - through_high * (1 - decay * high * (0.5 / root_high - 0.5 / root))
    by_height = signed * by_height - model / height + by_decay * 2 * rise / root
    slopes = np.stack([model, -(height**2) * by_height, by_decay * 4 * root], axis=1)
    return model - points.current, slopes


OHMIC = TransportModel("ohmic", _ohmic, lambda most: ([-np.inf], [np.inf]), lambda most: [])
SPACE_CHARGE = TransportModel(
    "space-charge-limited",
    _space_charge,
    lambda most: ([0.0, -np.inf], [np.inf, np.inf]),
    lambda most: [],
)
THERMIONIC = TransportModel(
    "thermionic",
    _thermionic,
    lambda most: ([-90.0, np.log(0.5), 0.0], [5.0, np.log(30.0), np.inf]),
    lambda most: [[np.log(n)] for n in (1.05, 1.5, 2.5, 6.0)],
)
POOLE_FRENKEL = TransportModel(
    "Poole–Frenkel",
    _poole_frenkel,
    lambda most: ([-120.0, LEAST_BEND / np.sqrt(most)], [60.0, 300.0]),
    lambda most: [[b / np.sqrt(most)] for b in (1.0, 3.0, 6.0, 12.0)],
)
FOWLER_NORDHEIM = TransportModel(
    "Fowler–Nordheim",
    _fowler_nordheim,
    lambda most: ([-120.0, LEAST_BEND * most], [60.0, 1e4]),
    lambda most: [[b * most] for b in (0.5, 2.0, 6.0, 20.0)],
)
SIMMONS = TransportModel(
    "Simmons",
    _simmons,
    lambda most: ([-120.0, 1 / max(20.0, 4 * most), 0.01], [60.0, 1 / most, 100.0]),
    lambda most: [[0.5 / most, rise / most] for rise in (0.8, 2.0, 4.0, 8.0)],
)
# In this order: the simplest first
MODELS = OHMIC, SPACE_CHARGE, POOLE_FRENKEL, FOWLER_NORDHEIM, THERMIONIC, SIMMONS
