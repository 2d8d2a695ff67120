"""What a row of the benchmarks found: one dataclass a figure, and a file of them for each row.

The file says when, where and with which versions it was measured, and holds the figures of the
alternatives, too, so that a later run may reuse them with their date.
"""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import measure

FOLDER = measure.ROOT / "benchmarks" / "figures"
QUICK_FOLDER = measure.ROOT / "benchmarks" / ".quick"
"""Of `--quick`: never in the documentation."""


@dataclass(frozen=True)
class Theirs:
    """What an alternative reached at the same."""

    name: str
    version: str
    value: float
    date: str
    size: int | None = None
    """Where it is another than ours."""
    reused: bool = False
    """Not measured in the run of the figure, but on `date`."""

    def __str__(self) -> str:
        called = f"{self.name} {self.version}".strip()
        called += f" at {self.size:,}" if self.size else ""
        return f"{called} ({self.date})" if self.reused else called


@dataclass(frozen=True)
class Figure:
    """One thing that was measured.

    Rates (units that end with `/s`) and factors (`×`) are better the larger, all else the smaller.
    """

    promise: str
    """Key in `promises.PROMISES`."""
    name: str
    ours: float
    unit: str
    size: int | None = None
    target: float | None = None
    theirs: Theirs | None = None
    least_ratio: float | None = None
    """How many times better than the alternative it has to be."""
    growth: float | None = None
    """Exponent of the time (of all the work, or of one operation) over the sizes measured."""
    most_growth: float | None = None
    """The exponent it may have."""
    note: str = ""

    @property
    def larger_is_better(self) -> bool:
        return self.unit.endswith(("/s", "×"))

    @property
    def ratio(self) -> float | None:
        """How many times better ours is than the alternative."""
        if self.theirs is None or not self.ours or not self.theirs.value:
            return None
        times = self.ours / self.theirs.value
        return times if self.larger_is_better else 1 / times

    @property
    def met(self) -> bool | None:
        """Whether every target is met; None without one, or where the alternative is missing."""
        asked = (self._meets_target(), self._meets_ratio(), self._meets_growth())
        found = [one for one in asked if one is not None]
        return all(found) if found else None

    def _meets_target(self) -> bool | None:
        if self.target is None:
            return None
        if self.larger_is_better:
            return self.ours >= self.target
        return self.ours < self.target or self.ours == self.target == 0

    def _meets_ratio(self) -> bool | None:
        if self.least_ratio is None or self.ratio is None:
            return None
        return self.ratio >= self.least_ratio

    def _meets_growth(self) -> bool | None:
        if self.most_growth is None or self.growth is None:
            return None
        return self.growth <= self.most_growth

    @property
    def target_text(self) -> str:
        """The target in words."""
        told = []
        if self.target is not None:
            sign = "≥ " if self.larger_is_better else "< " if self.target else ""
            told.append(f"{sign}{number(self.target)} {self.unit}")
        if self.least_ratio is not None:
            told.append("faster" if self.least_ratio == 1 else f"≥ {number(self.least_ratio)}×")
        if self.most_growth is not None:
            told.append(f"growth ≤ {self.most_growth:.2f}")
        return ", ".join(told) or "–"

    @property
    def outcome(self) -> str:
        """The target met or missed, in words."""
        return {True: "met", False: "**missed**", None: "–"}[self.met]


@dataclass
class Record:
    """All that one run of a row found."""

    row: str
    form: str
    """`quick`, `standard` or `full`."""
    machine: measure.Machine
    versions: dict[str, str]
    started: str
    seconds: float = 0.0
    load_after: float = 0.0
    complete: bool = False
    failed: str = ""
    """Why the row ended before its end."""
    missing: dict[str, str] = field(default_factory=dict)
    """Alternatives that could not be measured, and why."""
    figures: list[Figure] = field(default_factory=list)
    alternatives: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Alternative and part -> version, date, machine and values, for `--reuse`."""

    @property
    def path(self) -> Path:
        return path_of(self.row, self.form)

    def write(self) -> None:
        """Keep it; a file is whole or not there."""
        self.path.parent.mkdir(exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", "utf-8")
        os.replace(part, self.path)


def path_of(row: str, form: str) -> Path:
    """Return where the figures of a row are kept."""
    return (QUICK_FOLDER if form == "quick" else FOLDER) / f"{row}.json"


def read(row: str, form: str = "standard") -> Record | None:
    """Return what the last run of a row found; None if there was none."""
    path = path_of(row, form)
    return record_of(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def record_of(written: Mapping[str, Any]) -> Record:
    """Return a record from its JSON."""
    figures = [
        Figure(**{**one, "theirs": Theirs(**one["theirs"]) if one["theirs"] else None})
        for one in written["figures"]
    ]
    machine = measure.Machine(**written["machine"])
    return Record(**{**written, "figures": figures, "machine": machine})


def number(value: float | None) -> str:
    """Return a number as people read it: three figures that mean something."""
    if value is None:
        return "–"
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return (
        f"{value:.1f}" if abs(value) >= 10 else f"{value:.2g}" if abs(value) < 1 else f"{value:.2f}"
    )


def growth(sizes: Sequence[int], seconds: Sequence[float]) -> float | None:
    """Return the exponent by which time grows with size: least squares of the logarithms.

    1 is linear; what grows as n·log n has 1.1 between a thousand and a hundred thousand. None
    where fewer than two sizes were measured.
    """
    if len(sizes) < 2:
        return None
    x, y = [math.log(one) for one in sizes], [math.log(one) for one in seconds]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((one - mean_x) ** 2 for one in x)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread


COLUMNS = (
    "measured",
    "size",
    "ours",
    "target",
    "outcome",
    "alternative",
    "theirs",
    "ratio",
    "growth",
)


def n_log_n(sizes: Sequence[int]) -> float | None:
    """Return the exponent of n·log n over these sizes: what grows faster is a defect."""
    return growth(sizes, [size * math.log(size) for size in sizes])


def cells(one: Figure) -> list[str]:
    """Return a figure as the cells of a table."""
    theirs = one.theirs
    return [
        one.name + (f" ({one.note})" if one.note else ""),
        f"{one.size:,}" if one.size else "–",
        f"{number(one.ours)} {one.unit}",
        one.target_text,
        one.outcome,
        str(theirs) if theirs else "–",
        number(theirs.value) if theirs else "–",
        f"{number(one.ratio)}×" if one.ratio else "–",
        f"{one.growth:.2f}" if one.growth is not None else "–",
    ]


def table(found: Sequence[Figure]) -> str:
    """Return figures as a Markdown table."""
    return measure.table(COLUMNS, [cells(one) for one in found])
