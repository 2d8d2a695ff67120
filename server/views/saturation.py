"""Saturation: the curve of new modes as a figure, its sentence, and whether to read on."""

from collections.abc import Hashable
from dataclasses import dataclass

import pandas as pd
from sqlmodel import Session

from analysis.frames import CELL, TRACE_ID
from analysis.richness import forecast
from analysis.saturation import Incidence, Saturation, incidence, promising_cells, saturation
from analysis.stopping import ReviewState, advise, sentence
from server import frames
from server.models.mode import FailureMode
from server.models.project import Member
from server.queries import labels, modes, traces, verdicts
from server.views.prevalence import drawn_at_random
from server.views.standing import Tally

WIDTH, HEIGHT = 540, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 28, 78, 14, 30
_AHEAD = 20
_STEP = 5


@dataclass(frozen=True)
class Tick:
    """A label of an axis and where it stands."""

    x: float
    y: float
    label: str


@dataclass(frozen=True)
class FirstSight:
    """The trace (1 = the first read) on which a mode was seen first."""

    trace: int
    mode: str
    hue: int
    modes_so_far: int
    x: float
    y: float


@dataclass(frozen=True)
class Curve:
    """The figure in its own units: points of the lines, ticks of both axes."""

    width: int
    height: int
    left: float
    right: float
    floor: float
    line: str
    forecast: str
    band: str
    ahead: Tick
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    first_sights: tuple[FirstSight, ...]


@dataclass(frozen=True)
class SaturationPanel:
    """What the lead reads: `confirmed_only` is False where unconfirmed notes are counted too."""

    traces: int
    modes: int
    curve: Curve | None
    sentence: str
    stop: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    drafts: int


@dataclass(frozen=True)
class _Frame:
    """Positions on the figure of T traces across and S modes up."""

    across: int
    up: int

    def x(self, traces: float) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * traces / self.across, 1)

    def y(self, modes: float) -> float:
        return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * modes / self.up, 1)

    def points(self, pairs: list[tuple[float, float]]) -> str:
        return " ".join(f"{self.x(traces)},{self.y(modes)}" for traces, modes in pairs)


def saturation_panel(session: Session, member: Member, reading: Tally) -> SaturationPanel:
    """Build the panel over the randomly drawn traces, with today's codebook."""
    project_id = member.project_id
    every = frames.trace_mode_frame(session, project_id, with_drafts=True, member=member)
    sampled = drawn_at_random(every)
    result = saturation(sampled, ahead=_AHEAD)
    seen = incidence(sampled)
    outside = int(every[TRACE_ID].nunique()) - result.traces
    state = _review_state(session, member, sampled, reading, outside)
    advice = advise(result, state)
    return SaturationPanel(
        traces=result.traces,
        modes=result.modes,
        curve=_curve(session, member, result, seen) if result.modes else None,
        sentence=sentence(result),
        stop=advice.stop,
        reasons=advice.reasons,
        warnings=advice.warnings,
        drafts=len(frames.draft_frame(session, project_id, member=member)),
    )


def _review_state(
    session: Session, member: Member, sampled: pd.DataFrame, reading: Tally, outside: int
) -> ReviewState:
    found = session.exec(verdicts.read_traces(member.project_id)).all()
    details = pd.DataFrame(found, columns=[TRACE_ID, CELL, "pipeline_version"])
    cells = sampled.merge(details, on=TRACE_ID, how="inner")
    versions = cells.loc[cells["pipeline_version"] != "", "pipeline_version"].nunique()
    return ReviewState(
        pending_deferrals=reading.deferred,
        stale_labels=sum(
            label.annotator_id == member.id or not member.is_blind
            for label in session.exec(labels.stale_of_project(member.project_id))
        ),
        non_random_traces=outside,
        pipeline_versions=max(1, int(versions)),
        promising_cell=_promising(session, member, cells),
    )


def _promising(session: Session, member: Member, cells: pd.DataFrame) -> str | None:
    """Name the model whose traces are most likely to show something new, if there are several."""
    every = [model for model in session.exec(traces.models(member.project_id)) if model]
    if len(every) < 2 or cells.empty:
        return None
    ranked = promising_cells(cells[cells[CELL] != ""], cells=every)
    return f"traces of {ranked[0][0]}" if ranked else None


def _curve(session: Session, member: Member, result: Saturation, seen: Incidence) -> Curve:
    ahead = _AHEAD if result.forecast else 0
    upper = result.forecast.upper if result.forecast else 0
    frame = _Frame(result.traces + ahead, max(4, result.modes + upper))
    accumulated: list[tuple[float, float]] = [(0, 0), *enumerate(result.curve.accumulated, 1)]
    later = _forecast(result, seen) if ahead else []
    expected = [(traces, modes) for traces, modes, _ in later]
    highest = [(traces, most) for traces, _, most in later]
    return Curve(
        width=WIDTH,
        height=HEIGHT,
        left=_LEFT,
        right=frame.x(frame.across),
        floor=frame.y(0),
        line=frame.points(accumulated),
        forecast=frame.points(expected),
        band=frame.points([*highest, *reversed([(t, float(result.modes)) for t, _ in highest])]),
        ahead=Tick(frame.x(frame.across) + 5, frame.y(result.modes + upper) + 9, f"next {ahead}"),
        across=tuple(
            Tick(frame.x(at), HEIGHT - 8, label)
            for at, label in ((0, "0"), (result.traces, f"{result.traces} read"))
        ),
        up=(Tick(_LEFT - 8, frame.y(result.modes) + 4, str(result.modes)),),
        first_sights=_first_sights(session, member, seen, frame),
    )


def _forecast(result: Saturation, seen: Incidence) -> list[tuple[float, float, float]]:
    """Traces, expected and highest number of modes, from here on."""
    points = [(float(result.traces), float(result.modes), float(result.modes))]
    for ahead in range(_STEP, _AHEAD + 1, _STEP):
        new = forecast(seen.frequencies, ahead)
        points.append(
            (result.traces + ahead, result.modes + new.expected, float(result.modes + new.upper))
        )
    return points


def _first_sights(
    session: Session, member: Member, seen: Incidence, frame: _Frame
) -> tuple[FirstSight, ...]:
    by_id: dict[Hashable, FailureMode] = {
        mode.id: mode for mode in session.exec(modes.in_use(member.project_id))
    }
    order = sorted(seen.first_seen.items(), key=lambda item: item[1])
    firsts = sorted(seen.first_seen.values())
    return tuple(
        FirstSight(
            trace=trace,
            mode=by_id[mode].name,
            hue=by_id[mode].colour,
            modes_so_far=sum(first <= trace for first in firsts),
            x=frame.x(trace),
            y=frame.y(place),
        )
        for place, (mode, trace) in enumerate(order, 1)
    )
