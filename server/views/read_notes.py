"""Notes and opinions beside a trace: the reader's own, and those of others where they may see."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from server.models.base import stored_id
from server.models.project import Annotator, AnnotatorKind
from server.models.verdict import Verdict
from server.queries import readings as queries
from server.views.comments import Thread
from server.views.conversation import Annotated
from server.views.gold import LastWordView, last_words
from server.views.judge_page import title_of
from server.views.reading import Reading, Sight

CAUSAL_WORDS = ("because", "probably", "due to", "caused by", "maybe", "presumably")
_CAUSAL = re.compile(rf"\b({'|'.join(CAUSAL_WORDS)})\b", re.IGNORECASE)
Threads = Mapping[int | None, Thread]


@dataclass(frozen=True)
class Kept:
    """Text that could not be saved, to go on with; `note_id` None is the box for a new note."""

    text: str
    message: str
    note_id: int | None = None
    theirs: str = ""
    version: int = 0
    step: int | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True)
class NoteView:
    id: int
    text: str
    quote: str
    place: str
    """Name of the step it is anchored to; empty for the whole run."""
    href: str
    hue: int
    version: int
    sounds_causal: bool
    is_independent: bool
    author: str
    is_machine: bool
    kept: Kept | None
    thread: Thread | None
    """None before others' work may be seen."""


@dataclass(frozen=True)
class OpinionView:
    """What another person or a machine said of the whole trace."""

    author: str
    is_machine: bool
    verdict: str
    place: str
    text: str


@dataclass(frozen=True)
class Others:
    """Others' work on the trace; everything is empty unless `sight` is shown."""

    sight: Sight
    opinions: tuple[OpinionView, ...] = ()
    notes: tuple[NoteView, ...] = ()
    thread: Thread | None = None
    """What is said about the whole trace."""
    last_words: tuple[LastWordView, ...] = ()
    """What a lead decided where people differ."""


def own_notes(found: Reading, said: Threads, kept: Kept | None) -> tuple[NoteView, ...]:
    """Return the reader's notes; `kept` is an edit of one of them that could not be saved."""
    shown = found.annotated[: len(found.own)]
    return tuple(
        _note(
            found,
            item,
            found.member.annotator,
            said,
            kept if kept and kept.note_id == item.note.id else None,
        )
        for item in shown
    )


def _note(
    found: Reading,
    item: Annotated,
    author: Annotator,
    said: Threads,
    kept: Kept | None = None,
) -> NoteView:
    note = item.note
    is_anchored = note.start is not None
    anchor = f"#anchor-{note.id}" if is_anchored else f"#step-{(note.step or 0) + 1}"
    return NoteView(
        id=stored_id(note),
        text=note.text,
        quote=note.quote,
        place="" if note.step is None else f"step {found.outline.label(note.step)}",
        href="" if note.step is None else anchor,
        hue=item.hue,
        version=kept.version if kept else note.version,
        sounds_causal=_CAUSAL.search(note.text) is not None,
        is_independent=note.is_independent,
        author=author.name,
        is_machine=author.kind is AnnotatorKind.MACHINE,
        kept=kept,
        thread=said.get(note.id),
    )


def others_of(found: Reading, said: Threads) -> Others:
    """Return what others say of the trace, as far as the reader may see it now."""
    if found.sight is not Sight.SHOWN:
        return Others(found.sight)
    session, trace_id = found.session, stored_id(found.trace)
    given = session.execute(queries.verdicts_of_others(trace_id, found.member.id)).all()
    opinions = [_opinion(found, verdict, author) for verdict, author in given]
    opinions += [
        OpinionView(
            title_of(judge), True, said.value.value, f"on «{mode}»" if mode else "", said.critique
        )
        for said, judge, mode in session.execute(queries.judge_verdicts(trace_id)).all()
        if mode is None or found.member.sees_modes
    ]
    shown = found.annotated[len(found.own) :]
    return Others(
        sight=found.sight,
        opinions=tuple(opinions),
        notes=tuple(
            _note(found, item, author, said)
            for item, (_, author) in zip(shown, found.foreign, strict=True)
        ),
        thread=said.get(None),
        last_words=last_words(session, found.member, trace_id),
    )


def _opinion(found: Reading, verdict: Verdict, author: Annotator) -> OpinionView:
    step = verdict.first_failure_step
    turn = "" if step is None else found.outline.turn(step)
    return OpinionView(
        author=author.name,
        is_machine=author.kind is AnnotatorKind.MACHINE,
        verdict=verdict.value.value,
        place=""
        if step is None
        else f"first failing step {found.outline.label(step)}{', ' if turn else ''}{turn}",
        text="",
    )
