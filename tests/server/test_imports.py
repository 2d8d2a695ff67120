"""Imports into a database: idempotent, updating in place, resumable, losing nothing."""

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from server.db import Database
from server.errors import Conflict
from server.importers.base import ImportOptions
from server.jobs import Jobs
from server.models.base import stored_id
from server.models.event import Event
from server.models.judge import Judge, JudgeVerdict
from server.models.note import Anchor, Note
from server.models.project import Annotator, AnnotatorKind
from server.models.run import AnalysisRun, RunKind, RunStatus
from server.models.trace import Import, ImportStatus, Outcome, OutcomeSource, Step, Trace
from server.models.verdict import Verdict, VerdictValue
from server.services import events, import_runs, imports, notes, projects, runs, uploads, verdicts
from server.services.import_counts import ImportResult
from server.settings import Settings
from tests.factories import SLUG, make_project, member

DATA = Path(__file__).parents[1] / "data"
Run = Callable[..., ImportResult]


def quiet(_done: int, _total: int | None, _text: str) -> None:
    """Progress that nobody watches."""


@pytest.fixture
def run(database: Database, settings: Settings) -> Run:
    """Import a path into the project `try-me`, made empty."""
    make_project(database, traces=0)

    def import_now(path: Path, progress: import_runs.Progress = quiet, **options: Any):
        return imports.import_path(
            database, settings, SLUG, path, ImportOptions(**options), progress
        )

    return import_now


def chat(external_id: str, *texts: str, **fields: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]
    return {"id": external_id, "messages": messages, **fields}


def write(path: Path, records: list[Any]) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("".join(f"{r if isinstance(r, str) else json.dumps(r)}\n" for r in records))
    return path


def only_trace(session: Session) -> Trace:
    return session.exec(select(Trace)).one()


def counts(result: ImportResult) -> dict[str, int]:
    return {name: count for name, count in result.counts.totals().items() if count}


def test_a_file_is_created_once_and_unchanged_the_second_time(run, database):
    path = DATA / "tau-bench/trajectories.jsonl"
    assert counts(run(path)) == {"read": 2, "created": 2}
    assert counts(run(path)) == {"read": 2, "unchanged": 2}
    with database.reading() as session:
        traces = session.exec(select(Trace).order_by(col(Trace.id))).all()
        assert [(t.external_id, t.outcome, t.model) for t in traces] == [
            ("airline-41-trial2", Outcome.INCORRECT, "gpt-4o"),
            ("airline-41-trial3", Outcome.CORRECT, "gpt-4o"),
        ]
        steps = session.exec(
            select(Step).where(Step.trace_id == traces[0].id).order_by(col(Step.position))
        ).all()
        assert [step.position for step in steps] == list(range(traces[0].step_count))
        assert all(step.text in traces[0].search_text for step in steps)
        call = next(step for step in steps if step.kind == "tool_call")
        assert call.data == json.loads(call.text)


def test_the_answer_has_the_promised_keys(run, tmp_path):
    folder = tmp_path / "set"
    write(folder / "traces.jsonl", [chat("a", "Hi"), "{broken"])
    (folder / "README.md").write_text("about")
    answer = run(folder).as_json()
    counted = ["read", "created", "updated", "unchanged", "refused", "redacted"]
    keys = [*counted, "refused_file", "format"]
    assert list(answer) == [*keys, "seconds", "files"]
    assert (answer["read"], answer["refused"], answer["format"]) == (1, 1, "openai-messages")
    readme, traces = answer["files"]
    assert readme["skipped"]
    assert traces["file"] == "traces.jsonl"
    assert set(keys) < set(traces)
    assert json.loads(json.dumps(answer)) == answer


def test_refused_records_are_kept_with_line_field_and_reason(run, database, settings, tmp_path):
    bad = '{"id": "b", "messages": []}'
    result = run(write(tmp_path / "traces.jsonl", [chat("a", "Hi"), bad, "{broken"]))
    kept = [json.loads(line) for line in Path(result.refused_file).read_text().splitlines()]
    assert [(r["line"], r["field"], r["record"]) for r in kept] == [
        (2, "messages", bad),
        (3, "", "{broken"),
    ]
    assert kept[0]["reason"] == "the list is empty; expected at least one message"
    assert [r.line for r in result.refused_examples] == [2, 3]
    with database.reading() as session:
        row = session.exec(select(Import)).one()
        assert settings.data / row.refused_file == Path(result.refused_file)
        assert (row.status, row.counts["refused"]) == (ImportStatus.DONE, 2)


