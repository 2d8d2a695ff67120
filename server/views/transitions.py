"""The transition failure matrix: from which state runs fail, into which, and which runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import pandas as pd
from sqlmodel import Session

from analysis.frames import TRACE_ID, VALUE
from analysis.state_rules import StateRule, as_text
from analysis.transitions import (
    BEFORE,
    FAILED,
    FAILED_AT,
    STATE,
    failed_transitions,
    failure_transitions,
    step_states,
)
from server import frames
from server.frames import FIRST_FAILURE_STEP
from server.models.project import Member
from server.models.verdict import VerdictValue
from server.queries import traces
from server.views.facts import Facts
from server.views.freshness import Freshness

_LISTED = 200
"""Traces of one cell that the page lists; the cell says how many there are."""


@dataclass(frozen=True)
class Transition:
    """One cell: how many runs failed on the way from one state into another."""

    before: str
    failed: str
    count: int
    reached: int
    rate: float
    interval: str
    bar: tuple[float, float, float]
    """Rate and the ends of its interval in per cent of the bar."""
    url: str
    is_shown: bool


@dataclass(frozen=True)
class FailedRun:
    title: str
    url: str
    step: int


@dataclass(frozen=True)
class StateCount:
    state: str
    steps: int
    traces: int


@dataclass(frozen=True)
class TransitionsPage:
    path: str
    can_lead: bool
    transitions: tuple[Transition, ...]
    columns: tuple[str, ...]
    matrix: tuple[tuple[str, tuple[Transition | None, ...]], ...]
    shown: Transition | None
    runs: tuple[FailedRun, ...]
    read: int
    failed: int
    without_step: int
    """Failed traces whose first failing step nobody chose: they are in no cell."""
    states: tuple[StateCount, ...]
    rules: str
    error: str
    freshness: Freshness | None = None
    """Where a job computed it."""


def transitions_page(
    session: Session,
    member: Member,
    *,
    before: str = "",
    failed: str = "",
    typed: str | None = None,
    error: str = "",
) -> TransitionsPage:
    """Build the page; `before` and `failed` name the cell whose runs are listed.

    `typed` are rules that were refused with `error`, to go on with.
    """
    verdicts = Facts(session, member).verdicts
    steps, rules = _steps(session, member, verdicts)
    failures = _failures(verdicts)
    path = f"/projects/{member.project.slug}/transitions"
    found = _transitions(failure_transitions(steps, failures), path, (before, failed))
    shown = next((cell for cell in found if cell.is_shown), None)
    columns = tuple(dict.fromkeys(cell.failed for cell in found))
    return TransitionsPage(
        path=path,
        can_lead=member.may_lead,
        transitions=found,
        columns=columns,
        matrix=_matrix(found, columns),
        shown=shown,
        runs=_runs(session, member, steps, failures, shown),
        read=verdicts[TRACE_ID].nunique(),
        failed=len(failures),
        without_step=_failed(verdicts)[TRACE_ID].nunique() - len(failures),
        states=_state_counts(steps),
        rules=as_text(rules) if typed is None else typed,
        error=error,
    )


def _steps(
    session: Session, member: Member, verdicts: pd.DataFrame
) -> tuple[pd.DataFrame, Sequence[StateRule]]:
    rules = [StateRule(**rule) for rule in member.project.step_state_rules]
    read = [int(trace_id) for trace_id in verdicts[TRACE_ID].unique()]
    steps = frames.step_frame(session, read)
    steps[STATE] = step_states(steps, rules)
    return steps, rules


def _failed(verdicts: pd.DataFrame) -> pd.DataFrame:
    return verdicts[verdicts[VALUE] == VerdictValue.FAIL.value]


def _failures(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return where each trace failed first: the earliest step that somebody named."""
    named = _failed(verdicts).dropna(subset=[FIRST_FAILURE_STEP])
    first = named.groupby(TRACE_ID)[FIRST_FAILURE_STEP].min().astype(int)
    return first.rename(FAILED_AT).reset_index()


def _transitions(table: pd.DataFrame, path: str, chosen: tuple[str, str]) -> tuple[Transition, ...]:
    return tuple(
        Transition(
            before=row[BEFORE],
            failed=row[FAILED],
            count=int(row["count"]),
            reached=int(row["reached"]),
            rate=row["rate"],
            interval=f"{100 * row['low']:.0f}–{100 * row['high']:.0f} %",
            bar=(100 * row["rate"], 100 * row["low"], 100 * row["high"]),
            url=f"{path}?{urlencode({'before': row[BEFORE], 'failed': row[FAILED]})}#runs",
            is_shown=(row[BEFORE], row[FAILED]) == chosen,
        )
        for row in table.to_dict("records")
    )


def _matrix(
    found: Sequence[Transition], columns: Sequence[str]
) -> tuple[tuple[str, tuple[Transition | None, ...]], ...]:
    cells = {(cell.before, cell.failed): cell for cell in found}
    rows = dict.fromkeys(cell.before for cell in found)
    return tuple((row, tuple(cells.get((row, column)) for column in columns)) for row in rows)


def _runs(
    session: Session,
    member: Member,
    steps: pd.DataFrame,
    failures: pd.DataFrame,
    shown: Transition | None,
) -> tuple[FailedRun, ...]:
    if shown is None:
        return ()
    all_runs = failed_transitions(steps, failures)
    here = all_runs[(all_runs[BEFORE] == shown.before) & (all_runs[FAILED] == shown.failed)]
    ids = [int(trace_id) for trace_id in here[TRACE_ID]][:_LISTED]
    names = {row[0]: row[1] for row in session.exec(traces.names(member.project_id, ids))}
    failed_at = failures.set_index(TRACE_ID)[FAILED_AT]
    base = f"/projects/{member.project.slug}/read"
    return tuple(
        FailedRun(
            title=names[trace_id],
            url=f"{base}/{trace_id}#step-{failed_at[trace_id] + 1}",
            step=int(failed_at[trace_id]) + 1,
        )
        for trace_id in ids
    )


def _state_counts(steps: pd.DataFrame) -> tuple[StateCount, ...]:
    named = steps[steps[STATE] != ""].groupby(STATE)[TRACE_ID].agg(["size", "nunique"])
    ordered = named.sort_values(["nunique", "size"], ascending=False)
    return tuple(
        StateCount(str(state), int(row["size"]), int(row["nunique"]))
        for state, row in ordered.iterrows()
    )
