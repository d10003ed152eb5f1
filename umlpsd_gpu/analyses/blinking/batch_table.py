"""The columns of blinking studies in the table of a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup

from umlpsd_gpu.analyses.batch_protocol import K_SPREAD, read_from_summary
from umlpsd_gpu.analyses.protocol import Column
from umlpsd_gpu.plotting.page_parts import number

# Mean exponents that differ by less are alike
BETA_SPREAD = 0.02
Values = Mapping[str, Any]


def _read_fact(name: str) -> Callable[[Values, Values], Any]:
    return lambda facts, summary: facts.get(name)


def _read_dt_s(facts: Values, summary: Values) -> float | None:
    dt_s: float | None = summary.get("dt_s", facts.get("dt_s"))
    return dt_s


def _read_interval_end(end: int) -> Callable[[Values, Values], Any]:
    return lambda facts, summary: summary.get("confidence_ci95", (None, None))[end]


def _join_clusters(name: str) -> Callable[[Values, Values], str]:
    def join(facts: Values, summary: Values) -> str:
        values = [cluster[name] for cluster in summary.get("clusters", ())]
        return ";".join("" if value is None else repr(value) for value in values)

    return join


def _mean_exponent(facts: Values, summary: Values) -> float | None:
    """Return the mean exponent of all traces of a study; None where it has none."""
    known = [c for c in summary.get("clusters", ()) if c["beta_mean"] is not None and c["n_beta"]]
    n = sum(cluster["n_beta"] for cluster in known)
    return sum(c["n_beta"] * c["beta_mean"] for c in known) / n if n else None


def _show_frames(facts: Values, summary: Values) -> str:
    return f"{facts['n_frames']:,}"


def _show_k(facts: Values, summary: Values) -> str:
    return Markup("{} <small>{}</small>").format(summary["k_opt"], summary["scale"])


def _show_confidence(facts: Values, summary: Values) -> str:
    return number(summary["confidence"], 2)


def _show_exponents(facts: Values, summary: Values) -> str:
    return Markup(" ").join(
        Markup(
            '<span class="together"><i class="swatch c{}"></i>{} ± {} <small>({})</small></span>'
        ).format(
            cluster["cluster"],
            number(cluster["beta_mean"], 2),
            number(cluster["beta_stderr"], 2),
            cluster["n_traces"],
        )
        for cluster in summary["clusters"]
    )


COLUMNS = (
    Column("n_frames", _read_fact("n_frames"), "Frames", _show_frames),
    Column("dt_s", _read_dt_s),
    Column("n_traces", read_from_summary("n_traces"), "Traces"),
    Column("n_clustered", read_from_summary("n_clustered")),
    Column("k_opt", read_from_summary("k_opt"), "K", _show_k, K_SPREAD),
    Column("scale", read_from_summary("scale")),
    Column("confidence", read_from_summary("confidence"), "Confidence", _show_confidence),
    Column("confidence_low", _read_interval_end(0)),
    Column("confidence_high", _read_interval_end(1)),
    Column("beta_mean", _mean_exponent, "⟨β⟩", least_spread=BETA_SPREAD),
    Column("n_traces_by_cluster", _join_clusters("n_traces")),
    Column("beta_mean_by_cluster", _join_clusters("beta_mean"), "⟨β⟩ by cluster", _show_exponents),
    Column("beta_stderr_by_cluster", _join_clusters("beta_stderr")),
)
