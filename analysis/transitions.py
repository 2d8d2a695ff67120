"""Where agents fail: from which state they were in last, into which state they failed.

Hamel Husain and Shreya Shankar, "AI Evals" course, transition failure matrix: rows are the last
state that went well, columns the state in which the first failure happened.
"""

from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from analysis.estimates import wilson
from analysis.frames import TRACE_ID, require
from analysis.state_rules import StateRule

POSITION = "position"
ROLE = "role"
KIND = "kind"
NAME = "name"
STATE = "state"
FAILED_AT = "failed_at"
BEFORE = "before"
FAILED = "failed"
START = "(start)"
"""The row of those that failed before they were in any state."""


def step_states(steps: pd.DataFrame, rules: Sequence[StateRule]) -> pd.Series:
    """Give each step its state: that of the first rule that fits, else a default.

    By default a call or result of a tool, a retrieval and a span are in the state of their name,
    what the user says is `user`, what the model says `answer`. Prompts and reasoning are in none.

    Args:
        steps: Columns `role`, `kind`, `name`.
        rules: In the order in which they are tried; a rule with an empty state takes it away.

    Returns:
        The states, empty for steps in none, with the index of `steps`.
    """
    require(steps, ROLE, KIND, NAME)
    shapes = list(zip(steps[ROLE], steps[KIND], steps[NAME], strict=True))
    known = {shape: _state(*shape, rules) for shape in set(shapes)}
    return pd.Series([known[shape] for shape in shapes], index=steps.index, dtype="str")


def _state(role: str, kind: str, name: str, rules: Sequence[StateRule]) -> str:
    found = next((rule for rule in rules if rule.fits(role, kind, name)), None)
    if found is not None:
        return found.state
    if kind in ("tool_call", "tool_result", "retrieval", "span"):
        return name
    if kind == "message":
        return {"user": "user", "assistant": "answer"}.get(role, "")
    return ""


def failure_transitions(steps: pd.DataFrame, failures: pd.DataFrame) -> pd.DataFrame:
    """Count from which state to which state runs failed.

    The failing state is that of the failing step, or of the first step after it that is in one.
    The state before it is that of the last earlier step in a state; a call and its result are one
    visit, so that a failure in a result follows what came before the call.

    Rate: failures from the row's state into the column's ÷ traces that reached the row's state
    before they failed, or at all where they did not fail; Wilson interval.

    Args:
        steps: Columns `trace_id`, `position` (0-based), `state` of every trace that was read.
        failures: Columns `trace_id`, `failed_at` (position of the first failing step), one row a
            trace that failed; traces of `steps` without a row did not.

    Returns:
        Columns `before`, `failed`, `count`, `reached`, `rate`, `low`, `high`, the most frequent
        first; empty where nothing failed in a state.
    """
    require(steps, TRACE_ID, POSITION, STATE)
    require(failures, TRACE_ID, FAILED_AT)
    paths = steps[steps[STATE] != ""].sort_values([TRACE_ID, POSITION], kind="stable")
    failed_at = dict(zip(failures[TRACE_ID], failures[FAILED_AT], strict=True))
    counts: dict[tuple[str, str], int] = {}
    reached: dict[str, int] = {}
    for trace_id, positions, states in _runs(paths):
        place = _failing_place(positions, failed_at.get(trace_id))
        before = states if place is None else _before(states, place)
        for state in {START, *before}:
            reached[state] = reached.get(state, 0) + 1
        if place is not None:
            step = (before[-1] if before else START, states[place])
            counts[step] = counts.get(step, 0) + 1
    return _table(counts, reached)


def failed_transitions(steps: pd.DataFrame, failures: pd.DataFrame) -> pd.DataFrame:
    """Tell of each failed trace which transition it failed in; see `failure_transitions`.

    Returns:
        Columns `trace_id`, `before`, `failed`; a trace without a step in a state is left out.
    """
    require(steps, TRACE_ID, POSITION, STATE)
    require(failures, TRACE_ID, FAILED_AT)
    failed_at = dict(zip(failures[TRACE_ID], failures[FAILED_AT], strict=True))
    paths = steps[(steps[STATE] != "") & steps[TRACE_ID].isin(failed_at)]
    rows = []
    for trace_id, positions, states in _runs(paths.sort_values([TRACE_ID, POSITION])):
        place = _failing_place(positions, failed_at[trace_id])
        if place is not None:
            before = _before(states, place)
            rows.append((trace_id, before[-1] if before else START, states[place]))
    return pd.DataFrame(rows, columns=[TRACE_ID, BEFORE, FAILED])


def _runs(paths: pd.DataFrame) -> Iterator[tuple[Hashable, list[int], list[str]]]:
    """Yield each trace with its positions and states; rows of a trace stand together."""
    traces, positions, states = (paths[name].tolist() for name in (TRACE_ID, POSITION, STATE))
    ends = np.flatnonzero(paths[TRACE_ID].to_numpy()[1:] != paths[TRACE_ID].to_numpy()[:-1]) + 1
    bounds = [0, *ends.tolist(), len(traces)] if traces else []
    for start, end in pairwise(bounds):
        yield traces[start], positions[start:end], states[start:end]


def _failing_place(positions: Sequence[int], failed_at: int | None) -> int | None:
    if failed_at is None or not positions:
        return None
    return next((i for i, at in enumerate(positions) if at >= failed_at), len(positions) - 1)


def _before(states: Sequence[str], place: int) -> Sequence[str]:
    """Return the states before the visit that failed."""
    start = place
    if start > 0 and states[start - 1] == states[place]:
        start -= 1
    return states[:start]


def _table(counts: dict[tuple[str, str], int], reached: dict[str, int]) -> pd.DataFrame:
    rows = []
    for (before, failed), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        estimate = wilson(count, reached[before])
        rows.append(
            (before, failed, count, reached[before], estimate.value, estimate.low, estimate.high)
        )
    columns = [BEFORE, FAILED, "count", "reached", "rate", "low", "high"]
    return pd.DataFrame(rows, columns=columns)
