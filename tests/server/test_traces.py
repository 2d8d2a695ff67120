"""The list of traces: pages by key, what each row shows, and what a blind annotator sees."""

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, col, select

from server.db import Database
from server.errors import Invalid
from server.models.base import stored_id
from server.models.batch import Batch, BatchTrace
from server.models.label import GoldLabel, LabelValue
from server.models.project import Member, Project
from server.models.signal import Signal
from server.models.trace import Outcome, Trace
from server.models.verdict import VerdictValue
from server.queries.filters import Filters
from server.services import batches, events, groupings, labels, modes, notes, projects, verdicts
from server.views import traces as view
from server.views.palette import palette
from server.views.traces import TraceList, TraceRow, trace_list
from tests.factories import SLUG, make_project, make_trace, open_axial_coding

BASE = f"/projects/{SLUG}"
PRESENT, ABSENT = LabelValue.PRESENT, LabelValue.ABSENT


def listed(session: Session, member: Member, **fields: str) -> TraceList:
    filters = Filters.from_query(fields.items(), ignoring=view.PAGE_FIELDS)
    return trace_list(session, member, filters, fields, base=BASE)


def row(session: Session, member: Member, external_id: str) -> TraceRow:
    (found,) = listed(session, member, trace=external_id).rows
    return found


def fields_of(url: str) -> dict[str, str]:
    from urllib.parse import parse_qsl, urlsplit

    return dict(parse_qsl(urlsplit(url).query))


