"""Each trace of a batch goes to as many readers as it wants, once each, and to no more."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select
from starlette.testclient import TestClient

from server.db import Database
from server.errors import Conflict
from server.models.base import stored_id, utc_now
from server.models.batch import BatchTrace, Lease
from server.models.project import Annotator, Member, Role
from server.models.verdict import VerdictValue
from server.queries import queue as queries
from server.services import assignments, batches, events, projects, queue, readings, verdicts
from tests.factories import SLUG, make_project, member


def batch_of(database: Database, traces: int, reviews: int = 1) -> list[int]:
    """A project whose traces are one batch in the order of their ids."""
    ids = make_project(database, traces)
    with database.writing() as session:
        batches.create_from(session, member(session), ids)
        session.execute(sa.update(BatchTrace).values(reviews=reviews))
    return ids


def read(session: Session, who: Member, trace_id: int, lease: str = "") -> None:
    verdicts.decide(session, who, trace_id, VerdictValue.PASS)
    readings.finish(session, who, trace_id, lease=lease)


def expire(session: Session) -> None:
    session.execute(sa.update(Lease).values(expires_at=utc_now() - timedelta(seconds=1)))


def claimed(session: Session, name: str) -> int | None:
    claim = queue.claim_next(session, member(session, name))
    return None if claim is None else claim.trace_id


def test_two_readers_are_given_different_traces_and_each_their_own_again(
    database: Database,
) -> None:
    first, second, third = batch_of(database, 3)
    with database.writing() as session:
        assert claimed(session, "Annotator A") == first
        assert claimed(session, "Annotator B") == second
        assert claimed(session, "Annotator A") == first
        assert claimed(session, "Lead") == third


@pytest.mark.sqlite
def test_what_somebody_holds_is_not_looked_for_among_all_traces(database: Database) -> None:
    asked = {"round_id": 1, "annotator_id": 1, **queries.moment(utc_now())}
    sent = sa.text(f"EXPLAIN QUERY PLAN {queries.held_by()}").bindparams(**asked)
    with database.engine.connect() as connection:
        plan = [step.detail for step in connection.execute(sent)]
    assert plan[0] == "SEARCH lease USING INDEX ix_lease_annotator_id (annotator_id=?)", plan


def test_a_trace_that_is_read_often_enough_goes_to_nobody(database: Database) -> None:
    first, second = batch_of(database, 2)
    with database.writing() as session:
        read(session, member(session, "Annotator A"), first)
        read(session, member(session, "Annotator A"), second)
        assert claimed(session, "Annotator A") is None
        assert claimed(session, "Annotator B") is None


def test_two_readings_go_to_two_people(database: Database) -> None:
    (only,) = batch_of(database, 1, reviews=2)
    with database.writing() as session:
        assert claimed(session, "Annotator A") == only
        assert claimed(session, "Annotator B") == only
        assert claimed(session, "Lead") is None
        read(session, member(session, "Annotator A"), only)
        assert claimed(session, "Annotator A") is None
        assert claimed(session, "Lead") is None


def test_a_claim_that_ran_out_goes_to_the_next_who_asks(database: Database) -> None:
    (only,) = batch_of(database, 1)
    with database.writing() as session:
        assert claimed(session, "Annotator A") == only
        expire(session)
        assert claimed(session, "Annotator B") == only
        assert claimed(session, "Annotator A") is None


def test_a_clock_set_back_keeps_nobody_from_what_absent_people_hold(database: Database) -> None:
    (only,) = batch_of(database, 1)
    with database.writing() as session:
        alice = member(session, "Annotator A")
        claim = queue.claim_next(session, alice)
        assert claim is not None
        day = timedelta(days=1)  # the claim is of tomorrow now
        session.execute(
            sa.update(Lease).values(created_at=utc_now() + day, expires_at=claim.expires_at + day)
        )
    with database.writing() as session:
        # Whoever is still there keeps it by the next sign of them; else the next one has it.
        assert claimed(session, "Annotator B") == only
        assert claimed(session, "Annotator A") is None
        assert not queue.hand_in(session, alice, only, claim.token)


def test_a_clock_set_back_takes_nothing_from_whoever_is_still_there(database: Database) -> None:
    (only,) = batch_of(database, 1)
    with database.writing() as session:
        alice = member(session, "Annotator A")
        claim = queue.claim_next(session, alice)
        assert claim is not None
        later = utc_now() + timedelta(hours=1)
        session.execute(sa.update(Lease).values(created_at=later, expires_at=later + queue.LEASE))
    with database.writing() as session:
        assert queue.renew(session, alice, only) is not None
        assert claimed(session, "Annotator B") is None
        lease = session.exec(select(Lease)).one()
        assert lease.stands(utc_now())
        assert lease.expires_at < later


def test_a_late_reading_is_kept_and_said_to_be_extra(database: Database) -> None:
    (only,) = batch_of(database, 1)
    with database.writing() as session:
        alice = member(session, "Annotator A")
        claim = queue.claim_next(session, alice)
        assert claim is not None
        expire(session)
        assert claimed(session, "Annotator B") == only
        assert not queue.hand_in(session, alice, only, claim.token)
        read(session, alice, only)  # without the token: as an extra reading
        verdict = verdicts.own_verdict(session, alice, only)
        assert verdict is not None
        assert verdict.submitted_at is not None


def test_a_late_reading_of_a_trace_that_nobody_took_counts(database: Database) -> None:
    (only,) = batch_of(database, 1)
    with database.writing() as session:
        alice = member(session, "Annotator A")
        claim = queue.claim_next(session, alice)
        assert claim is not None
        expire(session)
        assert queue.hand_in(session, alice, only, claim.token)


def test_what_is_put_off_comes_last_and_is_free_for_others(database: Database) -> None:
    first, second = batch_of(database, 2)
    with database.writing() as session:
        alice = member(session, "Annotator A")
        assert claimed(session, "Annotator A") == first
        queue.skip(session, alice, first, "needs the price list")
        after = queue.claim_next(session, alice, after=first)
        assert after is not None
        assert after.trace_id == second
        assert claimed(session, "Annotator B") == first
        events.undo(session, alice)
        assert session.exec(queries.skipped(1, alice.id)).first() is None


def test_what_is_assigned_goes_to_that_person_only(database: Database) -> None:
    first, second = batch_of(database, 2)
    with database.writing() as session:
        lead, bob = member(session), member(session, "Annotator B")
        place = session.exec(select(BatchTrace).where(BatchTrace.trace_id == first)).one()
        assignments.assign(session, lead, [place], bob.annotator)
        assert claimed(session, "Annotator A") == second
        assert claimed(session, "Annotator B") == first
        events.undo(session, lead)
        assert place.assigned_to is None


def test_judgements_that_came_with_the_data_take_no_place(database: Database) -> None:
    (only,) = batch_of(database, 1)
    with database.writing() as session:
        lead = member(session)
        imported = Annotator(project_id=lead.project_id, name="from the data", role=Role.VIEWER)
        session.add(imported)
        session.flush()
        read(session, Member(lead.project, imported), only)
        assert claimed(session, "Annotator A") == only


def test_pending_is_what_was_asked_for_less_what_is_done(database: Database) -> None:
    first, second, _ = batch_of(database, 3, reviews=2)
    with database.writing() as session:
        for name in ("Lead", "Annotator A", "Annotator B"):
            read(session, member(session, name), first)  # one more than asked for
        read(session, member(session), second)
        assert claimed(session, "Annotator A") == second
        counts = session.execute(queries.counts(member(session).project_id, utc_now())).one()
        # 3 traces × 2 readings; of the first 2 count, of the second 1; one is under way.
        assert tuple(counts)[1:] == (3, 6, 3, 1)


def test_twenty_people_at_once_are_never_given_the_same_trace(database: Database) -> None:
    ids = batch_of(database, 60)
    with database.writing() as session:
        project = member(session).project
        people = [f"Reader {number}" for number in range(20)]
        session.add_all(
            Annotator(project_id=stored_id(project), name=name, role=Role.ANNOTATOR)
            for name in people
        )

    def works(name: str) -> list[int]:
        done: list[int] = []
        while True:
            with database.writing() as session:
                row = session.exec(select(Annotator).where(Annotator.name == name)).one()
                who = Member(projects.find(session, SLUG), row)
                claim = queue.claim_next(session, who)
            if claim is None:
                return done
            with database.writing() as session:
                read(session, who, claim.trace_id, claim.token)
            done.append(claim.trace_id)

    with ThreadPoolExecutor(20) as pool:
        found = [trace_id for done in pool.map(works, people) for trace_id in done]
    assert sorted(found) == sorted(ids)
    with database.reading() as session:
        assert session.exec(select(sa.func.count(col(Lease.id)))).one() == 0


@pytest.mark.usefixtures("database")
def test_a_page_says_until_when_the_trace_is_ones_own(
    database: Database, client: TestClient
) -> None:
    first, second = batch_of(database, 2)
    assert (
        client.get(f"/projects/{SLUG}/read", follow_redirects=False)
        .headers["location"]
        .endswith(f"/read/{first}")
    )
    assert "yours until" in client.get(f"/projects/{SLUG}/read/{first}").text
    client.cookies.set("faultbook_acting", "Annotator%20B")
    assert "Lead reads this now" in client.get(f"/projects/{SLUG}/read/{first}").text
    renewed = client.post(
        f"/projects/{SLUG}/read/{second}/lease", headers={"HX-Request": "true"}
    ).text
    assert "yours until" in renewed


def test_the_page_keeps_the_words_of_somebody_who_lost_their_place(
    database: Database, client: TestClient
) -> None:
    (only,) = batch_of(database, 1)
    client.get(f"/projects/{SLUG}/read")
    with database.writing() as session:
        lease = session.exec(select(Lease)).one()
        token = lease.token
        expire(session)
        assert claimed(session, "Annotator B") == only
    client.post(f"/projects/{SLUG}/read/{only}/verdict", data={"value": "fail"})
    form = {"text": "It adds wrongly.", "next": "1", "lease": token}
    kept = client.post(f"/projects/{SLUG}/read/{only}/notes", data=form)
    assert kept.status_code == 409
    assert "It adds wrongly." in kept.text
    assert "extra reading" in kept.text
    again = client.post(
        f"/projects/{SLUG}/read/{only}/notes",
        data=form | {"lease": ""},
        follow_redirects=False,
    )
    assert again.status_code == 303


def test_why_a_trace_was_deferred_is_kept_and_can_be_taken_back(
    database: Database, client: TestClient
) -> None:
    (only,) = batch_of(database, 1)
    url = f"/projects/{SLUG}/read/{only}"
    client.post(f"{url}/verdict", data={"value": "defer"})
    client.post(f"{url}/verdict/details", data={"reason": " Which price list? "})
    assert "Which price list?" in client.get(url).text
    client.post(f"/projects/{SLUG}/undo")
    assert "Which price list?" not in client.get(url).text


def test_a_finished_trace_can_be_put_back_into_ones_own_queue(database: Database) -> None:
    first, second = batch_of(database, 2)
    with database.writing() as session:
        alice = member(session, "Annotator A")
        read(session, alice, first)
        assert claimed(session, "Annotator A") == second
        verdicts.requeue(session, alice, first)
        expire(session)
        assert claimed(session, "Annotator A") == first
        assert verdicts.own_verdict(session, alice, first) is not None


def test_a_batch_that_somebody_has_read_of_is_not_taken_back_unawares(database: Database) -> None:
    first, _ = batch_of(database, 2)
    with database.writing() as session:
        read(session, member(session, "Annotator A"), first)
    with database.writing() as session:
        with pytest.raises(Conflict):
            events.undo(session, member(session))
        assert len(session.exec(select(BatchTrace)).all()) == 2
    with database.writing() as session:
        events.undo(session, member(session, "Annotator A"))
        events.undo(session, member(session))
        assert not session.exec(select(BatchTrace)).all()