def test_without_refusals_there_is_no_refused_file(run, settings, tmp_path):
    result = run(write(tmp_path / "traces.jsonl", [chat("a", "Hi")]))
    assert result.refused_file is None
    assert list(settings.refused.iterdir()) == []


def test_a_changed_trace_is_updated_in_place(run, database, tmp_path):
    path = tmp_path / "traces.jsonl"
    run(write(path, [chat("a", "1+1?", "3", "Sure?", "Yes", model="m1"), chat("b", "Hi")]))
    with database.reading() as session:
        ids = session.exec(select(Trace.id).order_by(col(Trace.id))).all()
    result = run(write(path, [chat("a", "1+1?", "2", model="m2"), chat("b", "Hi")]))
    assert counts(result) == {"read": 2, "updated": 1, "unchanged": 1}
    with database.reading() as session:
        assert session.exec(select(Trace.id).order_by(col(Trace.id))).all() == ids
        trace = session.exec(select(Trace).where(Trace.external_id == "a")).one()
        assert (trace.model, trace.step_count, trace.search_text) == ("m2", 2, "1+1?\n2")
        texts = select(Step.text).where(Step.trace_id == trace.id).order_by(col(Step.position))
        assert session.exec(texts).all() == ["1+1?", "2"]


def test_notes_and_verdicts_follow_the_steps_of_an_updated_trace(run, database, tmp_path):
    path = tmp_path / "traces.jsonl"
    run(write(path, [chat("a", "1+1?", "It is 3, surely.", "Sure?", "Yes, I am.")]))
    with database.writing() as session:
        alice, trace_id = member(session, "Annotator A"), stored_id(only_trace(session))
        moved = notes.add_note(session, alice, trace_id, "wrong", anchor=Anchor(1, 6, 7))
        gone = notes.add_note(session, alice, trace_id, "boastful", anchor=Anchor(1, 9, 15))
        whole = notes.add_note(session, alice, trace_id, "asked again", anchor=Anchor(2))
        verdicts.choose_first_failure_step(session, alice, trace_id, 1)
        ids = [stored_id(note) for note in (moved, gone, whole)]
    # The answer moves from step 1 to step 2, behind a system prompt, and loses a word.
    messages = [{"role": "system", "content": "Be brief."}]
    messages += chat("a", "1+1?", "Well: it is 3.", "Sure?", "Yes, I am.")["messages"]
    assert counts(run(write(path, [{"id": "a", "messages": messages}])))["updated"] == 1
    with database.writing() as session:
        moved, gone, whole = (session.get_one(Note, note_id) for note_id in ids)
        assert (moved.step, moved.start, moved.end, moved.quote) == (2, 12, 13, "3")
        assert (gone.step, gone.start, gone.end, gone.quote) == (None, None, None, "surely")
        assert (whole.step, whole.start) == (3, None)
        # Step 1 was an assistant's message and is a user's now: no place is like it.
        assert session.exec(select(Verdict)).one().first_failure_step is None
        event = session.exec(select(Event).where(Event.kind == "anchors.moved")).one()
        assert event.caused_by.startswith("import:")


def test_the_event_log_rebuilds_what_an_import_brought_and_moved(run, database):
    run(DATA / "agentrx")
    with database.writing() as session:
        lead = member(session)
        before = [note.model_dump() for note in session.exec(select(Note).order_by(col(Note.id)))]
        given = session.exec(select(Verdict)).one().model_dump()
        session.execute(sa.delete(Note))
        session.execute(sa.delete(Verdict))
        events.replay(session, lead.project_id)
        after = [note.model_dump() for note in session.exec(select(Note).order_by(col(Note.id)))]
        assert before == after
        assert session.exec(select(Verdict)).one().model_dump() == given


def test_an_outcome_that_a_person_set_is_kept(run, database, tmp_path):
    path = tmp_path / "traces.jsonl"
    run(write(path, [chat("a", "Hi", passed=True)]))
    with database.writing() as session:
        trace = only_trace(session)
        trace.outcome, trace.outcome_source = Outcome.INVALID, OutcomeSource.HUMAN
        session.add(trace)
    run(write(path, [chat("a", "Hi", passed=False, model="new")]))
    with database.reading() as session:
        assert (only_trace(session).outcome, only_trace(session).model) == (Outcome.INVALID, "new")


