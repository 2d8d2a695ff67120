"""The codebook: making, wording, merging and retiring failure modes."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from server.db import lock
from server.errors import Conflict, Invalid, NotFound
from server.models.base import stored_id
from server.models.mode import HUES, FailureMode, ModeExample, ModeStatus, ModeVersion
from server.models.project import Member
from server.queries import modes as queries
from server.queries import notes as note_queries
from server.services.events import Decision
from server.services.merged_labels import merge_gold, merge_labels

NAME_LIMIT = 120


@dataclass(frozen=True)
class Wording:
    """What the codebook says of a mode."""

    definition: str = ""
    apply_when: str = ""
    not_when: str = ""
    pass_rule: str = ""
    fail_rule: str = ""


def find(session: Session, member: Member, mode_id: int) -> FailureMode:
    """Return a mode of the member's project.

    Raises:
        NotFound: The project has no such mode, or the member may not learn it yet.
    """
    if not member.sees_modes:
        raise _no_mode(mode_id)
    return _find(session, member, mode_id)


def _no_mode(mode_id: int) -> NotFound:
    return NotFound(f"This project has no failure mode {mode_id}.")


def _find(session: Session, member: Member, mode_id: int) -> FailureMode:
    mode = session.exec(queries.one(member.project_id, mode_id)).first()
    if mode is None:
        raise _no_mode(mode_id)
    return mode


def find_in_use(session: Session, member: Member, mode_id: int) -> FailureMode:
    """Return a mode that notes and labels can go to.

    Raises:
        Conflict: It was merged or retired meanwhile.
    """
    mode = _find(session, member, mode_id)
    if mode.merged_into is not None or mode.status is ModeStatus.RETIRED:
        raise Conflict(f"«{mode.name}» was merged or retired meanwhile: choose another mode.")
    return mode


def add_mode(
    session: Session,
    member: Member,
    decision: Decision,
    name: str,
    wording: Wording = Wording(),
    *,
    status: ModeStatus = ModeStatus.ACTIVE,
) -> FailureMode:
    """Write a new mode and its first version as part of `decision`.

    Raises:
        Invalid: The name is empty, too long, or taken.
    """
    name = free_name(session, member, name)
    mode = decision.add(
        FailureMode(
            project_id=member.project_id,
            created_by=member.id,
            owner_id=member.id,
            name=name,
            colour=_free_colour(session, member),
            status=status,
        )
    )
    decision.add(
        ModeVersion(mode_id=stored_id(mode), number=1, created_by=member.id, **vars(wording))
    )
    return mode


def create(
    session: Session,
    member: Member,
    name: str,
    wording: Wording = Wording(),
) -> FailureMode:
    """Make a failure mode by hand."""
    decision = Decision(session, member, "mode.created")
    mode = add_mode(session, member, decision, name, wording)
    decision.record(f"new failure mode «{mode.name}»")
    return mode


def create_draft(
    session: Session, member: Member, name: str, wording: Wording = Wording()
) -> FailureMode:
    """Make a failure mode that is still to be agreed on; nothing is labelled with it.

    Raises:
        Invalid: The name is empty, too long, or taken.
    """
    decision = Decision(session, member, "mode.created")
    mode = add_mode(session, member, decision, name, wording, status=ModeStatus.DRAFT)
    decision.record(f"new draft failure mode «{mode.name}»")
    return mode


def rename(session: Session, member: Member, mode_id: int, name: str) -> FailureMode:
    """Give a mode another name; its id, colour and history stay."""
    mode = find(session, member, mode_id)
    if mode.name == name.strip():
        return mode
    before = mode.name
    name = free_name(session, member, name, but=mode)
    decision = Decision(session, member, "mode.renamed")
    decision.change(mode, name=name)
    decision.record(f"rename «{before}» to «{name}»")
    return mode


def redefine(
    session: Session,
    member: Member,
    mode_id: int,
    wording: Wording,
    *,
    version: int,
    reason: str = "",
) -> ModeVersion:
    """Write a new version of a mode's definition; labels of older versions become stale.

    Raises:
        Conflict: The definition was changed since `version`; `detail` holds both wordings.
    """
    mode = find(session, member, mode_id)
    lock(session, mode)
    latest = session.exec(queries.versions(mode_id)).first()
    if latest and all(getattr(latest, name) == text for name, text in vars(wording).items()):
        return latest
    if latest is None or latest.number != version:
        raise Conflict(
            f"The definition of «{mode.name}» was changed meanwhile. Yours is kept below: compare.",
            detail={
                "yours": vars(wording),
                "theirs": {name: getattr(latest, name, "") for name in vars(wording)},
                "version": mode.version,
            },
        )
    decision = Decision(session, member, "mode.redefined")
    new = decision.add(
        ModeVersion(
            mode_id=mode_id,
            number=version + 1,
            created_by=member.id,
            reason=reason,
            **vars(wording),
        )
    )
    decision.change(mode, version=version + 1)
    decision.record(f"new definition of «{mode.name}», version {version + 1}")
    return new


def retire(session: Session, member: Member, mode_id: int) -> FailureMode:
    """Take a mode out of use; its notes and labels stay with it, modes under it move up."""
    mode = find_in_use(session, member, mode_id)
    decision = Decision(session, member, "mode.retired")
    raise_children(session, decision, mode, mode.parent_id)
    decision.change(mode, status=ModeStatus.RETIRED)
    decision.record(f"retired «{mode.name}»")
    return mode


def add_example(
    session: Session, member: Member, mode_id: int, note_id: int, *, positive: bool
) -> ModeExample:
    """Show a note in the codebook as an example or a counter-example of a mode.

    Raises:
        Conflict: The codebook shows it for this mode already.
    """
    mode = find(session, member, mode_id)
    note = session.exec(note_queries.one(member.project_id, note_id)).first()
    if note is None:
        raise NotFound(f"This project has no note {note_id}.")
    shown = session.exec(queries.examples(mode_id))
    if known := next((one for one in shown if one.note_id == note_id), None):
        what = "an example" if known.positive else "a counter-example"
        raise Conflict(f"This note is {what} of «{mode.name}» already: remove it there first.")
    decision = Decision(session, member, "example.added")
    example = decision.add(
        ModeExample(
            mode_id=mode_id,
            created_by=member.id,
            note_id=note_id,
            trace_id=note.trace_id,
            step=note.step,
            start=note.start,
            end=note.end,
            quote=note.quote,
            positive=positive,
        )
    )
    decision.record(f"{'example' if positive else 'counter-example'} of «{mode.name}»")
    return example


def remove_example(session: Session, member: Member, mode_id: int, example_id: int) -> None:
    """Take an example out of the codebook."""
    mode = find(session, member, mode_id)
    example = next((e for e in session.exec(queries.examples(mode_id)) if e.id == example_id), None)
    if example is None:
        raise NotFound(f"«{mode.name}» has no example {example_id}.")
    decision = Decision(session, member, "example.removed")
    decision.remove(example)
    decision.record(f"example of «{mode.name}» removed")


def merge(session: Session, member: Member, *, source: int, into: int) -> FailureMode:
    """Merge one mode into another: nothing is deleted, and undo restores it byte for byte.

    Groupings, examples and the modes under it move. A label of the merged mode is present where
    either was present, absent where both were, and unseen elsewhere (per annotator, and for gold
    labels).

    Raises:
        Invalid: Both are the same mode.
    """
    if source == into:
        raise Invalid("A mode can't be merged into itself: choose two.")
    merged = find_in_use(session, member, source)
    target = find_in_use(session, member, into)
    decision = Decision(session, member, "mode.merged")
    for grouping in session.exec(note_queries.groupings_under(source)).all():
        decision.change(grouping, mode_id=into)
    for example in session.exec(queries.examples(source)).all():
        decision.change(example, mode_id=into)
    merge_labels(session, decision, source, target)
    merge_gold(session, decision, source, target)
    if target.parent_id == source:
        decision.change(target, parent_id=merged.parent_id)
    raise_children(session, decision, merged, into)
    decision.change(merged, merged_into=into, status=ModeStatus.RETIRED)
    decision.record(f"merge of «{merged.name}» into «{target.name}»", source=source, into=into)
    return target


def raise_children(
    session: Session, decision: Decision, mode: FailureMode, parent_id: int | None
) -> None:
    """Put the modes right under one that goes out of use elsewhere, as part of `decision`."""
    for child in session.exec(queries.children(stored_id(mode))).all():
        decision.change(child, parent_id=parent_id)


def free_name(
    session: Session, member: Member, name: str, *, but: FailureMode | None = None
) -> str:
    """Return a name for a mode without needless blanks.

    Raises:
        Invalid: It is empty, too long, or the name of a mode in use other than `but`.
    """
    name = " ".join(name.split())
    if not name:
        raise Invalid("The failure mode needs a name: say what goes wrong in a few words.")
    if len(name) > NAME_LIMIT:
        raise Invalid(f"The name has {len(name)} characters; at most {NAME_LIMIT} fit.")
    for mode in _in_use(session, member):
        if mode is not but and mode.name.casefold() == name.casefold():
            raise Invalid(f"There is a failure mode «{mode.name}» already: add the notes to it.")
    return name


def _free_colour(session: Session, member: Member) -> int:
    taken = [mode.colour for mode in _in_use(session, member)]
    return min(range(1, HUES + 1), key=lambda hue: (taken.count(hue), hue))


def _in_use(session: Session, member: Member) -> Sequence[FailureMode]:
    return session.exec(queries.in_use(member.project_id)).all()
