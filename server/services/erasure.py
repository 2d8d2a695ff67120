"""Erasing a trace: its words are gone from every table and from the log, ids and counts stay.

An admin (or the local lead of a server without login) erases a trace that holds personal data.
What is left says that something was there, who read it and how it was judged, but no text.
"""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from server.artefacts import text_hash
from server.db import unlink_after_commit
from server.importers.items import is_derived
from server.models.base import stored_id
from server.models.comment import Comment
from server.models.event import Event
from server.models.judge import JudgeVerdict
from server.models.label import GoldLabel
from server.models.mode import ModeExample
from server.models.note import Note
from server.models.project import Member
from server.models.run import Embedding
from server.models.sketch import Sketch
from server.models.token_features import TokenFeatures
from server.models.trace import (
    ERASED,
    Attachment,
    ImportStatus,
    InputTuple,
    Step,
    TokenSeries,
    Trace,
)
from server.models.verdict import GoldVerdict, Verdict
from server.queries import events as event_queries
from server.queries import imports as import_queries
from server.queries import otlp as otlp_queries
from server.queries import traces as trace_queries
from server.services import archive_files, assistant_runs, events, lens_runs, traces
from server.settings import Settings

_TEXTS = {
    "note": ("text", "quote"),
    "mode_example": ("quote",),
    "verdict": ("minimal_repro", "reason"),
    "comment": ("text",),
    "gold_label": ("reason",),
    "gold_verdict": ("reason",),
    "input_tuple": ("input_text",),
}
"""Columns of journaled tables that hold words of or about a trace."""


def erase(session: Session, settings: Settings, member: Member, trace_id: int) -> Event:
    """Erase a trace's words for good; nothing takes this back, and no import brings it back.

    The uploaded file it came in goes, too, with the file of that import's refused records, and so
    do archives of the project that lie on this server, and pages that jobs have kept.

    Raises:
        NotFound: The project has no such trace.
    """
    trace = traces.find(session, member, trace_id)
    notes = session.exec(select(Note).where(Note.trace_id == trace_id)).all()
    texts = [note.text for note in notes]
    _erase_trace(session, settings, trace)
    _erase_files(session, settings, trace)
    for model in (Note, ModeExample, Verdict, Comment, GoldLabel, GoldVerdict):
        _erase_texts(session, model, trace_id)
    inputs = _erase_inputs(session, trace_id)
    _erase_log(session, member, trace_id, inputs)
    assistant_runs.forget(
        session, member.project_id, trace.external_id, [stored_id(note) for note in notes]
    )
    session.execute(
        sa.update(JudgeVerdict)
        .where(col(JudgeVerdict.trace_id) == trace_id, col(JudgeVerdict.critique) != "")
        .values(critique=ERASED)
    )
    session.execute(
        sa.delete(Embedding).where(
            col(Embedding.text_hash).in_([text_hash(text) for text in texts])
        )
    )
    session.flush()
    return events.note_event(
        session,
        member,
        event_queries.ERASED,
        f"erasure of trace {trace.external_id}",
        {"trace_id": trace_id, "notes": len(notes)},
    )


def _erase_trace(session: Session, settings: Settings, trace: Trace) -> None:
    trace.search_text = ""
    trace.answer = trace.target = None
    trace.session_id = trace.source_url = ""
    trace.metadata_ = {}
    trace.dimensions = {}
    trace.tags = []
    trace.content_hash = ERASED
    if is_derived(trace.item_id):
        trace.item_id = ""
    session.add(trace)
    trace_id = stored_id(trace)
    session.execute(sa.delete(Sketch).where(col(Sketch.trace_id) == trace_id))
    for statement in otlp_queries.forget(trace.project_id, trace.external_id):
        session.execute(statement)
    of_trace = sa.select(col(Step.id)).where(col(Step.trace_id) == trace_id)
    session.execute(sa.delete(TokenFeatures).where(col(TokenFeatures.trace_id) == trace_id))
    session.execute(sa.delete(TokenSeries).where(col(TokenSeries.step_id).in_(of_trace)))
    _erase_attachments(session, settings, trace_id)
    for step in session.exec(trace_queries.steps(trace_id)):
        step.text, step.data, step.name = (ERASED if step.text else ""), None, ""
        session.add(step)
    session.flush()