def test_human_annotations_come_in_as_somebody_elses_notes_and_verdict(run, database):
    result = run(DATA / "agentrx")
    assert counts(result) == {"read": 2, "created": 2}
    with database.reading() as session:
        person = session.exec(select(Annotator).where(Annotator.name == "AgentRx annotator")).one()
        assert person.kind is AnnotatorKind.HUMAN
        found = session.exec(select(Note).order_by(col(Note.id))).all()
        assert {note.annotator_id for note in found} == {person.id}
        # The first note was written on message 21, the second on message 24.
        assert [(note.step, note.is_first_failure) for note in found] == [(20, True), (23, False)]
        verdict = session.exec(select(Verdict)).one()
        assert (verdict.value, verdict.first_failure_step) == (VerdictValue.FAIL, 20)
        assert verdict.submitted_at is not None
        event = session.exec(select(Event)).one()
        assert (event.kind, event.actor_id) == ("annotations.imported", person.id)


def test_annotations_that_come_later_are_added_to_what_is_there(run, database, tmp_path):
    folder = tmp_path / "agentrx"
    folder.mkdir()
    trajectories = (DATA / "agentrx/trajectories.jsonl").read_bytes()
    annotations = (DATA / "agentrx/annotations.jsonl").read_text().splitlines()
    (folder / "trajectories.jsonl").write_bytes(trajectories)
    run(folder)
    (folder / "annotations.jsonl").write_text(annotations[1])
    assert counts(run(folder))["updated"] == 1
    (folder / "annotations.jsonl").write_text("\n".join(annotations))
    assert counts(run(folder))["updated"] == 1
    with database.reading() as session:
        assert len(session.exec(select(Note)).all()) == 2
        assert session.exec(select(Verdict)).one().first_failure_step == 20


def test_a_judges_verdicts_come_in_as_a_marked_machines(run, database):
    path = DATA / "judged-runs/misguided_attention.jsonl.gz"
    run(path)
    run(path)
    with database.reading() as session:
        judge = session.exec(select(Judge)).one()
        machine = session.get_one(Annotator, judge.annotator_id)
        assert (machine.name, machine.kind) == ("LLM judge", AnnotatorKind.MACHINE)
        values = session.exec(select(JudgeVerdict.value).order_by(col(JudgeVerdict.id))).all()
        assert values == ["fail", "fail", "pass", "pass"]
        # A machine's verdict is no person's decision.
        assert session.exec(select(Verdict)).all() == []
        assert session.exec(select(Event)).all() == []


def test_a_judges_changed_mind_replaces_its_verdict(run, database, tmp_path):
    line = gzip.decompress((DATA / "judged-runs/misguided_attention.jsonl.gz").read_bytes())
    record = json.loads(line.splitlines()[0])
    run(write(tmp_path / "traces.jsonl", [record]))
    changed = {**record, "passed": True, "judge_feedback": "On reflection, fine."}
    run(write(tmp_path / "traces.jsonl", [changed]))
    with database.reading() as session:
        verdict = session.exec(select(JudgeVerdict)).one()
        assert (verdict.value, verdict.critique) == (VerdictValue.PASS, "On reflection, fine.")


def test_an_id_in_two_files_of_a_folder_is_read_once_every_time(run, tmp_path):
    folder = tmp_path / "set"
    write(folder / "1.jsonl", [chat("a", "one"), chat("b", "one")])
    write(folder / "2.jsonl", [chat("b", "two"), chat("c", "two")])
    first = run(folder)
    assert counts(first) == {"read": 3, "created": 3, "refused": 1}
    assert "stands in 1.jsonl already" in first.refused_examples[0].reason
    assert counts(run(folder)) == {"read": 3, "unchanged": 3, "refused": 1}


def test_an_unreadable_file_is_a_problem_and_the_others_are_read(run, database, tmp_path):
    folder = tmp_path / "set"
    write(folder / "a.jsonl", [chat("a", "Hi")])
    write(folder / "b.json", ["{}"])
    result = run(folder)
    assert counts(result) == {"read": 1, "created": 1}
    assert len(result.problems) == 1
    assert "b.json is of no known format" in result.problems[0]
    assert "error" in result.as_json()["files"][1]


def test_what_comes_before_the_damage_of_a_file_stays(run, database, tmp_path, monkeypatch):
    monkeypatch.setattr(import_runs, "CHUNK_RECORDS", 100)
    noise = random.Random(0)
    lines = [json.dumps(chat(f"t{n}", f"{noise.random()}")) for n in range(3_000)]
    packed = gzip.compress("\n".join(lines).encode())
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(packed[: len(packed) - 500])
    result = run(path)
    assert "damaged" in result.problems[0]
    with database.reading() as session:
        stored = session.exec(select(sa.func.count(col(Trace.id)))).one()
    assert stored == result.counts.totals()["created"] > 0


