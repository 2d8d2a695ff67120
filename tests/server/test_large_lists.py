"""Lists of projects so large that what matches is counted no further than so far."""

from urllib.parse import parse_qs, urlsplit

import pytest

from server.db import Database
from server.errors import Invalid
from server.models.base import stored_id
from server.models.label import LabelValue
from server.models.verdict import VerdictValue
from server.queries import traces
from server.queries.filters import Filters
from server.queries.paging import Cursor
from server.services import labels, modes, verdicts
from server.views import large_lists
from server.views import traces as views
from server.views.traces import TraceList, trace_list
from tests.factories import make_project, member, open_axial_coding

TRACES = 12


@pytest.fixture
def large(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Twelve traces, five a page, of which no more than seven are counted."""
    for name, value in {"COUNTED": 10, "MOST_COUNTED": 7, "PAGE_SIZE": 5}.items():
        monkeypatch.setattr(views, name, value)
    make_project(database, traces=TRACES)
    return database


@pytest.fixture
def judged(large: Database) -> Database:
    """The Lead failed every other trace, and put the last three under a mode."""
    with large.writing() as session:
        lead = member(session)
        every = [stored_id(one) for one in session.exec(traces.of_project(lead.project_id))]
        for trace_id in every[1::2]:
            verdicts.decide(session, lead, trace_id, VerdictValue.FAIL)
            verdicts.submit(session, lead, trace_id)
        open_axial_coding(session)
        mode_id = stored_id(modes.create(session, lead, "Loops"))
        for trace_id in every[-3:]:
            labels.label(session, lead, trace_id, {mode_id: LabelValue.PRESENT})
    return large


def shown(database: Database, fields: dict[str, str], **filters: str) -> TraceList:
    with database.reading() as session:
        found = Filters.parse(filters)
        return trace_list(session, member(session), found, fields, base="/projects/try-me")


def fields_of(url: str) -> dict[str, str]:
    return {
        name: values[0]
        for name, values in parse_qs(urlsplit(url).query).items()
        if name in views.PAGE_FIELDS
    }


@pytest.mark.parametrize("sort", ["imported", "-trace", "tokens"])
def test_every_page_tells_its_place_there_and_back(large: Database, sort: str) -> None:
    page = shown(large, {"sort": sort}, model="model-a")
    assert (page.total, page.has_more) == (7, True)
    places, ids = [], []
    while True:
        places.append((page.first, page.last))
        ids += [row.id for row in page.rows]
        if not page.next:
            break
        page = shown(large, fields_of(page.next), model="model-a")
    assert places == [(1, 5), (6, 10), (11, 12)]
    assert len(set(ids)) == TRACES
    page = shown(large, fields_of(page.previous), model="model-a")
    assert (page.first, page.last) == (6, 10)
    page = shown(large, fields_of(page.previous), model="model-a")
    assert (page.first, page.last) == (1, 5)
    assert [row.id for row in page.rows] == ids[:5]


def test_what_few_match_is_counted_to_the_end(large: Database) -> None:
    page = shown(large, {}, trace="trace-3")
    assert (page.total, page.has_more, page.first, page.last) == (1, False, 1, 1)


def test_all_traces_are_counted_however_many(large: Database) -> None:
    page = shown(large, {})
    assert (page.total, page.has_more) == (TRACES, False)


def test_a_link_of_before_finds_its_place(large: Database) -> None:
    """Places without a rank, as links had them until now, are counted."""
    page = shown(large, {"after": "[6, 6]"}, model="model-a")
    assert [row.external_id for row in page.rows] == [f"trace-{n}" for n in range(7, 12)]
    assert (page.first, page.last) == (7, 11)


@pytest.mark.parametrize("written", ["[1, 2, -1]", "[1, 2, 3, 4]", '[1, 2, "3"]', "[1, 2, true]"])
def test_a_place_with_an_odd_rank_is_refused(written: str) -> None:
    with pytest.raises(Invalid, match="names no place"):
        Cursor.read(written, int)


FAILED, LOOPING = [2, 4, 6, 8, 10, 12], [10, 11, 12]
BY_PEOPLE: tuple[tuple[dict[str, str], list[int]], ...] = (
    ({"verdict": "fail"}, FAILED),
    ({"verdict": "none"}, [1, 3, 5, 7, 9, 11]),
    ({"mode": "Loops"}, LOOPING),
    ({"annotator": "Lead"}, [2, 4, 6, 8, 10, 11, 12]),
    ({"verdict": "fail", "annotator": "Lead", "mode": "Loops"}, [10, 12]),
    ({"mode": "Loops", "model": "model-a", "verdict": "none"}, [11]),
)
"""Filters, and the numbers of the traces that they mean."""


@pytest.mark.parametrize(
    ("sort", "few"), [("imported", 0), ("-imported", 0), ("-item", 0), ("-item", 100)]
)
def test_people_s_work_is_found_page_by_page(
    judged: Database, monkeypatch: pytest.MonkeyPatch, sort: str, few: int
) -> None:
    monkeypatch.setattr(large_lists, "FEW", few)
    for filters, numbers in BY_PEOPLE:
        pages = [shown(judged, {"sort": sort}, **filters)]
        while pages[-1].next:
            pages.append(shown(judged, fields_of(pages[-1].next), **filters))
        ids = [row.id for page in pages for row in page.rows]
        assert sorted(ids) == numbers
        if sort.endswith("imported"):
            assert ids == sorted(ids, reverse=sort.startswith("-"))
        assert [page.first for page in pages] == list(range(1, len(ids) + 1, 5))
        assert {(page.total, page.has_more) for page in pages} == {(len(numbers), False)}
        if len(pages) > 1:
            assert shown(judged, fields_of(pages[1].previous), **filters).rows == pages[0].rows


def test_what_many_people_did_is_counted_so_far_and_no_further(
    judged: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MOST_COUNTED", 5)
    page = shown(judged, {}, verdict="fail")
    assert (page.total, page.has_more, len(page.rows)) == (5, True, 5)
