"""Statements behind the exports: a chunk of traces, and what people said about them."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col

from server.models.batch import Batch, Round, Split, SplitItem
from server.models.event import Event
from server.models.grouping import Grouping
from server.models.judge import Judge, JudgeVerdict
from server.models.label import GoldLabel, Label
from server.models.mode import FailureMode, ModeExample, ModeStatus, ModeVersion
from server.models.note import Note
from server.models.project import Annotator, AnnotatorKind, Member
from server.models.sketch import Sketch
from server.models.trace import Import, Step, StepKind, Trace
from server.models.verdict import Verdict, VerdictValue
from server.queries import turns
from server.queries.blindness import modes_shown, open_to, visible

Statement = sa.Select[*tuple[Any, ...]]
Bool = sa.ColumnElement[bool]

_HEAVY = ("search_text", "content_hash", "created_at", "project_id", "import_id")


def as_text(column: Any) -> sa.ColumnElement[str]:
    """A column of names as text: making a member of its enum of each costs more than reading it."""
    return sa.type_coerce(column, sa.String())


def size(where: Sequence[Bool]) -> sa.Select[int]:
    """How many traces meet conditions."""
    return sa.select(sa.func.count(col(Trace.id))).where(*where)


def chunk(member: Member, where: Sequence[Bool], *, after: int, count: int) -> Statement:
    """The next traces behind id `after`, without their search text.

    `is_open` says whether the member may see others' work on them.
    """
    columns = [
        as_text(column).label(column.name) if isinstance(column.type, sa.Enum) else column
        for column in sa.inspect(Trace).columns
        if column.name not in _HEAVY
    ]
    first = aliased(Trace)
    is_repeat = sa.and_(
        col(Sketch.trace_id) == col(Trace.id), col(Sketch.first_trace_id) != col(Trace.id)
    )
    return (
        sa.select(
            *columns,
            col(Import.file_name).label("import"),
            col(Import.is_random_sample).label("is_random_sample"),
            col(first.external_id).label("near_duplicate_of"),
            open_to(member, col(Trace.id)).label("is_open"),
        )
        .outerjoin(Import, col(Import.id) == col(Trace.import_id))
        .outerjoin(Sketch, is_repeat)
        .outerjoin(first, col(first.id) == col(Sketch.first_trace_id))
        .where(*where, col(Trace.id) > after)
        .order_by(col(Trace.id))
        .limit(count)
    )


def modes(member: Member) -> Statement:
    """Modes with a column: all but merged ones, and retired ones that no label holds.

    None for somebody who may not learn them yet.
    """
    labelled = sa.or_(
        *(
            sa.exists().where(col(model.mode_id) == col(FailureMode.id)).correlate(FailureMode)
            for model in (Label, GoldLabel)
        )
    )
    return (
        sa.select(
            col(FailureMode.id),
            col(FailureMode.guid),
            col(FailureMode.name),
            col(FailureMode.version),
        )
        .where(
            col(FailureMode.project_id) == member.project_id,
            modes_shown(member),
            col(FailureMode.merged_into).is_(None),
            sa.or_(col(FailureMode.status) != ModeStatus.RETIRED, labelled),
        )
        .order_by(col(FailureMode.id))
    )


def active_people(member: Member) -> sa.Select[int | None, str]:
    """Id and name of people who judged or labelled what the member may see."""
    judged = [
        sa.exists()
        .where(
            col(model.annotator_id) == col(Annotator.id),
            visible(member, col(model.trace_id), col(model.annotator_id)),
        )
        .correlate(Annotator)
        for model in (Label, Verdict)
    ]
    return (
        sa.select(col(Annotator.id), col(Annotator.name))
        .where(
            col(Annotator.project_id) == member.project_id,
            col(Annotator.kind) == AnnotatorKind.HUMAN,
            sa.or_(*judged),
        )
        .order_by(col(Annotator.id))
    )


def label_counts(member: Member, where: Sequence[Bool]) -> sa.Select[int, int]:
    """How many labels people gave on traces that meet conditions, and how many people."""
    return (
        sa.select(sa.func.count(col(Label.id)), sa.func.count(sa.distinct(col(Label.annotator_id))))
        .join(Trace, col(Trace.id) == col(Label.trace_id))
        .join(Annotator, col(Annotator.id) == col(Label.annotator_id))
        .join(FailureMode, col(FailureMode.id) == col(Label.mode_id))
        .where(
            *where,
            col(Annotator.kind) == AnnotatorKind.HUMAN,
            col(FailureMode.merged_into).is_(None),
            visible(member, col(Label.trace_id), col(Label.annotator_id)),
            modes_shown(member),
        )
    )


def labels(member: Member, trace_ids: Collection[int]) -> Statement:
    """People's labels on these traces, as far as the member may see them."""
    return (
        sa.select(
            col(Label.trace_id),
            col(Label.mode_id),
            as_text(Label.value),
            col(Label.mode_version),
            col(Label.annotator_id),
            col(Annotator.name),
            as_text(Label.source),
            col(Label.created_at),
        )
        .join(Annotator, col(Annotator.id) == col(Label.annotator_id))
        .where(
            col(Label.trace_id).in_(trace_ids),
            col(Annotator.kind) == AnnotatorKind.HUMAN,
            visible(member, col(Label.trace_id), col(Label.annotator_id)),
            modes_shown(member),
        )
        .order_by(col(Label.trace_id), col(Label.mode_id), col(Label.annotator_id))
    )


