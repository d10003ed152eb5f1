"""The clustering in a result file; the same for all analyses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from umlpsd_gpu.clustering.cluster import Clustering
from umlpsd_gpu.decision.cluster_tests import ClusterTests
from umlpsd_gpu.decision.outliers import Outliers
from umlpsd_gpu.decision.result import KDecision, KEvidence
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.storage.field import Field

CLUSTERING_FIELDS = (
    Field("sweeps/scales", "n_scales", "", "The scales in the order they were tried", "texts"),
    Field("sweeps/*/k_values", "n_k", "1", "Trial numbers of clusters K"),
    Field(
        "sweeps/*/labels",
        "n_k, n_epochs, n_clustered",
        "1",
        "Cluster of each clustered trace, from 0, in every K-means run",
        compressed=True,
    ),
    Field("sweeps/*/silhouette", "n_k, n_epochs", "1", "Mean silhouette SS"),
    Field(
        "sweeps/*/silhouette_stderr",
        "n_k, n_epochs",
        "1",
        "Standard error of SS where it is a sample's; 0: of all traces",
    ),
    Field("sweeps/*/calinski_harabasz", "n_k, n_epochs", "1", "Calinski-Harabasz index CH"),
    Field("sweeps/*/ssd", "n_k, n_epochs", "1", "Sum of squared distances to the centroids"),
    Field("sweeps/*/misclassified_percent", "n_k, n_epochs", "%", "Silhouettes below 0, %Mscl"),
    Field("sweeps/*/thresholds", "n_thresholds", "1", "Silhouette thresholds of %EM"),
    Field(
        "sweeps/*/below_percent",
        "n_thresholds, n_k, n_epochs",
        "%",
        "Silhouettes below each threshold, %EM",
    ),
    Field(
        "sweeps/*/smallest_cluster_silhouette",
        "n_k, n_epochs",
        "1",
        "Least of the clusters' mean silhouettes",
    ),
    Field(
        "sweeps/*/separation",
        "n_k, n_epochs",
        "1",
        "Clusters' mean margin over its standard deviation",
    ),
    Field("sweeps/*/least_separation", "n_k, n_epochs", "1", "That of the worst cluster"),
    Field("sweeps/*/n_iterations", "n_k, n_epochs", "1", "Lloyd iterations done"),
    Field("sweeps/*/scale", "", "", "Smoothing scale: raw, W80, WL6", "text"),
    Field("sweeps/*/engine", "", "", "Who ran K-means", "text"),
    Field("sweeps/*/silhouette_metric", "", "", "Distance of the silhouette", "text"),
    Field("sweeps/*/seed", "", "1", "Seed of the K-means starts", "number"),
    Field("sweeps/*/n_silhouettes", "", "1", "Traces that silhouettes rest on", "number"),
    Field("decision/k_opt", "", "1", "Number of clusters; 1: no cluster structure", "number"),
    Field("decision/scale", "", "", "Smoothing scale of the final clustering", "text"),
    Field("decision/confidence", "", "1", "0 to 1; see the rule", "number"),
    Field(
        "decision/confidence_ci95",
        "2",
        "1",
        "95 % interval of the confidence over the choice of traces; NaN where not made",
        "numbers",
    ),
    Field("decision/criteria", "n_criteria", "", "Criteria that voted", "texts"),
    Field("decision/votes", "n_criteria", "1", "K that each criterion votes for"),
    Field("decision/rule", "", "", "Name of the rule", "text"),
    Field("decision/reason", "", "", "Why, in a few sentences", "text"),
    Field(
        "decision/unfamiliar",
        "",
        "",
        "How the evidence is outside what the confidence was calibrated for; empty: inside",
        "text",
    ),
    Field("decision/calibrated_for", "", "", "What the confidence means", "text"),
    Field("decision/evidence/k_values", "n_k", "1", "K = 1, 2, …; empty unless by consensus"),
    Field("decision/evidence/probability", "n_k", "1", "Probability of each K"),
    Field(
        "decision/evidence/gap",
        "n_k",
        "1",
        "ln(density at the centroids / at the border) of the two clusters least apart",
    ),
    Field(
        "decision/evidence/reproducibility",
        "n_k",
        "1",
        "Mean Jaccard index of the cluster that halves of the items reproduce least",
    ),
    Field("decision/evidence/prediction_strength", "n_k", "1", "Prediction strength"),
    Field("clustering/labels", "n_traces", "1", "Cluster from 1, largest first; 0: not clustered"),
    Field(
        "clustering/label_uncertainty",
        "n_traces",
        "1",
        "Weighted share of K-means runs that put the trace into another cluster",
    ),
    Field("clustering/silhouette", "n_traces", "1", "Silhouette of the final clustering"),
    Field(
        "clustering/scaled",
        "n_clustered, n_samples",
        "1",
        "Clustered traces at the chosen scale, min-max scaled",
    ),
    Field("outliers/score", "n_traces", "1", "How far the trace is beyond every cluster's range"),
    Field("outliers/threshold", "", "1", "Outliers have a larger score; infinite: none", "number"),
    Field(
        "outliers/false_positive_rate",
        "",
        "1",
        "Share of traces above the threshold if all belong to their clusters",
        "number",
    ),
    Field(
        "outliers/labels",
        "n_traces",
        "1",
        "Cluster, found again without the outliers; 0: outlier or not clustered",
    ),
    Field("tests/nearest", "n_clusters", "1", "The other cluster with the smallest gap; 0: none"),
    Field("tests/gap", "n_clusters", "1", "ln(density at the centroids / at the border) to it"),
    Field(
        "tests/apart_p",
        "n_clusters",
        "1",
        "Share of single Gaussian clouds of the same covariance, cut in two, with a gap as deep",
    ),
    Field("tests/inner_gap", "n_clusters", "1", "Gap inside the cluster, if it is cut in two"),
    Field("tests/one_cloud_p", "n_clusters", "1", "The same share for the gap inside"),
)


def clustering_groups(clustering: Clustering) -> dict[str, Mapping[str, Any]]:
    """Return a clustering as groups of a result file.

    Parameters
    ----------
    clustering : Clustering

    Returns
    -------
    dict
        Values by group and name.
    """
    chosen = {**vars(clustering), "scaled": clustering.matrix}
    return {
        **sweep_groups(clustering.sweeps),
        **decision_groups(clustering.decision),
        "clustering": chosen,
        "outliers": vars(clustering.outliers),
        "tests": vars(clustering.tests),
    }


def clustering_from(values: Callable[[str], dict[str, Any]]) -> Clustering:
    """Read a clustering from the groups of a result file.

    Parameters
    ----------
    values : callable
        Takes a group; returns its values by name.

    Returns
    -------
    Clustering
    """
    chosen = values("clustering")
    return Clustering(
        sweeps=sweeps_from(values),
        decision=decision_from(values),
        matrix=chosen.pop("scaled"),
        outliers=Outliers(**values("outliers")),
        tests=ClusterTests(**values("tests")),
        **chosen,
    )


def sweep_groups(sweeps: Sequence[Sweep]) -> dict[str, Mapping[str, Any]]:
    """Return sweeps as groups of a result file.

    Parameters
    ----------
    sweeps : sequence of Sweep

    Returns
    -------
    dict
        Values by group and name.
    """
    return {
        "sweeps": {"scales": tuple(sweep.scale for sweep in sweeps)},
        **{f"sweeps/{sweep.scale}": vars(sweep) for sweep in sweeps},
    }


def sweeps_from(values: Callable[[str], dict[str, Any]]) -> tuple[Sweep, ...]:
    """Read the sweeps from the groups of a result file.

    Parameters
    ----------
    values : callable
        Takes a group; returns its values by name.

    Returns
    -------
    tuple of Sweep
    """
    return tuple(Sweep(**values(f"sweeps/{scale}")) for scale in values("sweeps")["scales"])


def decision_groups(decision: KDecision) -> dict[str, Mapping[str, Any]]:
    """Return a decision as groups of a result file.

    Parameters
    ----------
    decision : KDecision

    Returns
    -------
    dict
        Values by group and name; the votes are two lists, ``criteria`` and ``votes``.
    """
    votes = {
        "criteria": tuple(decision.votes),
        "votes": np.array(list(decision.votes.values()), dtype=np.int64),
    }
    return {"decision": vars(decision) | votes, "decision/evidence": vars(decision.evidence)}


def decision_from(values: Callable[[str], dict[str, Any]]) -> KDecision:
    """Read the decision from the groups of a result file.

    Parameters
    ----------
    values : callable
        Takes a group; returns its values by name.

    Returns
    -------
    KDecision
    """
    attributes = values("decision")
    votes = dict(zip(attributes.pop("criteria"), attributes.pop("votes").tolist(), strict=True))
    return KDecision(**attributes, votes=votes, evidence=KEvidence(**values("decision/evidence")))
