"""Frozen taxonomies: kept, undone, what came in since, and two side by side."""

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from server.db import Database
from server.errors import Conflict, Forbidden, Invalid, NotFound
from server.models.base import stored_id
from server.models.project import Member, Project
from server.models.trace import Outcome, Trace
from server.queries import projects as project_queries
from server.queries import taxonomies as queries
from server.queries.filters import Filters
from server.services import events, projects, taxonomies
from tests.databases import Databases, Prefilled
from tests.factories import SLUG
from tests.server.cohorts.staged import BASE, fill, make_runs, passed
from tests.server.cohorts.test_cohort_pages import row_of, words

CONTENT = {"names": [], "models": [], "tasks": {}, "centres": [], "verdict": "weak", "reading": ""}


@pytest.fixture(scope="module")
def prefilled(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Prefilled:
    return databases.prefilled(tmp_path_factory.mktemp("taxonomies") / "data", fill)


def names(session: Session, lead: Member) -> list[str]:
    return [one.name for one in session.exec(queries.of_project(lead.project_id))]


@pytest.fixture
def project(session: Session) -> Project:
    return projects.find(session, SLUG)


def test_each_step_is_an_event_that_undo_takes_back(session: Session, lead: Member) -> None:
    first = taxonomies.freeze(session, lead, " May  run ", CONTENT, Filters())
    taxonomies.rename(session, lead, first.id or 0, "June")
    taxonomies.remove(session, lead, first.id or 0)
    seen = []
    for _ in range(3):
        events.undo(session, lead)
        seen.append(names(session, lead))
    assert seen == [["June"], ["May run"], []]


def test_names_are_free_and_only_a_lead_freezes(
    session: Session, lead: Member, alice: Member
) -> None:
    taxonomies.freeze(session, lead, "May", CONTENT, Filters())
    with pytest.raises(Conflict, match="«may» already"):
        taxonomies.freeze(session, lead, "may", CONTENT, Filters())
    with pytest.raises(Invalid):
        taxonomies.freeze(session, lead, " ", CONTENT, Filters())
    with pytest.raises(Forbidden):
        taxonomies.freeze(session, alice, "June", CONTENT, Filters())
    with pytest.raises(NotFound):
        taxonomies.rename(session, lead, 99, "June")


def test_models_and_tasks_that_come_in_later_are_placed(
    client: TestClient, database: Database
) -> None:
    frozen = client.post(f"{BASE}/taxonomies", data={"name": "May"})
    assert frozen.url.path == f"{BASE}/taxonomies/1"
    assert "nothing new to place" in words(frozen.text)
    with database.writing() as session:
        project = projects.find(session, SLUG)
        make_runs(session, project, [0, 1, 12, 13], [8])  # passes the first kind, as m4 to m7
        make_runs(session, project, [24], [])
        session.flush()
    with database.writing() as session:
        make_late_task(session)
    page = client.get(f"{BASE}/taxonomies/1").text
    told = words(page)
    assert (
        "Did not help to build it: 1 model and 1 task, 1 of them placed with 80 % or more." in told
    )
    assert row_of(page, "late").startswith("late cohort 2 1.00 8")
    assert row_of(page, "m8").startswith("m8 0 % 0–66 % · n 2 100 % 34–100 % · n 2 –")
    again = client.post(f"{BASE}/taxonomies", data={"name": "may"})
    assert again.status_code == 409
    assert 'value="may"' in again.text


def make_late_task(session: Session) -> None:
    """A task that the models fail and pass as they do those of the second cohort."""
    project = projects.find(session, SLUG)
    session.add_all(
        Trace(
            project_id=stored_id(project),
            external_id=f"late/m{model}",
            item_id="late",
            model=f"m{model}",
            outcome=Outcome.CORRECT if passed(12, model) else Outcome.INCORRECT,
        )
        for model in range(8)
    )


def test_two_are_laid_side_by_side_where_both_may_be_seen(client: TestClient) -> None:
    client.post(f"{BASE}/taxonomies", data={"name": "May"})
    path = f"{BASE}/taxonomies/beside"
    page = client.get(path, params={"first": f"{SLUG}/now", "second": f"{SLUG}/1"}).text
    told = words(page)
    assert "Over 30 shared tasks the groups agree with an adjusted Rand index of 1.00" in told
    assert "Both are of the same traces" in told
    assert row_of(page, "cohort 2") == "cohort 2 12 cohort 2 12 12 of 12 shared tasks"
    for second, why in (("nowhere/now", "nowhere"), (f"{SLUG}/99", "no frozen taxonomy 99")):
        refused = client.get(path, params={"second": second})
        assert refused.status_code == 200
        assert why in words(refused.text)


def test_a_second_regime_shows_which_models_fail_more(
    client: TestClient, database: Database
) -> None:
    client.post(f"{BASE}/taxonomies", data={"name": "May"})
    with database.writing() as session:
        other = projects.create(session, "Other regime")
        make_runs(session, other, range(30), [0, 1, 4])
        for trace in other_failures(session, other):
            trace.outcome = Outcome.INCORRECT
            session.add(trace)
        lead = projects.local_member(session, other, "Lead")
        kept = taxonomies.find(
            session, projects.local_member(session, projects.find(session, SLUG), "Lead"), 1
        )
        taxonomies.freeze(session, lead, "Other", kept.content, Filters())
    page = client.get(
        f"{BASE}/taxonomies/beside",
        params={"first": f"{SLUG}/1", "second": f"{other_slug(database)}/2"},
    ).text
    assert "Of 3 shared models 1 fail more in the second, 0 fail less" in words(page)
    # m4 passed the twelve of cohort 1 before, and fails them now: 12 of 30 tasks.
    assert "+40" in row_of(page, "m4")
    assert "+100" in row_of(page, "m4")


def other_failures(session: Session, project: Project) -> list[Trace]:
    rows = session.exec(select(Trace).where(Trace.project_id == project.id, Trace.model == "m4"))
    return [trace for trace in rows if int(trace.item_id[1:]) < 12]


def other_slug(database: Database) -> str:
    with database.reading() as session:
        found = session.exec(project_queries.open_projects()).all()
    return next(project.slug for project in found if project.slug != SLUG)
