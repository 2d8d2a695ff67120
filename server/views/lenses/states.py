"""What an answer rests on: a digest that moves with it, and what moved, in words."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from server.models.project import Member
from server.models.thresholds import THRESHOLDS
from server.queries import lens_populations as queries
from server.views.lenses.base import Lens, Question
from server.views.lenses.population import LensPopulation

COMPUTES_SIGNALS = "signals"
"""Kind of the runs that compute signals of traces."""
_ON_OUTCOMES = ("outcome", "trace.erased", "trace.expired", "import.", "undo", "redo")
_ON_LABELS = (
    *("label", "trace.labelled", "gold.", "mode.", "verdict.", "first_failure_step.", "note"),
    *("group.", "codebook.", "annotations."),
)
_ON_VIEWS = ("view.",)
_WORDS = {
    "outcome": ("decision on outcomes", "decisions on outcomes"),
    "label": ("change of labels", "changes of labels"),
    "trace.labelled": ("change of labels", "changes of labels"),
    "gold.": ("gold label", "gold labels"),
    "mode.": ("change of a failure mode", "changes of failure modes"),
    "verdict.": ("verdict", "verdicts"),
    "view.": ("change of a view", "changes of views"),
    "constellations.": ("change of constellations", "changes of constellations"),
    "undo": ("decision undone", "decisions undone"),
    "redo": ("decision redone", "decisions redone"),
}
_OTHER = ("other decision", "other decisions")
_DIGITS = 20

State = Mapping[str, Any]


def state_of(population: LensPopulation, lens: Lens) -> dict[str, Any]:
    """Return what an answer of a lens about a population rests on, as JSON values."""
    project = population.project
    found = population.session.execute(
        queries.state(population.member.project_id, kinds_of(lens), COMPUTES_SIGNALS)
    ).one()
    imports, imported_at, last_trace, event, signals_run = found
    return {
        "imports": imports,
        "imported_at": imported_at.isoformat() if imported_at else "",
        "last_trace": last_trace or 0,
        "event": event or 0,
        "signals_run": signals_run or 0,
        "thresholds": project.settings.get(THRESHOLDS, {}),
        "sight": _sight(population.member),
        "traces": population.n,
        "corrected": population.corrected,
    }


def kinds_of(lens: Lens) -> tuple[str, ...]:
    """Return how the kinds of events begin that may change an answer of a lens."""
    labels = _ON_LABELS if lens.rests_on_labels else ()
    return (*_ON_OUTCOMES, *labels, *(_ON_VIEWS if lens.views else ()), *lens.rests_on)


def question_digest(question: Question, member: Member) -> str:
    """Return what names a question of one sight: equal questions have equal digests."""
    return _digest({"lens": question.lens, "sight": _sight(member), **question.parameters()})


def _sight(member: Member) -> str | int:
    """Return what tells those apart who do not see the same: a blind one sees as nobody else."""
    whose = member.id if member.is_blind else ""
    return whose if member.sees_modes else f"{whose} without modes"


def digest(question: Question, member: Member, state: State) -> str:
    """Return what names a question about one state of the data: the question, a colon, the rest."""
    return f"{question_digest(question, member)}:{_digest(state)}"


def differences(
    population: LensPopulation, lens: Lens, before: State, now: State
) -> tuple[str, ...]:
    """Return in words what changed from one state to another, the most telling first."""
    found = [
        _moved(now["corrected"] - before["corrected"], "corrected outcome"),
        _moved(now["traces"] - before["traces"], "trace"),
        *_decisions(population, lens, before["event"], now["event"]),
        "signals computed again" if now["signals_run"] != before["signals_run"] else "",
        "thresholds changed" if now["thresholds"] != before["thresholds"] else "",
    ]
    told = tuple(text for text in found if text)
    return told or ("traces were imported again",)


def _moved(difference: int, noun: str) -> str:
    if not difference:
        return ""
    count = abs(difference)
    return f"{count:,} {'more' if difference > 0 else 'fewer'} {noun}{'' if count == 1 else 's'}"


def _decisions(population: LensPopulation, lens: Lens, before: int, now: int) -> list[str]:
    if before == now:
        return []
    project_id = population.member.project_id
    rows = population.session.execute(queries.decided_since(project_id, kinds_of(lens), before))
    counted: dict[tuple[str, str], int] = {}
    for kind, count in rows:
        start = next((start for start in _WORDS if kind.startswith(start)), "")
        words = _WORDS.get(start, _OTHER)
        counted[words] = counted.get(words, 0) + count
    return [f"{count:,} {words[0 if count == 1 else 1]}" for words, count in counted.items()]


def _digest(value: Any) -> str:
    written = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(written.encode()).hexdigest()[:_DIGITS]
