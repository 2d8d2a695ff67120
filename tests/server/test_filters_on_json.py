"""Tags and dimensions, which SQLite looks for in their text before it reads their JSON."""

from typing import Any

import pytest
from sqlmodel import Session, col, select

from server import search
from server.models.project import Member, Project
from server.models.trace import Trace
from server.queries.filters import Filters
from server.services import projects
from tests.factories import make_trace


def found(session: Session, member: Member, filters: dict[str, Any]) -> list[str]:
    """External ids of the traces that filters mean, in order of import."""
    where = search.matching(session, member, Filters.parse(filters))
    return list(session.exec(select(Trace.external_id).where(*where).order_by(col(Trace.id))))


_ODD_TAGS = ("plain", "pl", 'a"plain', 'plain"b', "back\\slash", "über", "50%", "a_b", "né")
_ODD_VALUES: dict[str, Any] = {
    "one": 1,
    "one as text": "1",
    "one, written 1.0": 1.0,
    "true": True,
    "seven": 7,
    "seven and a half": 7.5,
    "many": 10**17,
    "little": 1e-7,
    "text": "new user",
    "umlaut": "über",
    "quoted": 'say "7"',
    "list": [7],
}


def test_tags_are_told_by_the_whole_of_their_text(session: Session, project: Project) -> None:
    for tag in _ODD_TAGS:
        make_trace(session, project, tag, tags=["size:7b", tag])
    lead = projects.local_member(session, project)
    assert {tag: found(session, lead, {"tags": tag}) for tag in _ODD_TAGS} == {
        tag: [tag] for tag in _ODD_TAGS
    }
    assert found(session, lead, {"tags": "size:7b"}) == list(_ODD_TAGS)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("1", {"one", "one as text", "one, written 1.0", "true"}),
        ("true", {"one", "one as text", "true"}),
        ("7", {"seven"}),
        ("7.0", {"seven"}),
        ("7.5", {"seven and a half"}),
        ("new user", {"text"}),
        ("new", set()),
        ("über", {"umlaut"}),
        ('say "7"', {"quoted"}),
    ],
)
@pytest.mark.sqlite
def test_dimensions_are_told_by_their_value_however_written(
    session: Session, project: Project, asked: str, names: set[str]
) -> None:
    for name, value in _ODD_VALUES.items():
        make_trace(session, project, name, dimensions={"asked": value})
    lead = projects.local_member(session, project)
    assert set(found(session, lead, {"params.asked": asked})) == names
