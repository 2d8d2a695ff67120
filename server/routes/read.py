"""Read: one trace at a time with verdict, first failing step and notes."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Response
from pydantic import BaseModel

from server.db import writes
from server.errors import Conflict, FaultbookError, Invalid
from server.models.note import Anchor, Note
from server.models.verdict import VerdictValue
from server.routes.screen import AnnotatorScreen, LeadScreen, Reader, Screen
from server.sampling.wanted import DEFAULT_SIZE
from server.services import batches, notes, readings, traces, verdicts
from server.views import hits
from server.views.batches import begin
from server.views.read import read_page
from server.views.read_notes import Kept
from server.views.reading import Reading, reading
from server.views.step_page import step_page, steps_part
from server.views.token_track import token_track

router = APIRouter(prefix="/projects/{slug}/read", tags=["read"])

PAGE = "read/trace.html"
_VERDICT = ("verdicts", "first_failure", "map", "gutters", "undo_button")
_NOTES = ("notes", "map", "changed", "undo_button")
_SECONDS = 7_200.0
"""Longest reading that is taken for one; a page left open says nothing about pace."""


class NoteForm(BaseModel):
    """The note box: text, the words it is about, and whether to go on to the next trace."""

    text: str = ""
    step: int | None = None
    start: int | None = None
    end: int | None = None
    seconds: float | None = None
    lease: str = ""
    next: bool = False
    again: bool = False

    @property
    def anchor(self) -> Anchor:
        return Anchor(self.step, self.start, self.end)

    @property
    def time(self) -> float | None:
        """Seconds of reading, if the browser measured them."""
        return None if self.seconds is None else min(max(self.seconds, 0.0), _SECONDS)

    def kept(self, message: str) -> Kept:
        """Return what was typed, to go on with."""
        return Kept(self.text, message, step=self.step, start=self.start, end=self.end)


@router.get("")
@writes
def read_next(screen: Reader) -> Response:
    """Go to the next trace of the reader's queue, claimed for them; say so when there is none."""
    trace_id = readings.next_trace_id(screen.session, screen.member, lasting=screen.settings.lease)
    if trace_id is not None:
        return screen.redirect(f"/read/{trace_id}")
    batch = batches.current(screen.session, screen.member)
    view = begin(screen.session, screen.member, batch, DEFAULT_SIZE)
    return screen.show("read/begin.html", view, section="read")


@router.get("/find")
def find(screen: Reader, trace: str = "", beside: int | None = None) -> Response:
    """Go to a trace by its name, or by its number in the batch that `beside` is in."""
    found = readings.locate(screen.session, screen.member, trace, beside=beside)
    return screen.redirect(f"/read/{found}")


@router.get("/{trace_id}")
def show(
    screen: Reader, trace_id: int, first: int | None = None, text: str = "", hit: int = 1
) -> Response:
    """One trace, from step `first` (0-based) on, or around a hit of a search in it."""
    found = _reading(screen, trace_id)
    view = read_page(found, first=first, hits=hits.find(screen.session, trace_id, text, hit))
    return screen.show(PAGE, view, section="read")


@router.get("/{trace_id}/steps")
def more_steps(screen: Reader, trace_id: int, first: int, text: str = "") -> Response:
    """More steps of a long trace."""
    found = _reading(screen, trace_id)
    view = steps_part(found, first=max(first, 0), text=text)
    return screen.show("read/steps.html", view, section="read", blocks=("steps",))


@router.get("/{trace_id}/steps/{position}")
def show_step(screen: Reader, trace_id: int, position: int, raw: bool = False) -> Response:
    """One step, whole: as it is read, or as it was stored."""
    found = _reading(screen, trace_id)
    view = step_page(found, position, raw=raw)
    return screen.show("read/step.html", view, section="read", blocks=("step",))


@router.get("/{trace_id}/steps/{position}/tokens")
def show_tokens(
    screen: Reader, trace_id: int, position: int, first: int = 0, signal: str = ""
) -> Response:
    """The tokens of a step along its text, from token `first` (0-based) on."""
    view = token_track(_reading(screen, trace_id), position, first=first, signal=signal)
    return screen.show("read/tokens.html", view, section="read", blocks=("tokens",))


