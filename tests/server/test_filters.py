"""The filter language: what it reads, what it refuses, and which traces it means."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from server.errors import Invalid
from server.models.base import stored_id
from server.models.judge import Judge, JudgeVerdict
from server.models.label import GoldLabel, Label, LabelValue
from server.models.project import AnnotatorKind, Member, Project
from server.models.signal import Signal
from server.models.trace import Import, Outcome, Trace
from server.models.verdict import VerdictValue
from server.queries.filters import Filters
from server.services import batches, groupings, labels, modes, notes, projects, verdicts
from tests.factories import make_trace, open_axial_coding
from tests.server.found_traces import found

PRESENT, ABSENT = LabelValue.PRESENT, LabelValue.ABSENT


def read(session: Session, member: Member, trace: Trace, value: VerdictValue) -> None:
    verdicts.decide(session, member, stored_id(trace), value)
    verdicts.submit(session, member, stored_id(trace))


@pytest.fixture
def traces(session: Session, project: Project) -> list[Trace]:
    return [
        make_trace(
            session,
            project,
            "a",
            ("Book a flight to Rome", "Booked a hotel instead."),
            item_id="q1",
            model="gpt",
            task="airline",
            eval_id="aaaaaa",
            outcome=Outcome.CORRECT,
            completion_tokens=100,
            finish_reason="stop",
            tags=["arch:moe", "size:7b"],
            dimensions={"length": 3, "persona": "new user", "thinking": True, "odd.key": "x"},
        ),
        make_trace(
            session,
            project,
            "b",
            ("Cancel my flight", "Done!"),
            item_id="q1",
            model="claude",
            task="retail",
            outcome=Outcome.INCORRECT,
            completion_tokens=200,
            finish_reason="length",
            tags=["arch:moe"],
            dimensions={"length": 7.5, "persona": "expert", "thinking": False},
        ),
        make_trace(
            session,
            project,
            "c",
            ("Was ist 1+1?", "Drei, ungefähr."),
            item_id="q2",
            model="gpt",
            task="airline",
            dimensions={"length": "3", "persona": 7},
        ),
    ]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["a", "b", "c"]),
        ({"model": "gpt"}, ["a", "c"]),
        ({"model": ["gpt", "claude"], "task": "retail"}, ["b"]),
        ({"model": {"not": "gpt"}}, ["b"]),
        ({"item": "q1"}, ["a", "b"]),
        ({"trace": ["a", "c"]}, ["a", "c"]),
        ({"eval_id": "aaaaaa"}, ["a"]),
        ({"outcome": "correct"}, ["a"]),
        ({"outcome": {"not": ["correct", "unknown"]}}, ["b"]),
        ({"finish_reason": "length"}, ["b"]),
        ({"tokens": {"min": 100, "max": 150}}, ["a"]),
        ({"tokens": {"min": 101}}, ["b"]),
        ({"tokens": [50, 150]}, ["a"]),  # two numbers on a number: the range
        ({"tokens": 200}, ["b"]),
        ({"tokens": {"not": {"max": 150}}}, ["b", "c"]),  # c has no count, so not one below 150
        ({"params.length": 3}, ["a", "c"]),  # the number 3 and the text "3" read the same
        ({"params.length": {"min": 3, "max": 8}}, ["a", "b"]),  # text is in no range
        ({"params.length": [3, 8]}, ["a", "b"]),
        ({"params.length": {"min": 8}}, []),
        ({"params.length": {"max": 100}}, ["a", "b"]),
        ({"params.length": "7.5"}, ["b"]),
        ({"params.persona": ["expert", 7]}, ["b", "c"]),
        ({"params.persona": {"not": "expert"}}, ["a", "c"]),
        ({"params.thinking": True}, ["a"]),
        ({"params.thinking": "false"}, ["b"]),
        ({"params.odd.key": "x"}, ["a"]),
        ({"params.nowhere": "x"}, []),
        ({"tags": "arch:moe"}, ["a", "b"]),
        ({"tags": {"not": "arch:moe"}}, ["c"]),
        ({"groups": [["arch:moe", "size:7b"]]}, ["a"]),
        ({"groups": ["arch:moe,size:7b", "arch:moe"]}, ["a", "b"]),
        ({"text": "flight"}, ["a", "b"]),
        ({"text": {"not": "flight"}}, ["c"]),
        ({"text": ["rome", "ungefähr"]}, ["a", "c"]),
    ],
)
def test_filters_on_what_was_imported(
    session: Session,
    lead: Member,
    traces: list[Trace],
    filters: dict[str, Any],
    expected: list[str],
) -> None:
    assert found(session, lead, filters) == expected


def test_filters_never_leave_the_project(
    session: Session, lead: Member, traces: list[Trace]
) -> None:
    other = projects.create(session, "Other")
    make_trace(session, other, "elsewhere", model="gpt")
    assert found(session, lead, {"model": "gpt"}) == ["a", "c"]


def test_signal_batch_and_import(session: Session, lead: Member, traces: list[Trace]) -> None:
    file = Import(project_id=lead.project_id, file_name="runs.jsonl")
    session.add(file)
    session.flush()
    traces[1].import_id = stored_id(file)
    own = lead.project_id
    session.add(Signal(project_id=own, trace_id=stored_id(traces[0]), name="loop_period", value=4))
    session.add(Signal(project_id=own, trace_id=stored_id(traces[1]), name="language", label="de"))
    session.flush()
    batches.create_from(session, lead, [stored_id(traces[2])], "Odd ones")

    assert found(session, lead, {"signal.loop_period": {"min": 2}}) == ["a"]
    assert found(session, lead, {"signal.loop_period": 4}) == ["a"]
    assert found(session, lead, {"signal.language": "de"}) == ["b"]
    assert found(session, lead, {"batch": "odd ones"}) == ["c"]
    assert found(session, lead, {"batch": {"not": "Odd ones"}}) == ["a", "b"]
    assert found(session, lead, {"import": "runs.jsonl"}) == ["b"]
    assert found(session, lead, {"import": stored_id(file)}) == ["b"]


def test_verdicts_of_people_and_of_a_machine_asked_for_by_name(
    session: Session, project: Project, lead: Member, alice: Member, traces: list[Trace]
) -> None:
    read(session, alice, traces[0], VerdictValue.FAIL)
    verdicts.decide(session, alice, stored_id(traces[1]), VerdictValue.FAIL)  # not submitted yet
    read(session, lead, traces[2], VerdictValue.PASS)
    machine = projects.annotator(session, project, AnnotatorKind.MACHINE, "LLM judge")
    judge = Judge(project_id=lead.project_id, annotator_id=stored_id(machine), name="LLM judge")
    session.add(judge)
    session.flush()
    session.add(
        JudgeVerdict(
            judge_id=stored_id(judge), trace_id=stored_id(traces[2]), value=VerdictValue.FAIL
        )
    )
    session.flush()

    assert found(session, lead, {"verdict": "fail"}) == ["a"]
    assert found(session, lead, {"verdict": "none"}) == ["b"]
    assert found(session, lead, {"verdict": ["none", "pass"]}) == ["b", "c"]
    assert found(session, lead, {"verdict": {"not": "fail"}}) == ["b", "c"]
    assert found(session, lead, {"verdict": "fail", "annotator": "LLM judge"}) == ["c"]
    assert found(session, lead, {"verdict": "none", "annotator": "Annotator A"}) == ["b", "c"]
    assert found(session, alice, {"verdict": "fail"}) == ["a", "b"]  # one's own, saved or submitted


def test_mode_is_gold_else_the_majority_else_a_grouped_note(
    session: Session, lead: Member, alice: Member, bob: Member, traces: list[Trace]
) -> None:
    a, b, c = map(stored_id, traces)
    note = stored_id(notes.add_note(session, alice, a, "3 is not 1+1"))
    mode = groupings.accept_as_mode(session, lead, [note], "Slip")
    slip = stored_id(mode)
    assert found(session, lead, {"mode": "slip"}) == ["a"]

    labels.label(session, alice, a, {slip: ABSENT})
    labels.label(session, alice, b, {slip: PRESENT})
    labels.label(session, alice, c, {slip: PRESENT})
    assert found(session, lead, {"mode": slip}) == ["b", "c"]

    labels.label(session, bob, b, {slip: ABSENT})  # a tie is not present
    session.add(GoldLabel(trace_id=c, mode_id=slip, value=ABSENT, decided_by=lead.id))
    session.add(GoldLabel(trace_id=a, mode_id=slip, value=PRESENT, decided_by=lead.id))
    session.flush()
    assert found(session, lead, {"mode": "Slip"}) == ["a"]
    assert found(session, lead, {"mode": {"not": "Slip"}}) == ["b", "c"]


def test_a_machine_s_label_puts_no_trace_under_a_mode(
    session: Session, project: Project, lead: Member, traces: list[Trace]
) -> None:
    slip = stored_id(modes.create(session, lead, "Slip"))
    machine = stored_id(projects.annotator(session, project, AnnotatorKind.MACHINE, "LLM judge"))
    session.add(
        Label(
            trace_id=stored_id(traces[0]),
            mode_id=slip,
            annotator_id=machine,
            value=PRESENT,
            mode_version=1,
        )
    )
    session.flush()
    assert found(session, lead, {"mode": "Slip"}) == []


def test_what_an_annotator_may_not_see_no_filter_tells(
    session: Session, lead: Member, alice: Member, bob: Member, traces: list[Trace]
) -> None:
    open_axial_coding(session)
    b = stored_id(traces[1])
    slip = stored_id(modes.create(session, lead, "Slip"))
    for trace in traces:
        labels.label(session, bob, stored_id(trace), {slip: PRESENT})
        read(session, bob, trace, VerdictValue.FAIL)
    session.add(GoldLabel(trace_id=b, mode_id=slip, value=PRESENT, decided_by=lead.id))
    told = {"reasoning_pattern": "overthink", "loop_class": "still_productive"}
    for own in ({"project_id": lead.project_id, "trace_id": trace.id} for trace in traces):
        session.add_all(Signal(**own, name=name, label=label) for name, label in told.items())
    session.flush()
    for hidden in (
        {"mode": "Slip"},
        {"verdict": "fail"},
        {"annotator": "Annotator B"},
        {"outcome": "correct"},
        {"outcome": {"not": "correct"}},
        {"pattern": "overthink"},
        {"zone": {"not": "safe"}},
        {"signal.loop_class": "still_productive"},
    ):
        assert found(session, alice, hidden) == [], hidden
    assert found(session, alice, {"mode": {"not": "Slip"}}) == ["a", "b", "c"]
    assert found(session, alice, {"verdict": "none"}) == ["a", "b", "c"]

    read(session, alice, traces[0], VerdictValue.DEFER)
    assert found(session, alice, {"mode": "Slip"}) == ["a"]
    assert found(session, alice, {"verdict": "fail"}) == ["a"]
    assert found(session, alice, {"annotator": "Annotator B"}) == ["a"]
    assert found(session, alice, {"outcome": "correct"}) == ["a"]
    assert found(session, alice, {"pattern": "overthink"}) == ["a"]
    assert found(session, lead, {"pattern": "overthink"}) == ["a", "b", "c"]
    assert found(session, lead, {"verdict": "fail"}) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"modell": "gpt"}, r"«modell» is no filter.*params\.modell.*model, model_family, task"),
        ({"pattern": "loop"}, '«pattern»: "loop" does not exist; use broken_loop, overthink'),
        ({"zone": "x"}, '«zone»: "x" does not exist; use safe, uncertain, failing'),
        ({"params.": "x"}, "no filter"),
        ({'params.a"b': "x"}, "quotation mark"),
        ({"outcome": "good"}, '«outcome»: "good" does not exist; use correct, incorrect'),
        ({"verdict": "bad"}, "use pass, fail, defer, none"),
        ({"model": None}, "«model»: null does not fit"),
        ({"model": {"min": 1}}, "«model» has no min and max"),
        ({"model": []}, "«model» has 0 values"),
        ({"model": {"like": "x"}}, "«model» takes a value, a list"),
        ({"tokens": "many"}, '«tokens»: "many" is no number'),
        ({"tokens": {"min": True}}, "«tokens»: true is no number"),
        ({"tokens": {"min": 9, "max": 1}}, "min 9 is above max 1"),
        ({"tokens": {"min": None}}, "give min, max or both"),
        ({"model": {"not": {"not": "x"}}}, "«not» inside a «not»"),
        ({"groups": [[]]}, "«groups»: write tags"),
        ('{"model": "a", "model": "b"}', "«model» is there twice"),
        ("[1]", "Filters are a JSON object"),
        ("{model: x}", "The filters are no JSON"),
        ("[" * 100_000, "The filters are no JSON"),
        ('{"tokens": {"min": NaN}}', "is no number"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_key(filters: Any, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        Filters.parse(filters)


@pytest.mark.parametrize("key", ["mode", "batch", "annotator", "import"])
def test_a_name_that_does_not_exist_is_refused_with_those_that_do(
    session: Session, lead: Member, key: str
) -> None:
    modes.create(session, lead, "Slip")
    with pytest.raises(Invalid, match=f"«{key}»: this project has no «nope». There are: "):
        found(session, lead, {key: "nope"})


def test_a_url_says_the_same_as_the_json() -> None:
    written = {
        "model": ["a", "b"],
        "tokens": {"min": 100, "max": 900.5},
        "outcome": {"not": "correct"},
        "params.length": {"not": {"max": 3}},
        "params.thinking": True,
        "groups": [["x", "y"], "z"],
        "text": 'say "what"',
    }
    filters = Filters.parse(json.dumps(written))
    assert filters.to_query() == [
        ("groups", "x,y"),
        ("groups", "z"),
        ("model", "a"),
        ("model", "b"),
        ("not:outcome", "correct"),
        ("not:max:params.length", "3"),
        ("params.thinking", "true"),
        ("text", 'say "what"'),
        ("min:tokens", "100"),
        ("max:tokens", "900.5"),
    ]
    assert Filters.from_query(filters.to_query()) == filters


def test_a_form_leaves_empty_what_it_does_not_ask() -> None:
    fields = [
        ("text", " "),
        ("model", ""),
        ("min:tokens", ""),
        ("outcome", "correct"),
        ("sort", "x"),
    ]
    assert Filters.from_query(fields, ignoring=("sort",)).to_json() == {"outcome": "correct"}
    assert not Filters.from_query([])


def test_the_form_s_row_for_any_dimension() -> None:
    def read(**row: str) -> dict[str, Any]:
        return Filters.from_query(row.items()).to_json()

    assert read(dimension="length", value="3", to="") == {"params.length": "3"}
    assert read(dimension="length", value="3", to="8") == {"params.length": {"min": 3, "max": 8}}
    assert read(dimension="length", value="", to="8") == {"params.length": {"max": 8}}
    assert read(dimension="", value="3", to="") == {}
    assert read(dimension="length", value="", to="") == {}


def test_a_url_may_carry_the_json() -> None:
    fields = [("filters", '{"model": "a"}'), ("outcome", "correct")]
    assert Filters.from_query(fields).to_json() == {"model": "a", "outcome": "correct"}


@pytest.mark.parametrize(
    "fields",
    [
        [("model", "a"), ("not:model", "b")],
        [("tokens", "1"), ("min:tokens", "1")],
        [("min:tokens", "1"), ("tokens", "1")],
        [("filters", '{"model": "a"}'), ("model", "b")],
    ],
)
def test_two_ways_at_once_are_refused(fields: list[tuple[str, str]]) -> None:
    with pytest.raises(Invalid, match="in two ways at once"):
        Filters.from_query(fields)


names = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=","), min_size=1
).filter(lambda text: bool(text.strip()))
values = names | st.integers(-(2**50), 2**50) | st.booleans()
bounds = st.floats(-1e15, 1e15)
ranges = st.tuples(bounds, bounds).map(lambda two: {"min": min(two), "max": max(two)})


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "model": names | st.lists(names, min_size=1),
            "tokens": ranges | st.integers(0, 10**9),
            "outcome": st.sampled_from(list(Outcome)).map(str),
            "params.x": values | st.lists(names, min_size=1) | ranges | st.builds(dict, min=bounds),
            "text": names,
            "groups": st.lists(st.lists(names.map(str.strip), min_size=1), min_size=1),
        },
    ),
    st.booleans(),
)
def test_json_and_url_forms_round_trip(written: dict[str, Any], negated: bool) -> None:
    if negated:
        written = {key: {"not": value} for key, value in written.items()}
    filters = Filters.parse(written)
    assert Filters.parse(json.dumps(filters.to_json())) == filters
    assert Filters.from_query(filters.to_query()) == filters