def _erase_files(session: Session, settings: Settings, trace: Trace) -> None:
    archive_files.forget(session, settings, trace.project_id)
    lens_runs.forget_pages(session, settings, trace.project_id)
    if trace.import_id is None:
        return
    rows = session.exec(import_queries.of_project(trace.project_id)).all()
    # Refused records that came in corrected stand in the file of an import of their own.
    for row in rows:
        if trace.import_id not in (row.id, row.counts.get("corrects")):
            continue
        if row.status is not ImportStatus.DONE:
            continue
        files = [settings.data / name for name in (row.stored_path, row.refused_file) if name]
        row.stored_path = row.refused_file = ""
        session.add(row)
        unlink_after_commit(session, files)


def _erase_attachments(session: Session, settings: Settings, trace_id: int) -> None:
    of_trace = select(Step.id).where(Step.trace_id == trace_id)
    for attachment in session.exec(select(Attachment).where(col(Attachment.step_id).in_(of_trace))):
        session.delete(attachment)
        session.flush()
        shared = session.exec(select(Attachment).where(Attachment.sha256 == attachment.sha256))
        if shared.first() is None:
            path = settings.attachments / attachment.sha256
            unlink_after_commit(session, [path])


def _erase_texts(
    session: Session,
    model: type[Note | ModeExample | Verdict | Comment | GoldLabel | GoldVerdict],
    trace_id: int,
) -> None:
    table = str(model.__tablename__)
    for row in session.exec(select(model).where(col(model.trace_id) == trace_id)):
        for column in _TEXTS[table]:
            if getattr(row, column):
                setattr(row, column, ERASED)
        session.add(row)
    session.flush()


def _erase_inputs(session: Session, trace_id: int) -> set[int]:
    """Erase the inputs that the trace answers, and return their ids."""
    rows = session.exec(select(InputTuple).where(InputTuple.trace_id == trace_id)).all()
    for row in rows:
        row.input_text = ERASED
        session.add(row)
    session.flush()
    return {stored_id(row) for row in rows}


def _erase_log(session: Session, member: Member, trace_id: int, inputs: set[int]) -> None:
    """Rewrite every event that holds words of the trace: the one exception to append-only."""
    for event in session.exec(event_queries.log(member.project_id)):
        changes = event.payload.get("changes", [])
        erased = [_without_words(change, trace_id, inputs) for change in changes]
        reason = {"reason": ERASED} if _gives_reason(event, trace_id) else {}
        if erased != changes or reason:
            event.payload = {**event.payload, **reason, "changes": erased}
            event.summary = f"{event.kind.replace('.', ' ')} ({ERASED})"
            session.add(event)
    session.flush()


def _gives_reason(event: Event, trace_id: int) -> bool:
    """Whether an event says why it chose the outcome of the trace."""
    spans = (span for alike in events.alike_of(event) if alike.is_by_hand for span in alike.ids)
    about = any(first <= trace_id <= last for first, last in spans)
    return about and bool(event.payload.get("reason"))


def _without_words(change: dict[str, Any], trace_id: int, inputs: set[int]) -> dict[str, Any]:
    columns = _TEXTS.get(change["table"], ())
    erased = dict(change)
    for side in ("before", "after"):
        row = change[side]
        is_input = change["table"] == "input_tuple" and row is not None and row["id"] in inputs
        if row is not None and columns and (is_input or row.get("trace_id") == trace_id):
            erased[side] = {**row, **{name: ERASED for name in columns if row.get(name)}}
    return erased
