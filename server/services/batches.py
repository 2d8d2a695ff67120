"""Batches: which traces people read, how they were drawn, and whose turn each is."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import pandas as pd
from sqlmodel import Session

from analysis.frames import TRACE_ID
from analysis.sampling import INCLUSION_WEIGHT, sample_random
from server.errors import Conflict, Invalid
from server.models.base import stored_id
from server.models.batch import Batch, BatchTrace
from server.models.project import Member
from server.queries import batches as queries
from server.queries import traces
from server.services import rounds
from server.services.events import Decision

DEFAULT_SIZE = 100
CHOSEN = "chosen"
"""What a trace that a person picked by hand says of how it was drawn: no rate counts it."""


class Strategy(StrEnum):
    """How traces are drawn for a batch."""

    RANDOM = "random"
    RANDOM_BY_MODEL = "random_by_model"
    RANDOM_BY_TASK = "random_by_task"


_STRATA = {Strategy.RANDOM_BY_MODEL: "model", Strategy.RANDOM_BY_TASK: "task"}


def create(
    session: Session,
    member: Member,
    *,
    strategy: Strategy = Strategy.RANDOM,
    size: int = DEFAULT_SIZE,
    seed: int = 0,
    name: str = "",
    by_system: bool = False,
) -> Batch:
    """Draw traces that no batch has yet; each keeps its strategy and inclusion weight.

    Raises:
        Invalid: `size` is not positive.
        Conflict: Every trace is in a batch already.
    """
    if size < 1:
        raise Invalid("A batch needs at least one trace.")
    rows = session.exec(queries.unbatched(member.project_id)).all()
    frame = pd.DataFrame(rows, columns=[TRACE_ID, "model", "task"])
    if frame.empty:
        raise Conflict("Every trace is in a batch already: import more traces first.")
    sample = sample_random(
        frame, size, rng=np.random.default_rng(seed), strata=_STRATA.get(strategy)
    )
    places = [
        _Place(int(drawn[TRACE_ID]), float(drawn[INCLUSION_WEIGHT]))
        for drawn in sample.to_dict("records")
    ]
    drawn_as = _Drawing(name, strategy, size, seed)
    return _store(session, member, drawn_as, places, by_system=by_system)


def create_from(
    session: Session,
    member: Member,
    trace_ids: Sequence[int],
    name: str = "",
    *,
    by_system: bool = False,
) -> Batch:
    """Make a batch of chosen traces, in the order given; repeated ones count once.

    A batch that nobody asked for is made `by_system`.

    Raises:
        Invalid: Nothing was chosen, or a trace is not in the project.
    """
    chosen = list(dict.fromkeys(trace_ids))
    if not chosen:
        raise Invalid("No trace is chosen: tick some rows first.")
    known = set(session.exec(traces.ids_among(member.project_id, chosen)))
    if missing := [trace_id for trace_id in chosen if trace_id not in known]:
        raise Invalid(f"This project has no trace {missing[0]}: load the list again.")
    places = [_Place(trace_id) for trace_id in chosen]
    drawn_as = _Drawing(name.strip(), CHOSEN, len(chosen))
    return _store(session, member, drawn_as, places, by_system=by_system)


class _Place(NamedTuple):
    trace_id: int
    inclusion_weight: float = 1.0


class _Drawing(NamedTuple):
    name: str
    strategy: str
    size: int
    seed: int = 0


def _store(
    session: Session,
    member: Member,
    drawn_as: _Drawing,
    places: Sequence[_Place],
    *,
    by_system: bool,
) -> Batch:
    """Write a batch and its traces in reading order, as one decision; nameless, it is numbered."""
    decision = Decision(session, member, "batch.created", by_system=by_system)
    number = session.exec(queries.count(member.project_id)).one() + 1
    batch = decision.add(
        Batch(
            round_id=stored_id(rounds.current(session, member)),
            created_by=None if by_system else member.id,
            name=drawn_as.name or f"Batch {number}",
            strategy=drawn_as.strategy,
            parameters={"size": drawn_as.size},
            seed=drawn_as.seed,
        )
    )
    for position, place in enumerate(places):
        decision.add(
            BatchTrace(
                batch_id=stored_id(batch),
                trace_id=place.trace_id,
                position=position,
                sampled_by=drawn_as.strategy,
                inclusion_weight=place.inclusion_weight,
            )
        )
    how = "chosen traces" if drawn_as.strategy == CHOSEN else "traces"
    decision.record(f"{batch.name}: {len(places)} {how}")
    return batch


def ids_of(session: Session, member: Member, external_ids: Sequence[str]) -> list[int]:
    """Return the ids of traces named as in the data they came from, in the same order.

    Raises:
        Invalid: A trace is not in the project.
    """
    rows = session.exec(traces.named(member.project_id, external_ids)).all()
    known = {external_id: trace_id for trace_id, external_id in rows if trace_id is not None}
    if missing := [name for name in external_ids if name not in known]:
        raise Invalid(f"This project has no trace «{missing[0]}»: load the list again.")
    return [known[name] for name in external_ids]


def current(session: Session, member: Member) -> Batch | None:
    """Return the oldest batch in which the member has traces left, else the latest."""
    rows = session.execute(queries.progress(member.project_id, member.id))
    found = queries.in_hand([queries.BatchProgress(*row) for row in rows])
    return None if found is None else found.batch


def next_trace_id(session: Session, member: Member, *, after: int | None = None) -> int | None:
    """Return the next trace the member has not finished; behind trace `after` where given.

    Past the end of the batch it starts over, so that a skipped trace comes back.
    """
    batch = current(session, member)
    if batch is None:
        return None
    unread = session.exec(queries.unread(batch, member.id)).all()
    here = None
    if after is not None:
        here = session.exec(queries.position(stored_id(batch), after)).first()
    behind = [row for row in unread if row.position > (-1 if here is None else here)]
    following = next(iter(behind or [row for row in unread if row.trace_id != after]), None)
    return None if following is None else following.trace_id