@router.post("/{trace_id}/verdict")
def decide(
    screen: AnnotatorScreen,
    trace_id: int,
    value: Annotated[VerdictValue, Form()],
    version: Annotated[int | None, Form()] = None,
) -> Response:
    """Give or change one's verdict."""
    before = verdicts.own_verdict(screen.session, screen.member, trace_id)
    failed_at = before.first_failure_step if before else None
    try:
        verdicts.decide(screen.session, screen.member, trace_id, value, version=version)
    except Conflict as refusal:
        return _outdated(screen, trace_id, refusal)
    return _changed(screen, trace_id, _VERDICT, steps=(failed_at,))


@router.post("/{trace_id}/first-failure")
def choose_first_failure(
    screen: AnnotatorScreen,
    trace_id: int,
    step: Annotated[int | None, Form()] = None,
    number: Annotated[int | None, Form()] = None,
) -> Response:
    """Say at which step (0-based, or its number) it first went wrong; none takes it back."""
    step = step if number is None else number - 1
    before = verdicts.own_verdict(screen.session, screen.member, trace_id)
    failed_at = before.first_failure_step if before else None
    verdicts.choose_first_failure_step(screen.session, screen.member, trace_id, step)
    return _changed(screen, trace_id, _VERDICT, steps=(failed_at, step))


@router.post("/{trace_id}/verdict/details")
def describe(
    screen: AnnotatorScreen,
    trace_id: int,
    reason: Annotated[str | None, Form(max_length=2_000)] = None,
    minimal_repro: Annotated[str | None, Form(max_length=100_000)] = None,
) -> Response:
    """Say why one deferred, or with which least input it still fails."""
    verdicts.describe(
        screen.session, screen.member, trace_id, reason=reason, minimal_repro=minimal_repro
    )
    key = "minimal-repro" if reason is None else "reason"
    screen.announce("Saved", undo=True, **_described(f"{key}-{trace_id}-{screen.member.id}"))
    return _changed(screen, trace_id, _VERDICT, message="Saved")


@router.post("/{trace_id}/notes")
def add_note(screen: AnnotatorScreen, trace_id: int, form: Annotated[NoteForm, Form()]) -> Response:
    """Write a note; or keep what is in the box, submit the verdict and go to the next trace."""
    try:
        if form.next:
            with screen.session.begin_nested():
                return _finish(screen, trace_id, form)
        note = _add(screen, trace_id, form)
    except (Conflict, Invalid) as refusal:
        return _kept(screen, trace_id, form.kept(refusal.message), refusal.status)
    screen.announce("Note saved", undo=True, **_sent(screen, trace_id))
    return _changed(screen, trace_id, _NOTES, notes=(note.step,), message="Note saved")


@router.post("/{trace_id}/notes/{note_id}")
def edit_note(
    screen: AnnotatorScreen,
    trace_id: int,
    note_id: int,
    text: Annotated[str, Form()] = "",
    version: Annotated[int, Form()] = 1,
) -> Response:
    """Change the words of one's own note."""
    try:
        note = notes.edit_note(screen.session, screen.member, note_id, text, version=version)
    except (Conflict, Invalid) as refusal:
        kept = _kept_edit(text, note_id, version, refusal)
        return _kept(screen, trace_id, kept, refusal.status)
    screen.announce("Note changed", undo=True, **_edited(note_id))
    return _changed(screen, trace_id, _NOTES, notes=(note.step,), message="Note changed")


@router.post("/{trace_id}/notes/{note_id}/independent")
def mark_independent(
    screen: AnnotatorScreen, trace_id: int, note_id: int, value: Annotated[bool, Form()]
) -> Response:
    """Say whether one's own note tells of a failure that does not follow from the first one."""
    notes.mark_independent(screen.session, screen.member, note_id, value)
    screen.announce("Saved", undo=True)
    return _changed(screen, trace_id, _NOTES, message="Saved")


