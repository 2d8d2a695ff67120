"""Full-text search takes whatever people type, and shows what it found."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from server.models.base import stored_id
from server.models.project import Project
from server.models.trace import Trace
from server.search import SnippetPart, search_traces, snippets
from tests.factories import make_trace


def found(session: Session, text: str) -> list[str]:
    statement = select(Trace.external_id).where(search_traces(text)).order_by(col(Trace.id))
    return list(session.exec(statement))


@pytest.fixture
def traces(session: Session, project: Project) -> list[Trace]:
    texts = {
        "a": ("The trolley is on rails", "Pull the lever, AND run."),
        "b": ("Flights to Rome", "The lever of the trolley broke: don't pull"),
        "c": ("Straße nach Köln", "<script>alert('x')</script> snake_case foo-bar"),
    }
    return [make_trace(session, project, name, words) for name, words in texts.items()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("trolley", ["a", "b"]),
        ("TROLLEY lever", ["a", "b"]),
        ("lever rome", ["b"]),
        ('"pull the lever"', ["a"]),
        ('"lever of"', ["b"]),
        ('"lever of the trolley" rome', ["b"]),
        ("flig*", ["b"]),
        ("flig", []),
        ('"to ro"*', ["b"]),
        ("köln", ["c"]),
        ("foo-bar", ["c"]),
        ("snake_case", ["c"]),
        ("<script>", ["c"]),
        ("AND", ["a"]),
        ("OR NOT NEAR", []),
        ("rome OR rails", []),
        ("!!! ---", []),
        ('"', []),
        ("", []),
        ("search_text:lever", []),
        ("lever'; DROP TABLE trace;--", []),
    ],
)
def test_words_phrases_and_beginnings(
    session: Session, traces: list[Trace], text: str, expected: list[str]
) -> None:
    assert found(session, text) == expected


@tuned(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40) | st.text(alphabet="\"*:^(){}+-&|!<>'\\ aAND", max_size=40))
def test_nothing_that_is_typed_is_a_syntax_error(session: Session, text: str) -> None:
    found(session, text)


def test_an_edited_text_is_found_by_its_new_words(session: Session, traces: list[Trace]) -> None:
    traces[0].search_text = "nothing but cheese"
    session.add(traces[0])
    session.flush()
    assert found(session, "cheese") == ["a"]
    assert found(session, "rails") == []


def test_a_snippet_marks_what_was_found_and_keeps_markup_as_text(
    session: Session, traces: list[Trace]
) -> None:
    c = stored_id(traces[2])
    (parts,) = snippets(session, "alert", [c]).values()
    assert SnippetPart("alert", is_hit=True) in parts
    assert "<script>" in "".join(part.text for part in parts)
    assert snippets(session, "!!!", [c]) == {}
    assert snippets(session, "alert", []) == {}
