"""What the command palette finds in a project: screens, failure modes, batches and traces."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sqlmodel import Session

from server.models.project import Member
from server.queries import batches, modes
from server.queries import trace_lists as queries
from server.search import search_traces
from server.views.lenses.registry import lenses

LIMIT = 20
_FEW = 5
"""How many modes, and how many batches, leave room for traces."""
_SPREAD = 5
"""Characters of a name that each letter of a fuzzy word may take."""
_SCREENS = (
    ("Queue: who reads what", "/queue"),
    ("Coverage of dimensions", "/coverage"),
    ("Sessions: traces of one conversation", "/sessions"),
    ("Transitions: the last good and the first failing state", "/transitions"),
    ("Cold start: dimensions, combinations, inputs", "/cold-start"),
    ("How traces are shown", "/display-profile"),
    ("Outcome rules", "/outcome-rules"),
    ("Redaction", "/redaction"),
    ("Retention", "/retention"),
    ("Models: who fails where", "/models"),
    ("Taxonomies: cohorts that are frozen, and side by side", "/taxonomies"),
    ("Evaluation sets: few tasks that rank models", "/evaluation-sets"),
    ("Thresholds of lenses", "/settings/lenses"),
    ("Members and invitations", "/members"),
    ("Archive or remove the project", "/lifecycle"),
)
"""Screens beside those of the rail."""
_SCREENS_OF_MODES = (
    ("Saturation: how many modes are still to come", "/saturation"),
    ("Prevalence: how common each mode is", "/prevalence"),
    ("Regression: what newly fails between two versions", "/regression"),
    ("Report of the round", "/report"),
    ("Label matrix", "/labels/matrix"),
    ("Stale labels", "/labels/stale"),
    ("Modes that come together", "/modes/together"),
)


class Entry(NamedTuple):
    """A place to go to."""

    label: str
    kind: str
    url: str


def rank(text: str, label: str) -> int | None:
    """How well a name fits: 0 begins so, 1 has it in it, 2 has its letters in order; else None.

    Letters that lie far apart make no fit: long names have nearly all letters in some order.
    """
    wanted, name = text.casefold(), label.casefold()
    if wanted in name:
        return 0 if name.startswith(wanted) else 1
    letters = [letter for letter in wanted if not letter.isspace()]
    first = at = name.find(letters[0])
    for letter in letters[1:]:
        if at >= 0:
            at = name.find(letter, at + 1)
    return None if at < 0 or at - first > _SPREAD * len(letters) else 2


def palette(session: Session, member: Member, text: str, *, base: str) -> list[Entry]:
    """Return screens, modes, batches and traces that fit `text`, few enough to look through.

    Names of screens, modes and batches need its letters in order; traces need it in their id or
    item, or its words (the last may be a beginning) in their conversation.
    """
    text = text.strip()
    if not text or "\0" in text:
        return []
    places = [
        *_best(text, _screens(member, base), LIMIT),
        *_best(text, _modes(session, member, base), _FEW),
        *_best(text, _batches(session, member, base), _FEW),
    ]
    return [*places, *_traces(session, member, text, base, LIMIT - len(places))]


def _best(text: str, entries: Iterable[Entry], count: int) -> list[Entry]:
    ranked = [(found, entry) for entry in entries if (found := rank(text, entry.label)) is not None]
    return [entry for _, entry in sorted(ranked, key=lambda pair: pair[0])[:count]]


def _screens(member: Member, base: str) -> Iterator[Entry]:
    known = [(f"{lens.title}: {lens.asks}", f"/lenses/{name}") for name, lens in lenses().items()]
    more = _SCREENS_OF_MODES if member.sees_modes else ()
    for name, path in (*_SCREENS, *known, *more):
        yield Entry(name, "screen", f"{base}{path}")


def _modes(session: Session, member: Member, base: str) -> Iterator[Entry]:
    if member.sees_modes:
        for mode in session.exec(modes.of_project(member.project_id)):
            if mode.merged_into is None:
                yield Entry(mode.name, "failure mode", f"{base}/modes/{mode.id}")


def _batches(session: Session, member: Member, base: str) -> Iterator[Entry]:
    for batch in session.exec(batches.of_project(member.project_id)):
        yield Entry(batch.name, "batch", f"{base}/traces?batch={batch.id}")


def _traces(session: Session, member: Member, text: str, base: str, count: int) -> Iterator[Entry]:
    named = session.execute(queries.named_like(member.project_id, text, count)).all()
    known = {id_ for id_, *_ in named}
    # A word that is being typed is the beginning of one.
    words = search_traces(text if text.endswith(('"', "*")) else f"{text}*")
    found = queries.named_where(member.project_id, words, count)
    spoken = session.execute(found).all() if len(named) < count else ()
    for id_, name, item in [*named, *(row for row in spoken if row[0] not in known)][:count]:
        label = name if not item or item in name else f"{name} · {item}"
        yield Entry(label, "trace", f"{base}/read/{id_}")