def gold(member: Member, trace_ids: Collection[int]) -> Statement:
    """Gold labels on these traces."""
    return (
        sa.select(
            col(GoldLabel.trace_id),
            col(GoldLabel.mode_id),
            as_text(GoldLabel.value),
            col(GoldLabel.mode_version),
            col(GoldLabel.decided_by),
            sa.func.coalesce(col(Annotator.name), ""),
            sa.literal("gold"),
            col(GoldLabel.created_at),
            sa.literal(True),
            col(GoldLabel.reason),
        )
        .outerjoin(Annotator, col(Annotator.id) == col(GoldLabel.decided_by))
        .where(
            col(GoldLabel.trace_id).in_(trace_ids),
            visible(member, col(GoldLabel.trace_id), col(GoldLabel.decided_by)),
            modes_shown(member),
        )
        .order_by(col(GoldLabel.trace_id), col(GoldLabel.mode_id))
    )


def notes(member: Member, trace_ids: Collection[int]) -> Statement:
    """Notes on these traces with the mode each stands under."""
    placed = sa.and_(
        col(Grouping.note_id) == col(Note.id),
        visible(member, col(Note.trace_id), col(Grouping.created_by)),
        modes_shown(member),
    )
    return (
        sa.select(
            col(Note.trace_id),
            col(Note.id),
            col(Annotator.name),
            col(Note.text),
            col(Note.step),
            col(Note.start),
            col(Note.end),
            col(Note.quote),
            col(Note.is_first_failure),
            col(Note.is_independent),
            col(Grouping.mode_id),
            col(Note.created_at),
        )
        .join(Annotator, col(Annotator.id) == col(Note.annotator_id))
        .outerjoin(Grouping, placed)
        .where(
            col(Note.trace_id).in_(trace_ids),
            visible(member, col(Note.trace_id), col(Note.annotator_id)),
        )
        .order_by(col(Note.trace_id), col(Note.id))
    )


def verdicts(member: Member, trace_ids: Collection[int]) -> Statement:
    """People's verdicts on these traces, each person's latest round last.

    One's own count from the first press on, others' once they are submitted.
    """
    return (
        sa.select(
            col(Verdict.trace_id),
            col(Verdict.annotator_id),
            col(Annotator.name),
            as_text(Verdict.value),
            col(Verdict.first_failure_step),
            col(Verdict.submitted_at),
            sa.literal(""),
            col(Verdict.reason),
            col(Verdict.minimal_repro),
            turns.number(col(Verdict.trace_id), col(Verdict.first_failure_step)),
        )
        .join(Annotator, col(Annotator.id) == col(Verdict.annotator_id))
        .where(
            col(Verdict.trace_id).in_(trace_ids),
            col(Annotator.kind) == AnnotatorKind.HUMAN,
            sa.or_(col(Verdict.submitted_at).is_not(None), col(Annotator.id) == member.id),
            visible(member, col(Verdict.trace_id), col(Verdict.annotator_id)),
        )
        .order_by(col(Verdict.trace_id), col(Verdict.annotator_id), col(Verdict.round_id))
    )


def failed_at_a_step(member: Member) -> sa.ColumnElement[bool]:
    """Whether a person failed a trace and said at which step, as far as a member may see it."""
    return (
        sa.exists()
        .where(
            col(Verdict.trace_id) == col(Trace.id),
            col(Verdict.value) == VerdictValue.FAIL,
            col(Verdict.first_failure_step).is_not(None),
            col(Annotator.id) == col(Verdict.annotator_id),
            col(Annotator.kind) == AnnotatorKind.HUMAN,
            sa.or_(col(Verdict.submitted_at).is_not(None), col(Annotator.id) == member.id),
            visible(member, col(Verdict.trace_id), col(Verdict.annotator_id)),
        )
        .correlate(Trace)
    )


def steps(trace_ids: Collection[int]) -> sa.Select[int, str, StepKind, str, str, str]:
    """Trace, role, kind, name, text and call id of the steps of these traces, each in order."""
    return (
        sa.select(
            col(Step.trace_id),
            col(Step.role),
            col(Step.kind),
            col(Step.name),
            col(Step.text),
            col(Step.call_id),
        )
        .where(col(Step.trace_id).in_(trace_ids))
        .order_by(col(Step.trace_id), col(Step.position))
    )


