"""Where the reading of a project stands, as counts that a member may see."""

from dataclasses import dataclass
from statistics import median

import pandas as pd

from analysis.frames import ANNOTATOR, TRACE_ID, VALUE
from server.models.verdict import VerdictValue
from server.queries import verdicts
from server.views.facts import Facts

SPLIT = "split"
STRATEGIES = {
    "random": "random",
    "random_by_model": "random, stratified by model",
    "random_by_task": "random, stratified by task",
    "random_by_dimensions": "random, stratified by dimensions",
    "coverage": "empty cells first",
    "clusters": "clusters of what they say",
    "nearest": "like a given trace",
}


@dataclass(frozen=True)
class Tally:
    """Traces of the batches by what was said of them; a trace counts once."""

    total: int
    read: int
    failed: int
    passed: int
    split: int
    """Traces that as many people passed as failed."""
    deferred: int
    outside: int
    """Traces read without being in any batch."""
    median_seconds: int | None
    timed: int
    """Readings whose time is known: what the median is over."""


def seen_verdicts(facts: Facts) -> pd.DataFrame:
    """Return the verdicts that the Overview may count for a member."""
    found, member = facts.verdicts, facts.member
    return found[found[ANNOTATOR] == member.id] if member.is_blind else found


def verdict_by_trace(found: pd.DataFrame) -> pd.Series:
    """Return what most readers of each trace say; deferred counts where nobody says more."""
    marks = {value: found[VALUE] == value.value for value in VerdictValue}
    votes = pd.DataFrame(marks).groupby(found[TRACE_ID]).sum()
    failed, passed = votes[VerdictValue.FAIL], votes[VerdictValue.PASS]
    combined = pd.Series(SPLIT, index=votes.index, dtype="str")
    combined[failed > passed] = VerdictValue.FAIL.value
    combined[passed > failed] = VerdictValue.PASS.value
    combined[(failed == 0) & (passed == 0)] = VerdictValue.DEFER.value
    return combined


def verdicts_of_people(facts: Facts) -> pd.Series:
    """Return `verdict_by_trace` of what the Overview may count for a member."""
    return facts.counted("verdict by trace", lambda: verdict_by_trace(seen_verdicts(facts)))


def tally(facts: Facts) -> Tally:
    """Count the traces of all batches by the verdicts on them."""
    return facts.counted("tally", lambda: _tally(facts))


def _tally(facts: Facts) -> Tally:
    batched = facts.sampling[TRACE_ID]
    said = verdicts_of_people(facts)
    inside = said[said.index.isin(batched)]
    annotator_id = facts.member.id if facts.member.is_blind else None
    timed = facts.session.exec(verdicts.seconds(facts.project_id, annotator_id=annotator_id))
    seconds = [taken for taken in timed if taken is not None]
    return Tally(
        total=len(batched),
        read=len(inside),
        failed=int((inside == VerdictValue.FAIL).sum()),
        passed=int((inside == VerdictValue.PASS).sum()),
        split=int((inside == SPLIT).sum()),
        deferred=int((inside == VerdictValue.DEFER).sum()),
        outside=len(said) - len(inside),
        median_seconds=round(median(seconds)) if seconds else None,
        timed=len(seconds),
    )


def drawn_how(facts: Facts) -> str:
    """Return in words how the traces of the project's batches were drawn."""
    strategies = dict.fromkeys(found.batch.strategy for found in facts.batches)
    return " and ".join(STRATEGIES.get(name, name.replace("_", " ")) for name in strategies)
