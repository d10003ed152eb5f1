"""The results of a proof: requirements, and sections with tables and notes."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

NOT_RUN, YES, NO = "not run", "yes", "no"
# a rehearsal, or a card with too little memory for the size that the requirement names
REHEARSED, OTHER_SIZE = "rehearsed", "not at this size"


@dataclass
class Requirement:
    """One line of the summary.

    Attributes
    ----------
    what, required, measured : str
    held : str
    is_result : bool
        A wrong result fails the proof; a missed speed is only reported.
    """

    what: str
    required: str
    is_result: bool = True
    measured: str = ""
    held: str = NOT_RUN


@dataclass
class Table:
    """A heading and rows of text."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


@dataclass
class Section:
    """The results of one part of the proof."""

    name: str
    status: str = "under way"  # then "ran", "left out" or "failed"
    seconds: float = 0.0
    reason: str = ""  # why it was left out, or the traceback
    notes: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


class LeftOut(Exception):
    """A section can't run here; the message says why."""


def all_requirements() -> dict[str, Requirement]:
    """Return the requirements of a card, in the order of the summary."""
    share_of_copy = "≥ 50 % of the copy bandwidth"
    same = "same bits"
    return {
        "tests": Requirement("every GPU test", "none fails"),
        "grid labels": Requirement("18 scales: labels of GPU and CPU", "0 runs differ"),
        "grid bits": Requirement("18 scales: two GPU runs", same),
        "grid time": Requirement(
            "18 scales × K 1…15 × 100 epochs of 204 traces, all metrics, results on the host",
            "≤ 50 ms (stretch 20)",
            is_result=False,
        ),
        "large time": Requirement(
            "100,000 × 150, K 2…15 × 100 epochs, exact silhouettes", "≤ 60 s", is_result=False
        ),
        "large metrics": Requirement("its metrics against NumPy", "≤ 1e-9 relative"),
        "large bits": Requirement("10,000 × 150: two GPU runs", same),
        "large blocks": Requirement("10,000 × 150: blocks halved for want of memory", same),
        **{
            f"rate {method}": Requirement(
                f"PSD + β of 100,000 × 6,000 float32, {method}", share_of_copy, is_result=False
            )
            for method in ("log_welch", "welch", "periodogram")
        },
        "beta": Requirement("|Δβ| against the CPU in float64", "≤ 1e-4"),
        "spectra bits": Requirement("PSD and β: two GPU runs", same),
        "smoothing": Requirement("smoothed curves against the CPU, on [0, 1]", "≤ 1e-11"),
        "micrographs": Requirement("spectra of windows against the CPU, of the largest", "≤ 1e-5"),
        "particles": Requirement("d as on the CPU, and ln p within", "≤ 1e-6"),
        "movie rate": Requirement(
            "movie → traces", "≥ 80 % of the slower of reading and PCIe", is_result=False
        ),
        "movie values": Requirement("its images and traces against the CPU", "≤ 1e-12 of the sums"),
        "memcheck": Requirement("compute-sanitizer memcheck", "clean"),
        "racecheck": Requirement("compute-sanitizer racecheck", "clean"),
        "initcheck": Requirement("compute-sanitizer initcheck", "clean"),
    }


@dataclass
class Proof:
    """The running proof, passed to every section.

    Attributes
    ----------
    cupy : module
    rehearse : bool
        Tiny sizes, one repeat: timings mean nothing.
    deadline : float
        Of the section that runs, on the clock of ``time.monotonic``.
    ceilings : dict of str to float
        Measured so far, bytes or flops per second.
    """

    cupy: Any
    rehearse: bool
    deadline: float = float("inf")
    facts: dict[str, str] = field(default_factory=dict)
    requirements: dict[str, Requirement] = field(default_factory=all_requirements)
    sections: list[Section] = field(default_factory=list)
    ceilings: dict[str, float] = field(default_factory=dict)

    @property
    def section(self) -> Section:
        """Return the section that is running."""
        return self.sections[-1]

    @property
    def n_repeats(self) -> int:
        """Return the number of repeats of a measurement."""
        return 1 if self.rehearse else 7

    def seconds_left(self) -> float:
        """Return the time left for the running section, s."""
        return self.deadline - time.monotonic()

    def size(self, full: Any, rehearsed: Any) -> Any:
        """Return the size to work at."""
        return rehearsed if self.rehearse else full

    def note(self, text: str) -> None:
        """Add a note to the running section."""
        self.section.notes.append(text)

    def table(self, title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        """Add a table to the running section."""
        self.section.tables.append(Table(title, columns, rows))

    def judge(self, key: str, measured: str, held: bool, at_full_size: bool = True) -> None:
        """Record whether a requirement is met; a speed only at the size that it names."""
        requirement = self.requirements[key]
        requirement.measured = measured
        requirement.held = YES if held else NO
        if not requirement.is_result and self.rehearse:
            requirement.held = REHEARSED
        elif not requirement.is_result and not at_full_size:
            requirement.held = OTHER_SIZE

    def wrong_results(self) -> list[str]:
        """Return the results that do not meet their requirement."""
        return [r.what for r in self.requirements.values() if r.is_result and r.held == NO]

    def failed_sections(self) -> list[str]:
        """Return the names of the sections that failed."""
        return [section.name for section in self.sections if section.status == "failed"]

    def take_up(self, found: dict[str, Any]) -> None:
        """Continue from the result of `as_dict`."""
        self.ceilings |= found["ceilings"]
        self.requirements |= {key: Requirement(**r) for key, r in found["requirements"].items()}
        for section in found["sections"]:
            tables = [
                Table(
                    table["title"], tuple(table["columns"]), [tuple(row) for row in table["rows"]]
                )
                for table in section["tables"]
            ]
            self.sections.append(Section(**section | {"tables": tables}))

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the arrays' library, for JSON."""
        return {
            "rehearsal": self.rehearse,
            "facts": self.facts,
            "ceilings": self.ceilings,
            "requirements": {key: asdict(r) for key, r in self.requirements.items()},
            "sections": [asdict(section) for section in self.sections],
        }