@router.post("/{trace_id}/notes/{note_id}/remove")
def remove_note(screen: AnnotatorScreen, trace_id: int, note_id: int) -> Response:
    """Take one's own note away."""
    note = notes.remove_note(screen.session, screen.member, note_id)
    screen.announce("Note removed", undo=True)
    return _changed(screen, trace_id, _NOTES, notes=(note.step,), message="Note removed")


@router.post("/{trace_id}/reveal")
def reveal(screen: LeadScreen, trace_id: int) -> Response:
    """Show a lead what others say before they submit; the log keeps that they looked."""
    readings.reveal(screen.session, screen.member, trace_id)
    return screen.redirect(f"/read/{trace_id}")


def _reading(screen: Screen, trace_id: int) -> Reading:
    trace = traces.find(screen.session, screen.member, trace_id)
    return reading(screen.session, screen.member, trace)


def _add(screen: Screen, trace_id: int, form: NoteForm) -> Note:
    return notes.add_note(
        screen.session,
        screen.member,
        trace_id,
        form.text,
        anchor=form.anchor,
        again=form.again,
    )


def _finish(screen: Screen, trace_id: int, form: NoteForm) -> Response:
    readings.finish(
        screen.session,
        screen.member,
        trace_id,
        text=form.text,
        anchor=form.anchor,
        seconds=form.time,
        lease=form.lease,
        again=form.again,
    )
    following = readings.next_trace_id(
        screen.session, screen.member, after=trace_id, lasting=screen.settings.lease
    )
    screen.announce("Saved", **_sent(screen, trace_id))
    return screen.redirect("/read" if following is None else f"/read/{following}")


def _sent(screen: Screen, trace_id: int) -> dict[str, Any]:
    return {"draft:saved": {"key": f"note-{trace_id}-{screen.member.id}"}}


def _described(draft: str) -> dict[str, Any]:
    return {"draft:saved": {"key": draft}}


def _edited(note_id: int) -> dict[str, Any]:
    return {
        "draft:saved": {"key": f"edit-{note_id}"},
        "move-focus": {"id": f"edit-{note_id}-toggle"},
    }


def _outdated(screen: Screen, trace_id: int, refusal: Conflict) -> Response:
    """Show the verdict as it is now, so that it can be decided again."""
    if not screen.wants_fragment:
        raise refusal
    screen.announce(refusal.message)
    kept = Kept("", refusal.message)
    view = read_page(_reading(screen, trace_id), kept=kept)
    return screen.show(PAGE, view, section="read", blocks=(*_VERDICT, "kept"), status=409)


def _changed(
    screen: Screen,
    trace_id: int,
    blocks: tuple[str, ...],
    *,
    steps: tuple[int | None, ...] = (),
    notes: tuple[int | None, ...] = (),
    message: str = "",
) -> Response:
    """Answer with the parts that changed, or go back to the page without JavaScript."""
    screen.save()
    if not screen.wants_fragment:
        return screen.redirect(f"/read/{trace_id}", message=message, undo=bool(message))
    found = _reading(screen, trace_id)
    view = read_page(found, changed_steps=steps, changed_notes=notes)
    return screen.show(PAGE, view, section="read", blocks=blocks)


def _kept_edit(text: str, note_id: int, version: int, refusal: FaultbookError) -> Kept:
    theirs = str(refusal.detail.get("theirs", ""))
    return Kept(text, refusal.message, note_id, theirs, int(refusal.detail.get("version", version)))


def _kept(screen: Screen, trace_id: int, kept: Kept, status: int) -> Response:
    """Show what could not be saved with the reason; nothing typed is lost."""
    blocks: tuple[str, ...] = ("notes",) if kept.note_id is not None else ("kept",)
    focus: dict[str, Any] = {} if kept.note_id is not None else {"move-focus": {"id": "verdict"}}
    screen.announce(kept.message, **focus)
    view = read_page(_reading(screen, trace_id), kept=kept)
    return screen.show(PAGE, view, section="read", blocks=blocks, status=status)