def judge_verdicts(member: Member, trace_ids: Collection[int]) -> Statement:
    """What machines say of these traces as a whole."""
    return (
        sa.select(
            col(JudgeVerdict.trace_id),
            col(Judge.annotator_id),
            col(Judge.name),
            as_text(JudgeVerdict.value),
            sa.null(),
            col(JudgeVerdict.created_at),
            col(JudgeVerdict.critique),
        )
        .join(Judge, col(Judge.id) == col(JudgeVerdict.judge_id))
        .where(
            col(JudgeVerdict.trace_id).in_(trace_ids),
            col(Judge.mode_id).is_(None),
            open_to(member, col(JudgeVerdict.trace_id)),
        )
        .order_by(col(JudgeVerdict.trace_id), col(JudgeVerdict.id))
    )


def splits(project_id: int, item_ids: Collection[str]) -> sa.Select[str, str]:
    """The part that each of these items is in."""
    return sa.select(col(SplitItem.item_id), as_text(SplitItem.part)).where(
        col(SplitItem.project_id) == project_id, col(SplitItem.item_id).in_(item_ids)
    )


def dimension_names(where: Sequence[Bool], *, is_sqlite: bool) -> sa.Select[str]:
    """The names of all dimensions of the traces that meet conditions."""
    spread = sa.func.json_each if is_sqlite else sa.func.jsonb_each
    pairs = spread(col(Trace.dimensions)).table_valued("key", joins_implicitly=True)
    return sa.select(pairs.c.key).select_from(Trace).where(*where).distinct().order_by(pairs.c.key)


def dimension_types(where: Sequence[Bool], *, is_sqlite: bool) -> sa.Select[str, str]:
    """The names of all dimensions of these traces with each JSON type that their values have."""
    if is_sqlite:
        pairs = sa.func.json_each(col(Trace.dimensions)).table_valued(
            "key", "type", joins_implicitly=True
        )
        kind: Any = pairs.c.type
    else:
        pairs = sa.func.jsonb_each(col(Trace.dimensions)).table_valued(
            "key", "value", joins_implicitly=True
        )
        is_whole = sa.cast(pairs.c.value, sa.Text()).regexp_match(r"^-?\d+$")
        kind = sa.case((is_whole, "integer"), else_=sa.func.jsonb_typeof(pairs.c.value))
    return sa.select(pairs.c.key, kind).select_from(Trace).where(*where).distinct()


def event_head(project_id: int) -> sa.Select[int | None]:
    """The id of the latest event."""
    return sa.select(sa.func.max(col(Event.id))).where(col(Event.project_id) == project_id)


def split_seed(project_id: int) -> sa.Select[int]:
    """The seed that the project was split with."""
    return sa.select(col(Split.seed)).where(col(Split.project_id) == project_id)


def batches(project_id: int) -> sa.Select[str, str, int]:
    """Name, strategy and seed of every batch, oldest first."""
    return (
        sa.select(col(Batch.name), col(Batch.strategy), col(Batch.seed))
        .join(Round, col(Round.id) == col(Batch.round_id))
        .where(col(Round.project_id) == project_id)
        .order_by(col(Batch.id))
    )


def codebook(member: Member) -> sa.Select[FailureMode]:
    """Every mode, merged and retired ones included, that the member may learn."""
    return (
        sa.select(FailureMode)
        .where(col(FailureMode.project_id) == member.project_id, modes_shown(member))
        .order_by(col(FailureMode.id))
    )


def versions(member: Member) -> sa.Select[ModeVersion, str | None]:
    """Every wording of every mode that the member may learn, with its author, oldest first."""
    return (
        sa.select(ModeVersion, col(Annotator.name))
        .join(FailureMode, col(FailureMode.id) == col(ModeVersion.mode_id))
        .outerjoin(Annotator, col(Annotator.id) == col(ModeVersion.created_by))
        .where(col(FailureMode.project_id) == member.project_id, modes_shown(member))
        .order_by(col(ModeVersion.mode_id), col(ModeVersion.number))
    )


def examples(member: Member, where: Sequence[Bool]) -> sa.Select[ModeExample, str, str | None]:
    """Examples of the modes on traces that meet conditions, with trace and note text."""
    return (
        sa.select(ModeExample, col(Trace.external_id), col(Note.text))
        .join(Trace, col(Trace.id) == col(ModeExample.trace_id))
        .outerjoin(Note, col(Note.id) == col(ModeExample.note_id))
        .where(
            *where,
            visible(member, col(Trace.id), col(ModeExample.created_by)),
            modes_shown(member),
        )
        .order_by(col(ModeExample.mode_id), col(ModeExample.id))
    )
