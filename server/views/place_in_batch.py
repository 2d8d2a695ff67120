"""Where a trace stands in its batch, and what comes before and after it."""

from dataclasses import dataclass

from server.models.base import stored_id
from server.models.batch import Batch, BatchTrace
from server.models.verdict import VerdictValue
from server.queries import readings as queries
from server.views.reading import Reading


@dataclass(frozen=True)
class PlaceInBatch:
    """Where the trace stands in its batch, and its neighbours there (else in the project)."""

    batch: str
    number: int
    total: int
    done: int
    percent: float
    deferred: int
    previous: str
    next: str


def place_in_batch(found: Reading) -> PlaceInBatch:
    """Find the trace of a reading in the latest batch that drew it."""
    session, trace_id, project_id = found.session, stored_id(found.trace), found.member.project_id
    asked = {"project_id": project_id, "trace_id": trace_id}
    here = session.exec(queries.place_in_batch(), params=asked).first()

    def beside(forward: bool) -> int | None:
        if here is None:
            statement = queries.beside_in_project(project_id, trace_id, forward=forward)
            return session.exec(statement).first()
        place = {"batch_id": here.batch_id, "position": here.position}
        return session.exec(queries.beside_in_batch(forward=forward), params=place).first()

    def url(forward: bool) -> str:
        other = beside(forward)
        return "" if other is None else f"/projects/{found.member.project.slug}/read/{other}"

    if here is None:
        return PlaceInBatch("", 0, 0, 0, 0, 0, url(False), url(True))
    return _in_batch(found, here, url(False), url(True))


def _in_batch(found: Reading, here: BatchTrace, previous: str, following: str) -> PlaceInBatch:
    batch = found.session.get_one(Batch, here.batch_id)
    total = found.session.exec(queries.batch_size(here.batch_id)).one()
    done = found.session.execute(queries.readings_of_batch(batch, found.member.id)).all()
    return PlaceInBatch(
        batch=batch.name,
        number=here.position + 1,
        total=total,
        done=len(done),
        percent=round(100 * len(done) / total, 1),
        deferred=sum(row.value is VerdictValue.DEFER for row in done),
        previous=previous,
        next=following,
    )