def test_cancelling_keeps_finished_chunks_and_says_so(run, database, tmp_path, monkeypatch):
    monkeypatch.setattr(import_runs, "CHUNK_RECORDS", 10)
    path = write(tmp_path / "traces.jsonl", [chat(f"t{n}", "Hi") for n in range(35)])

    def cancel(done: int, _total: int | None, _text: str) -> None:
        if done >= 20:
            raise runs.Cancelled

    with pytest.raises(runs.Cancelled):
        run(path, cancel)
    with database.reading() as session:
        row = session.exec(select(Import)).one()
        assert (row.status, row.counts["created"]) == (ImportStatus.CANCELLED, 20)
        assert len(session.exec(select(Trace)).all()) == 20
    # Run again it goes on, as one import.
    assert counts(run(path)) == {"read": 35, "created": 35}
    with database.reading() as session:
        assert session.exec(select(Import)).one().status is ImportStatus.DONE
        assert len(session.exec(select(Trace)).all()) == 35


def test_a_chunk_that_fails_leaves_nothing_of_itself(run, database, tmp_path, monkeypatch):
    monkeypatch.setattr(import_runs, "CHUNK_RECORDS", 10)
    path = write(tmp_path / "traces.jsonl", [chat(f"t{n}", "Hi") for n in range(30)])
    with database.writing() as session:
        session.execute(
            sa.text(
                "CREATE UNIQUE INDEX one_t15 ON trace (substr(external_id, 1, 3)) "
                "WHERE external_id IN ('t15', 't159')"
            )
        )
    with database.writing() as session:
        # Another project holds the name that the second chunk will clash with.
        other = projects.create(session, "other")
        session.add(Trace(project_id=stored_id(other), external_id="t159"))
    with pytest.raises(sa.exc.IntegrityError):
        run(path)
    with database.writing() as session:
        mine = select(Trace).where(Trace.external_id != "t159")
        assert len(session.exec(mine).all()) == 10
        assert session.exec(select(Import)).one().status is ImportStatus.FAILED
        session.execute(sa.text("DROP INDEX one_t15"))
    assert counts(run(path)) == {"read": 30, "created": 30}


def test_a_dry_run_needs_no_project_and_stores_nothing(tmp_path):
    path = write(tmp_path / "traces.jsonl", [chat("a", "Hi"), "{broken"])
    result = import_runs.dry_run(path, ImportOptions())
    assert counts(result) == {"read": 1, "refused": 1}
    assert result.refused_file is None
    assert [r.line for r in result.refused_examples] == [2]


def test_a_project_that_is_read_only_takes_no_traces(run, database, tmp_path):
    with database.writing() as session:
        project = projects.find(session, SLUG)
        project.read_only = True
        session.add(project)
    with pytest.raises(Conflict, match="read-only"):
        run(write(tmp_path / "traces.jsonl", [chat("a", "Hi")]))


def test_a_staged_upload_is_imported_once_as_a_job(database, settings):
    make_project(database, traces=0)
    stored = settings.uploads / "1" / "rows.csv"
    stored.parent.mkdir(parents=True)
    stored.write_text("frage,antwort,persona\nWie?,So.,neu\n")
    jobs = Jobs.immediate()
    jobs.performed_by(
        lambda run_id: runs.perform(database, settings, {RunKind.IMPORT: uploads.perform}, run_id)
    )
    with database.writing() as session:
        lead = member(session)
        options = ImportOptions(mapping={"input": "frage"})
        row = imports.stage(session, lead, "rows.csv", options, stored_path="uploads/1/rows.csv")
        chosen = ImportOptions(
            mapping={"input": "frage", "output": "antwort"}, dimensions=("persona",)
        )
        imports.choose(session, row, chosen)
        import_id = stored_id(row)
    with database.writing() as session:
        lead = member(session)
        row = imports.find(session, lead, import_id)
        first = imports.request(session, jobs, lead, row)
        assert imports.request(session, jobs, lead, row).id == first.id
    with database.reading() as session:
        run = session.exec(select(AnalysisRun)).one()
        assert (run.status, run.error) == (RunStatus.DONE, "")
        assert run.result["created"] == 1
        row = session.exec(select(Import)).one()
        assert (row.status, row.format, row.run_id) == (ImportStatus.DONE, "table", run.id)
        assert only_trace(session).dimensions == {"persona": "neu"}


@pytest.mark.needs_shared
@pytest.mark.parametrize(
    ("folder", "count"),
    [
        ("tau-bench-airline-gpt4o", 200),
        ("agentrx-tau-retail", 102),
        ("misguided-attention", 3273),
        ("lrm-token-economy", 1495),
    ],
)
def test_a_whole_published_set_is_created_and_then_unchanged(folder, count, run, shared):
    assert counts(run(shared / folder)) == {"read": count, "created": count}
    assert counts(run(shared / folder)) == {"read": count, "unchanged": count}