@pytest.fixture
def tied(session: Session, project: Project, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """17 traces with three different token counts, none at all among them, in pages of 4."""
    monkeypatch.setattr(view, "PAGE_SIZE", 4)
    tokens = [None, 10, 10, 20, None, 10, 20, 20, 10, None, 10, 10, 20, 10, 20, 10, None]
    return [
        make_trace(
            session, project, f"t{n:02}", model="ab"[n % 2], completion_tokens=count
        ).external_id
        for n, count in enumerate(tokens)
    ]


@pytest.mark.parametrize("model", ["", "a"])
@pytest.mark.parametrize(
    "sort", ["", "-imported", "tokens", "-tokens", "model", "-model", "trace", "steps"]
)
def test_pages_show_every_row_once_in_both_directions(
    session: Session, lead: Member, tied: list[str], sort: str, model: str
) -> None:
    kept = {"sort": sort, "model": model}
    forward: list[list[str]] = []
    page = listed(session, lead, **kept)
    while True:
        forward.append([found.external_id for found in page.rows])
        assert (page.first, page.last) == (
            4 * len(forward) - 3,
            4 * len(forward) - 4 + len(page.rows),
        )
        if not page.next:
            break
        page = listed(session, lead, **fields_of(page.next))
    expected = [name for n, name in enumerate(tied) if not model or n % 2 == 0]
    assert sorted(name for names in forward for name in names) == expected
    assert page.total == len(expected)

    backward = [forward[-1]]
    while page.previous:
        page = listed(session, lead, **fields_of(page.previous))
        backward.insert(0, [found.external_id for found in page.rows])
        assert page.last == page.first + len(page.rows) - 1
    # Going back counts pages from the end of the list's front, so rows agree, not page borders.
    assert [n for names in backward for n in names] == [n for names in forward for n in names]


def test_ties_follow_the_order_of_import_and_missing_counts_come_first(
    session: Session, lead: Member, tied: list[str]
) -> None:
    page = listed(session, lead, sort="tokens")
    assert [found.external_id for found in page.rows] == ["t00", "t04", "t09", "t16"]
    assert [found.tokens for found in page.rows] == [None] * 4


def test_a_row_that_came_in_meanwhile_moves_no_page(
    session: Session, project: Project, lead: Member, tied: list[str]
) -> None:
    first = listed(session, lead, sort="-tokens")
    before = [found.external_id for found in listed(session, lead, **fields_of(first.next)).rows]
    make_trace(session, project, "new", completion_tokens=999)
    after = listed(session, lead, **fields_of(first.next))
    assert [found.external_id for found in after.rows] == before


def test_a_page_behind_the_end_is_the_first_one(
    session: Session, lead: Member, tied: list[str]
) -> None:
    page = listed(session, lead, after="[0, 999999]")
    assert page.first == 1
    page = listed(session, lead, after="[999999, 999999]")
    assert (page.first, page.rows[0].external_id) == (1, "t00")


@pytest.mark.parametrize(
    "fields",
    [
        {"sort": "colour"},
        {"after": "x"},
        {"after": "[1]"},
        {"after": '["a", 1]'},
        {"after": "[true, 1]"},
        {"after": "[1, 1e99]"},
        {"before": "[99999999999999999999, 1]"},
        {"sort": "model", "after": "[1, 1]"},
    ],
)
def test_a_broken_link_is_refused(session: Session, lead: Member, fields: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        listed(session, lead, **fields)


def test_each_row_shows_its_own_first_words_of_the_user(
    session: Session, project: Project, lead: Member
) -> None:
    make_trace(session, project, "a", ("Where is\n  my order?", "Lost."))
    make_trace(session, project, "b", ("Cancel it " + "x" * 500, "Done."))
    assert row(session, lead, "a").words == "Where is my order?"
    assert row(session, lead, "b").words.startswith("Cancel it xxx")
    assert len(row(session, lead, "b").words) == 240


def test_dots_are_solid_where_decided_and_hollow_where_only_a_note_says_so(
    session: Session, project: Project, lead: Member, alice: Member, bob: Member
) -> None:
    a, b, c, d = (stored_id(make_trace(session, project, name)) for name in "abcd")
    note = stored_id(notes.add_note(session, alice, a, "wrong sum"))
    slip = stored_id(groupings.accept_as_mode(session, lead, [note], "Slip"))
    labels.label(session, alice, b, {slip: PRESENT})
    labels.label(session, alice, c, {slip: PRESENT})
    labels.label(session, bob, c, {slip: ABSENT})
    labels.label(session, alice, d, {slip: PRESENT})
    session.add(GoldLabel(trace_id=d, mode_id=slip, value=ABSENT, decided_by=lead.id))
    session.flush()
    seen = {name: [dot.is_draft for dot in row(session, lead, name).modes] for name in "abcd"}
    assert seen == {"a": [True], "b": [False], "c": [], "d": []}
    assert row(session, lead, "a").notes == 1


def test_a_blind_annotator_sees_own_work_until_the_verdict_is_submitted(
    session: Session, project: Project, lead: Member, alice: Member, bob: Member
) -> None:
    open_axial_coding(session)
    trace_id = stored_id(make_trace(session, project, "a", outcome=Outcome.INCORRECT))
    slip = stored_id(modes.create(session, lead, "Slip"))
    labels.label(session, bob, trace_id, {slip: PRESENT})
    notes.add_note(session, bob, trace_id, "bob's")
    notes.add_note(session, alice, trace_id, "alice's")
    verdicts.decide(session, alice, trace_id, VerdictValue.FAIL)

    hidden = row(session, alice, "a")
    assert (hidden.outcome, hidden.modes, hidden.notes, hidden.verdict) == (None, (), 1, "fail")
    with pytest.raises(Invalid, match="outcome"):
        listed(session, alice, sort="outcome")
    assert "outcome" not in [head.label for head in listed(session, alice).columns if head.href]

    verdicts.submit(session, alice, trace_id)
    shown = row(session, alice, "a")
    assert (shown.outcome, len(shown.modes), shown.notes) == ("incorrect", 1, 2)
    assert row(session, lead, "a").notes == 2
    assert listed(session, lead, sort="outcome").rows


def test_chips_say_the_filters_and_take_each_away(
    session: Session, project: Project, lead: Member
) -> None:
    make_trace(session, project, "a", model="gpt", dimensions={"length": 4, "persona": "new"})
    slip = stored_id(modes.create(session, lead, "Slip"))
    fields = [("model", "gpt"), ("mode", str(slip)), ("min:params.length", "3"), ("not:task", "x")]
    filters = Filters.from_query(fields)
    bar = trace_list(session, lead, filters, {"sort": "-tokens"}, base=BASE).bar
    assert [chip.label for chip in bar.chips] == [
        "mode Slip",
        "model gpt",
        "length from 3",
        "not task x",
    ]
    without = Filters.from_query(fields_of(bar.chips[1].remove_url).items(), ignoring=["sort"])
    assert without == filters.without("model")
    assert fields_of(bar.chips[1].remove_url)["sort"] == "-tokens"
    # What the form has no control for travels along, so that sending it loses nothing.
    assert set(bar.hidden) == {("min:params.length", "3"), ("not:task", "x"), ("sort", "-tokens")}
    assert [dimension.name for dimension in bar.dimensions] == ["length", "persona"]


def test_the_palette_finds_traces_and_modes_by_name(
    session: Session, project: Project, lead: Member
) -> None:
    other = projects.create(session, "Other")
    make_trace(session, other, "slip-elsewhere")
    first = stored_id(make_trace(session, project, "run-slip-1"))
    second = stored_id(make_trace(session, project, "slip-2"))
    for n in range(30):
        make_trace(session, project, f"many-{n}", item_id="item_100%")
    mode = stored_id(modes.create(session, lead, "Arithmetic Slip"))
    assert palette(session, lead, "SLIP", base=BASE) == [
        ("Arithmetic Slip", "failure mode", f"{BASE}/modes/{mode}"),
        ("slip-2", "trace", f"{BASE}/read/{second}"),
        ("run-slip-1", "trace", f"{BASE}/read/{first}"),
    ]
    assert palette(session, lead, "arslp", base=BASE)[0].label == "Arithmetic Slip"
    assert palette(session, lead, "salp", base=BASE) == [], "letters in another order"
    spoken = make_trace(session, project, "elsewhere", ("Cancel my reservation",))
    at = f"{BASE}/read/{spoken.id}"
    assert palette(session, lead, "my reserv", base=BASE) == [("elsewhere", "trace", at)]
    assert len(palette(session, lead, "100%", base=BASE)) == 20
    assert palette(session, lead, "_", base=BASE) == palette(session, lead, "item_", base=BASE)
    assert palette(session, lead, " ", base=BASE) == []


def test_a_batch_of_chosen_traces_keeps_their_order_and_is_undone_as_one(
    session: Session, project: Project, lead: Member
) -> None:
    ids = [stored_id(make_trace(session, project, name)) for name in "abc"]
    batch = batches.create_from(session, lead, [ids[2], ids[0], ids[2]], " Odd ones ")
    assert (batch.name, batch.strategy) == ("Odd ones", "chosen")
    placed = session.exec(select(BatchTrace).order_by(col(BatchTrace.position))).all()
    assert [(p.trace_id, p.sampled_by) for p in placed] == [(ids[2], "chosen"), (ids[0], "chosen")]
    events.undo(session, lead)
    assert not session.exec(select(Batch)).all()
    for wrong in ([], [999]):
        with pytest.raises(Invalid):
            batches.create_from(session, lead, wrong)


def test_the_page_its_fragments_and_its_empty_states(
    client: TestClient, database: Database
) -> None:
    with database.writing() as session:
        projects.create(session, "Try me")
    empty = client.get(f"{BASE}/traces").text
    assert "No traces yet" in empty
    assert f"{BASE}/imports" in empty

    with database.writing() as session:
        project = projects.find(session, SLUG)
        make_trace(
            session, project, "<img src=x onerror=alert(1)>", ("<script>alert(2)</script> refund",)
        )
    page = client.get(f"{BASE}/traces?text=refund").text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(2)&lt;/script&gt;" in page
    assert re.search(r'<mark class="hit">refund</mark>', page)
    assert "1 trace matches" in page

    nothing = client.get(f"{BASE}/traces?model=nope").text
    assert "No trace matches" in nothing
    assert client.get(f"{BASE}/traces?modell=x").status_code == 422
    assert client.get("/projects/nowhere/traces").status_code == 404


def test_the_next_link_of_the_page_leads_on(client: TestClient, database: Database) -> None:
    make_project(database, traces=60)
    page = client.get(f"{BASE}/traces?sort=-trace").text
    assert "1–50 of 60" in unescape(page)
    link = unescape(re.search(r'rel="next" href="([^"]+)"', page)[1])
    following = client.get(link).text
    assert "51–60 of 60" in unescape(following)
    assert 'rel="next"' not in following
    assert 'rel="prev"' in following


def test_ticked_rows_become_a_batch_by_a_lead_only(client: TestClient, database: Database) -> None:
    make_project(database)
    ticked = {"trace": ["trace-3", "trace-1"], "name": "Two"}
    client.cookies.set("faultbook_acting", "Annotator%20A")
    assert client.post(f"{BASE}/traces/batch", data=ticked).status_code == 403
    client.cookies.clear()
    answer = client.post(f"{BASE}/traces/batch", data=ticked, follow_redirects=False)
    assert answer.status_code == 303
    listed = client.get(answer.headers["location"]).text
    assert "2 traces match" in listed
    assert "Two: 2 traces to read" in listed
    assert client.post(f"{BASE}/traces/batch", data={"name": "None"}).status_code == 422
    assert client.post(f"{BASE}/traces/batch", data={"trace": "nope"}).status_code == 422


def test_the_palette_answers_json(client: TestClient, database: Database) -> None:
    (first, *_) = make_project(database)
    found = client.get(f"{BASE}/palette.json", params={"text": "trace-1"}).json()
    assert found == [{"label": "trace-1", "kind": "trace", "url": f"{BASE}/read/{first}"}]


def test_a_list_reads_no_conversation(
    session: Session, project: Project, lead: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlalchemy as sa

    make_trace(session, project, "a")
    session.flush()
    session.expire_all()
    statements: list[str] = []
    engine = session.get_bind()
    target = engine.engine

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    sa.event.listen(target, "before_cursor_execute", note)
    try:
        listed(session, lead, sort="-tokens", model="")
    finally:
        sa.event.remove(target, "before_cursor_execute", note)
    assert statements
    assert not [s for s in statements if "search_text" in s or "metadata" in s]
    assert session.exec(select(Trace)).one()


def test_a_filter_on_a_signal_finds_the_same_in_every_order(database: Database) -> None:
    """Trace n of 0 to 11 has 4 n tokens, n steps by that signal, which the last has not."""
    make_project(database, traces=0)
    with database.writing() as session:
        project = projects.find(session, SLUG)
        for n in range(12):
            trace = make_trace(session, project, f"t{n}", completion_tokens=4 * n)
            own = {"steps": n, "compression_ratio": -n} if n < 11 else {"compression_ratio": -n}
            for name, value in own.items():
                of_trace = {"project_id": trace.project_id, "trace_id": stored_id(trace)}
                session.add(Signal(**of_trace, name=name, value=value))
    with database.reading() as session:
        filters = Filters.parse({"signal.steps": {"min": 3, "max": 9}})
        lead = projects.local_member(session, projects.find(session, SLUG))
        views = {
            order: trace_list(session, lead, filters, {"sort": order}, base=BASE)
            for order in ("", "signal.steps", "-signal.steps", "signal.compression_ratio", "tokens")
        }
    found = {order: [row.external_id for row in view.rows] for order, view in views.items()}
    upwards = [f"t{n}" for n in range(3, 10)]
    assert found.pop("-signal.steps") == found.pop("signal.compression_ratio") == upwards[::-1]
    assert list(found.values()) == [upwards] * 3
    assert {(view.total, view.left_out) for view in views.values()} == {(7, 0)}
