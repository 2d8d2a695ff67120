"""Signals: computed behind every import, again where something changed, seen as one may."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from analysis.reasoning_patterns import ReasoningPattern
from analysis.surface.accuracy import ZONES
from server.db import Database
from server.errors import Invalid
from server.exporters import csv_table
from server.exporters.reading import Source
from server.jobs import Jobs
from server.models.base import stored_id
from server.models.project import Member, View
from server.models.run import AnalysisRun, RunKind, RunStatus
from server.models.signal import Signal
from server.models.trace import Outcome, Step, StepKind, Trace
from server.models.verdict import VerdictValue
from server.queries.filters import CHOICES, Filters
from server.services import projects, runs, signals, verdicts
from server.services.runs import RunContext
from server.settings import Settings
from server.signals import hazards, registry
from server.signals.base import Output, SignalDefinition, SignalPopulation
from server.tasks import FOLLOWED_BY, HANDLERS
from server.views.listings import Span
from server.views.trace_info import trace_infos
from server.views.traces import TraceList, trace_list
from tests.factories import SLUG, make_project, make_trace, member
from tests.server.reader import act_as, page

LOOP = "Let me check the left one and then the right one again. "
WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def fill(database: Database, count: int = 40) -> dict[str, int]:
    """Traces t0, t1 …, 100, 101 … tokens long; the last five are wrong, and one of them loops."""
    make_project(database, traces=0)
    made = {}
    with database.writing() as session:
        project = projects.find(session, SLUG)
        for n in range(count):
            answer = " ".join(random.Random(n).choices(WORDS, k=40 + n))
            trace = make_trace(
                session,
                project,
                f"t{n}",
                ("Count.", LOOP * 20 if n == count - 1 else answer),
                model="m",
                completion_tokens=100 + n,
                content_hash=f"2:hash of {n}",
                outcome=Outcome.INCORRECT if n >= count - 5 else Outcome.CORRECT,
                dimensions={"digits": n % 2},
            )
            made[trace.external_id] = stored_id(trace)
    return made


def told(done: int, total: int | None, text: str) -> None:
    pass


def computed(database: Database, **how: Any) -> signals.Computed:
    with database.reading() as session:
        project_id = stored_id(projects.find(session, SLUG))
    return signals.compute(database, project_id, told, **how)


def values(database: Database, trace_id: int) -> dict[str, float | str | None]:
    with database.reading() as session:
        rows = session.exec(select(Signal).where(Signal.trace_id == trace_id)).all()
        return {row.name: row.label if row.value is None else row.value for row in rows}


@pytest.fixture
def ids(database: Database) -> dict[str, int]:
    made = fill(database)
    computed(database)
    return made


def test_a_trace_is_measured_by_what_the_model_said_itself(database: Database) -> None:
    make_project(database, traces=0)
    with database.writing() as session:
        project = projects.find(session, SLUG)
        trace = make_trace(session, project, "t", ("user text", "first"), duration_s=3.5)
        steps = (
            (StepKind.REASONING, "assistant", "thought", None),
            (StepKind.TOOL_CALL, "assistant", '{"q": 1}', None),
            (StepKind.TOOL_RESULT, "tool", "Error: no such table", None),
            (StepKind.TOOL_CALL, "assistant", "", {"q": 2}),
            (StepKind.ERROR, "", "timed out", None),
            (StepKind.MESSAGE, "user", "more of the user", None),
        )
        session.add_all(
            Step(trace_id=stored_id(trace), position=2 + n, kind=kind, role=role, text=t, data=d)
            for n, (kind, role, t, d) in enumerate(steps)
        )
        trace.step_count = 8
        trace_id = stored_id(trace)
    computed(database)
    own = "\n".join(["first", "thought", '{"q": 1}', '{"q": 2}'])
    found = values(database, trace_id)
    assert (found["bytes"], found["tokens"]) == (len(own), len(own) / 4)
    assert (found["tool_calls"], found["tool_errors"], found["steps"]) == (2, 2, 8)
    assert (found["duration_s"], found["loop_class"]) == (3.5, "no_loop")
    assert "growth_ratio" not in found


def test_without_a_conversation_nothing_is_said_of_the_text(database: Database) -> None:
    make_project(database, traces=0)
    with database.writing() as session:
        project = projects.find(session, SLUG)
        bare = stored_id(make_trace(session, project, "bare", (), completion_tokens=70))
        silent = stored_id(make_trace(session, project, "silent", ("Well?",)))
    computed(database)
    assert values(database, bare) == {"tokens": 70, "steps": 0}
    assert values(database, silent)["loop_class"] == "empty"
    assert computed(database).measured == 0


def test_only_what_changed_is_measured_again(
    database: Database, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert computed(database) == signals.Computed(0, 0, 40)
    with database.writing() as session:
        changed = session.get_one(Trace, ids["t3"])
        changed.content_hash = "2:other"
        rejudged = session.get_one(Trace, ids["t4"])
        rejudged.outcome = Outcome.INCORRECT
        session.add_all([changed, rejudged])
    assert computed(database).measured == 2
    before = registry.digest()
    monkeypatch.setattr(registry, "digest", lambda: f"{before}, newer")
    assert computed(database).measured == 40
    assert computed(database).measured == 0


def test_processes_measure_the_same(database: Database, ids: dict[str, int]) -> None:
    before = values(database, ids["t7"])
    with database.writing() as session:
        session.execute(sa.delete(Signal))
    assert computed(database, workers=2).measured == 40
    assert values(database, ids["t7"]) == before


def test_comparisons_need_thirty_correct_traces_and_follow_outcomes(
    database: Database, ids: dict[str, int]
) -> None:
    assert values(database, ids["t39"])["reasoning_pattern"] == "broken_loop"
    assert values(database, ids["t20"])["reasoning_pattern"] in set(ReasoningPattern)
    # 40 runs, the shortest first: none ends before it, and it is the first of 40 answers.
    assert values(database, ids["t0"])["hazard_percentile"] == pytest.approx(1 / 40)
    assert values(database, ids["t36"])["failure_incidence_at_end"] == pytest.approx(2 / 40)
    with database.writing() as session:
        for name in ("t0", "t1", "t2", "t3", "t4", "t5"):
            trace = session.get_one(Trace, ids[name])
            trace.outcome = Outcome.INCORRECT
            session.add(trace)
    computed(database)
    found = values(database, ids["t10"])
    assert "residual_redundancy" not in found
    assert "reasoning_pattern" not in found
    assert values(database, ids["t39"])["reasoning_pattern"] == "broken_loop"


def test_the_first_view_gives_each_trace_its_zone(database: Database, ids: dict[str, int]) -> None:
    assert "surface_zone" not in values(database, ids["t0"])
    with database.writing() as session:
        project_id = stored_id(projects.find(session, SLUG))
        session.add(
            View(project_id=project_id, name="v", x_dimension="params.digits", y_dimension="")
        )
    computed(database)
    assert values(database, ids["t0"])["surface_zone"] in ZONES


def test_filters_choose_from_the_labels_there_are() -> None:
    assert set(CHOICES["pattern"]) == set(ReasoningPattern)
    assert set(CHOICES["zone"]) == set(ZONES)


def test_a_run_leaves_its_work_to_one_that_is_at_it_and_asks_again_behind_it(
    database: Database, settings: Settings
) -> None:
    fill(database, 3)
    jobs = Jobs.immediate()
    queued: list[int] = []
    jobs.performed_by(queued.append)
    with database.writing() as session:
        lead = member(session)
        first = signals.request(session, jobs, lead)
        assert signals.request(session, jobs, lead).id == first.id
        first.status = RunStatus.RUNNING
        session.add(first)
    with database.writing() as session:
        second = signals.request(session, jobs, member(session))
    assert second.id != first.id
    context = RunContext(
        database, settings, stored_id(second), first.project_id, RunKind.SIGNALS, {}
    )
    assert signals.perform(context) == {"left_to": first.id}
    with database.writing() as session:
        for run, result in ((second, {"left_to": first.id}), (first, {"measured": 3})):
            ended = session.get_one(AnalysisRun, run.id)
            ended.status, ended.result = RunStatus.DONE, result
            session.add(ended)
    with database.writing() as session:
        for follow in FOLLOWED_BY[RunKind.SIGNALS]:
            follow(session, jobs, stored_id(second))
        assert len(queued) == 2
        for follow in FOLLOWED_BY[RunKind.SIGNALS]:
            follow(session, jobs, stored_id(first))
    assert len(queued) == 3


def test_an_import_is_followed_by_signals_and_a_lead_may_ask(
    client: TestClient, database: Database, settings: Settings
) -> None:
    fill(database, 3)
    jobs = Jobs.immediate()
    jobs.performed_by(lambda run_id: runs.perform(database, settings, HANDLERS, run_id))
    with database.writing() as session:
        lead = member(session)
        done = AnalysisRun(project_id=lead.project_id, kind=RunKind.IMPORT, status=RunStatus.DONE)
        session.add(done)
        session.flush()
        signals.request_after(session, jobs, stored_id(done))
    with database.reading() as session:
        asked = select(AnalysisRun).where(AnalysisRun.kind == RunKind.SIGNALS)
        run = session.exec(asked).one()
    assert (run.status, run.result["measured"]) == (RunStatus.DONE, 3)
    answer = client.post(f"/projects/{SLUG}/signals", follow_redirects=False)
    assert answer.headers["location"].startswith(f"/projects/{SLUG}/runs/")


def listed(session: Session, who: Member, columns: Sequence[str] = (), **fields: str) -> TraceList:
    return trace_list(session, who, Filters(), fields, base=f"/projects/{SLUG}", columns=columns)


def test_the_list_shows_and_sorts_by_signals(database: Database, ids: dict[str, int]) -> None:
    with database.reading() as session:
        lead = member(session)
        view = listed(session, lead, sort="-signal.hazard_percentile")
        assert [row.external_id for row in view.rows][:2] == ["t39", "t38"]
        assert [column.label for column in view.columns if column.direction] == ["ended late"]
        (row,) = [row for row in view.rows if row.external_id == "t39"]
        assert [cell.text for cell in row.signals] == ["verbatim loop", "0.05", "1.00"]
        by_loop = listed(session, lead, sort="signal.loop_cycles")
        assert [row.external_id for row in by_loop.rows] == ["t39"]
        assert (by_loop.total, by_loop.left_out, by_loop.sorted_by) == (1, 39, "loop cycles")
        chosen = listed(session, lead, ["none", "loop_period"])
        assert [cell.text for cell in chosen.rows[0].signals] == ["–"]
        with pytest.raises(Invalid, match=r"«mood» is no column.*loop_class"):
            listed(session, lead, ["mood"])
        with pytest.raises(Invalid, match=r"«signal.loop_class» can't be sorted by"):
            listed(session, lead, sort="signal.loop_class")


def test_pages_of_a_list_sorted_by_a_signal_hold_every_trace_once(
    database: Database, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.views.traces.PAGE_SIZE", 7)
    with database.reading() as session:
        lead, seen, fields = member(session), [], {"sort": "signal.steps"}
        while True:
            view = listed(session, lead, **fields)
            seen += [row.external_id for row in view.rows]
            if not view.next:
                break
            fields |= {"after": parsed_query(view.next)["after"]}
    assert seen == list(ids)


def parsed_query(url: str) -> dict[str, str]:
    from urllib.parse import parse_qsl, urlsplit

    return dict(parse_qsl(urlsplit(url).query))


SECRET = ("residual_redundancy", "reasoning_pattern", "hazard_percentile")


def seen_by(session: Session, who: Member, trace_id: int) -> dict[str, set[str]]:
    """The signals of a trace that a member is told, by where they are."""
    (info,) = trace_infos(session, who, Filters.parse({"trace": "t39"}), Span(10)).rows
    source = Source(session, who, [Trace.id == trace_id])
    table = csv_table.layout(source.codebook)
    (record,) = source.traces()
    cells = zip(table.columns, csv_table.values(table, record), strict=True)
    exported = {column.name.removeprefix("signal.") for column, cell in cells if cell is not None}
    offered = {choice.name for choice in listed(session, who).signals.choices}
    return {"api": set(info["signals"]), "export": exported, "list": offered}


def test_what_follows_from_outcomes_waits_for_the_verdict(
    client: TestClient, database: Database, ids: dict[str, int]
) -> None:
    with database.reading() as session:
        lead, alice = member(session), member(session, "Annotator A")
        told = seen_by(session, lead, ids["t39"])
        assert all(set(SECRET) <= names for names in told.values())
        hidden = seen_by(session, alice, ids["t39"])
        assert not any(set(SECRET) & names for names in hidden.values())
        assert all("loop_onset" in names for names in hidden.values())
        for name in SECRET:
            with pytest.raises(Invalid, match="can't be sorted by"):
                listed(session, alice, sort=f"signal.{name}")
            with pytest.raises(Invalid, match="is no column"):
                listed(session, alice, [name])
    act_as(client, "Annotator A")
    path = f"/projects/{SLUG}/read/{ids['t39']}"
    words = page(client, path).words
    assert "loop onset" in words
    assert "ended late" not in words
    with database.writing() as session:
        verdicts.decide(session, member(session, "Annotator A"), ids["t39"], VerdictValue.FAIL)
        verdicts.submit(session, member(session, "Annotator A"), ids["t39"])
    with database.reading() as session:
        opened = seen_by(session, member(session, "Annotator A"), ids["t39"])
    assert set(SECRET) <= opened["api"] & opened["export"]
    assert "ended late" in page(client, path).words


def test_a_cut_trace_is_not_told_to_who_is_blind() -> None:
    known = registry.definitions()["loop_class"]
    assert known.seen("still_productive", sees_outcomes=False) == "no_loop"
    assert known.seen("still_productive", sees_outcomes=True) == "still_productive"
    assert known.seen("counting_loop", sees_outcomes=False) == "counting_loop"
    assert registry.definition_of("of_a_package").from_outcomes


def test_processes_that_load_signals_in_another_order_name_them_in_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = registry.names_of_traces(), registry.of_populations()
    monkeypatch.setattr(registry, "_definitions", dict(reversed(registry.definitions().items())))
    monkeypatch.setattr(registry, "_of_trace", registry._of_trace[::-1])
    monkeypatch.setattr(registry, "_of_population", registry._of_population[::-1])
    assert (registry.names_of_traces(), registry.of_populations()) == before


def test_a_package_may_add_a_signal_and_no_name_is_taken_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = registry.digest()
    monkeypatch.setattr(registry, "_definitions", dict(registry.definitions()))
    monkeypatch.setattr(registry, "_of_trace", [*registry._of_trace])
    asked = SignalDefinition("questions", "questions", "question marks in the output")

    @registry.of_trace(asked)
    def questions(output: Output) -> dict[str, float]:
        return {"questions": output.text.count("?")}

    assert registry.measured(Output("Why? How?"))["questions"] == 2
    assert registry.digest() != before
    with pytest.raises(ValueError, match="two signals are called questions"):
        registry.described(asked)


def test_a_row_says_what_a_signal_means_and_why_there_is_none(
    client: TestClient, ids: dict[str, int]
) -> None:
    shown = page(client, f"/projects/{SLUG}/read/{ids['t39']}")
    rows = {
        row.all("th")[0].words: row
        for row in shown.all("table", class_="table signals")[0].all("tr")
    }
    assert rows["ends in"].words.startswith("ends in verbatim loop how the output ends: it ends by")
    (further,) = [t for t in shown.all("details") if "more" in t.words and "late growth" in t.words]
    assert "late growth – news per KiB" in further.words
    assert "needs an output of 9 KiB or more" in further.words


def test_failures_in_a_surviving_spike_are_told_and_others_are_not() -> None:
    # 300 runs that end correct at 100, 200 … 30,000 tokens, and 30 that fail around 8,192.
    times = [*(100 * n for n in range(1, 301)), *(8150 + n for n in range(30)), 8160, 20_000]
    outcomes = ["correct"] * 300 + ["incorrect"] * 30 + ["correct", "incorrect"]
    frame = pd.DataFrame(
        {"task": "t", "model": "m", "outcome": outcomes, "tokens": times, "token_limit": np.nan}
    )
    found = hazards.in_spike(SignalPopulation(frame))["in_spike"].tolist()
    assert found == [""] * 300 + ["8192"] * 30 + ["", ""]
    capped = frame.assign(token_limit=8200.0)
    assert set(hazards.in_spike(SignalPopulation(capped))["in_spike"]) == {""}
