"""Projects put away, brought back, deleted whole, and begun with another's codebook."""

import pytest
import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from server.errors import Conflict, Invalid
from server.models.base import stored_id
from server.models.mode import FailureMode, ModeExample, ModeVersion
from server.models.project import Member
from server.queries import projects as project_queries
from server.services import events, groupings, lifecycle, modes, notes, projects
from server.services.modes import Wording
from server.settings import Settings
from tests.factories import make_trace


def counts(session: Session) -> dict[str, int]:
    return {
        table.name: session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for table in SQLModel.metadata.sorted_tables
    }


def code(session: Session, member: Member) -> FailureMode:
    trace = make_trace(session, member.project)
    note = notes.add_note(session, member, stored_id(trace), "wrong sum")
    mode = groupings.accept_as_mode(
        session, member, [stored_id(note)], "Slip", wording=Wording("Adds wrongly")
    )
    modes.add_example(session, member, stored_id(mode), stored_id(note), positive=True)
    return mode


def test_an_archived_project_leaves_the_list_and_undo_brings_it_back(
    session: Session, lead: Member
) -> None:
    lifecycle.put_away(session, lead)
    assert not session.exec(project_queries.open_projects()).all()
    events.undo(session, lead)
    assert [p.slug for p in session.exec(project_queries.open_projects())] == ["try-me"]


def test_deleting_takes_everything_of_one_project_and_nothing_else(
    session: Session, settings: Settings, lead: Member
) -> None:
    code(session, lead)
    before = counts(session)
    other = projects.create(session, "Doomed")
    doomed = projects.local_member(session, other)
    one = code(session, doomed)
    two = modes.create(session, doomed, "Other")
    modes.merge(session, doomed, source=stored_id(one), into=stored_id(two))
    events.undo(session, doomed)

    with pytest.raises(Conflict, match="archive it first"):
        lifecycle.delete(session, settings, doomed, confirmed="doomed")
    lifecycle.put_away(session, doomed)
    with pytest.raises(Invalid, match="type its address: doomed"):
        lifecycle.delete(session, settings, doomed, confirmed="yes")
    lifecycle.delete(session, settings, doomed, confirmed="doomed")
    assert counts(session) == before


def test_a_new_project_begins_with_the_codebook_and_none_of_the_traces(
    session: Session, lead: Member
) -> None:
    mode = code(session, lead)
    parent = modes.create(session, lead, "Arithmetic")
    mode.parent_id = parent.id
    retired = modes.create(session, lead, "Old")
    modes.retire(session, lead, stored_id(retired))
    copy = lifecycle.begin_with_codebook(session, lead, "Second")

    copied = session.exec(
        select(FailureMode).where(FailureMode.project_id == copy.id).order_by(col(FailureMode.name))
    ).all()
    assert [found.name for found in copied] == ["Arithmetic", "Slip"]
    slip = copied[1]
    assert (slip.guid, slip.colour) == (mode.guid, mode.colour)
    assert slip.parent_id == copied[0].id
    version = session.exec(select(ModeVersion).where(ModeVersion.mode_id == slip.id)).one()
    assert version.definition == "Adds wrongly"
    examples = session.exec(select(ModeExample).where(ModeExample.mode_id == slip.id)).all()
    assert all(example.trace_id is None and example.note_id is None for example in examples)
    assert session.exec(project_queries.by_slug("second")).one().id == copy.id
