"""Traces that people's work finds: a verdict, a failure mode, anything that somebody made.

Each kind of work is a statement of trace ids, which may name a trace twice. They are read in one of
three ways: gathered as one list of ids, asked of each trace, or read in the order of the traces up
to so many.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col

from server.models.batch import Round
from server.models.judge import Judge, JudgeVerdict
from server.models.label import GoldLabel, Label, LabelValue
from server.models.note import Note
from server.models.project import Annotator, AnnotatorKind, Member
from server.models.trace import Trace
from server.models.verdict import Verdict
from server.queries import frames
from server.queries.blindness import open_to, visible
from server.queries.paging import Window

Bool = sa.ColumnElement[bool]
Ids = sa.Select[Any]
"""A statement whose first column is the id of a trace."""


class Work(NamedTuple):
    """A kind of work on traces."""

    trace_ids: Ids
    is_in_order: bool = True
    """Whether an index gives them in the order of the traces: the first ones then cost little."""
    in_one_pass: Ids | None = None
    """A statement that finds the same sooner where all are wanted."""

    @property
    def every(self) -> Ids:
        """The traces, where all of them are gathered."""
        return self.trace_ids if self.in_one_pass is None else self.in_one_pass


@dataclass(frozen=True)
class Who:
    """Whose work is meant, where a filter names people or machines."""

    ids: tuple[int, ...]
    is_negated: bool = False
    may_be_machines: bool = True

    def made(self, annotator_id: Any) -> Bool:
        """Whether one of them is the annotator of a row."""
        found: Bool = annotator_id.in_(self.ids)
        return sa.not_(found) if self.is_negated else found


def judged(member: Member, who: Who | None, values: Sequence[str] | None) -> list[Work]:
    """Traces that people, or machines that are named, gave one of these values (None: any)."""
    by_judges = [_by_judges(member, who, values)] if who and who.may_be_machines else []
    return [Work(_by_people(member, who, values)), *map(Work, by_judges)]


def _by_people(member: Member, who: Who | None, values: Sequence[str] | None) -> Ids:
    later = aliased(Verdict)
    last_round = sa.select(sa.func.max(col(Round.id))).where(
        col(Round.project_id) == member.project_id
    )
    exists_later = sa.exists().where(
        col(later.trace_id) == col(Verdict.trace_id),
        col(later.annotator_id) == col(Verdict.annotator_id),
        col(later.round_id) > col(Verdict.round_id),
    )
    # Nothing comes after the last round, so its verdicts need not be looked for one by one.
    superseded = sa.and_(
        col(Verdict.round_id) < last_round.scalar_subquery(), exists_later.correlate(Verdict)
    )
    is_human = col(Annotator.kind) == AnnotatorKind.HUMAN
    return (
        sa.select(col(Verdict.trace_id))
        .join(Annotator, col(Annotator.id) == col(Verdict.annotator_id))
        .where(
            col(Annotator.project_id) == member.project_id,
            is_human if who is None else who.made(col(Verdict.annotator_id)),
            sa.true() if values is None else col(Verdict.value).in_(values),
            sa.or_(col(Verdict.submitted_at).is_not(None), col(Annotator.id) == member.id),
            ~superseded,
            visible(member, col(Verdict.trace_id), col(Verdict.annotator_id)),
        )
    )


def _by_judges(member: Member, who: Who, values: Sequence[str] | None) -> Ids:
    """Verdicts of machines, which count only where the filter asks for them by name."""
    return (
        sa.select(col(JudgeVerdict.trace_id))
        .join(Judge, col(Judge.id) == col(JudgeVerdict.judge_id))
        .where(
            col(Judge.project_id) == member.project_id,
            col(Judge.mode_id).is_(None),
            who.made(col(Judge.annotator_id)),
            sa.true() if values is None else col(JudgeVerdict.value).in_(values),
            open_to(member, col(JudgeVerdict.trace_id)),
        )
    )


def touched(member: Member, who: Who) -> list[Work]:
    """Traces on which one of these annotators made anything."""
    written = [
        sa.select(col(model.trace_id))
        .where(
            who.made(col(model.annotator_id)),
            visible(member, col(model.trace_id), col(model.annotator_id)),
        )
        .distinct()
        for model in (Note, Label)
    ]
    return [*judged(member, who, None), *map(Work, written)]


def with_mode(mode_ids: Collection[int], member: Member) -> list[Work]:
    """Gold says present; else most people do; else, undecided, a note stands under the mode."""
    gold = sa.select(col(GoldLabel.trace_id)).where(
        col(GoldLabel.mode_id).in_(mode_ids),
        col(GoldLabel.value) == LabelValue.PRESENT,
        visible(member, col(GoldLabel.trace_id), col(GoldLabel.decided_by)),
    )
    drafts = frames.drafts(member.project_id, member).order_by(None).subquery()
    draft = sa.select(drafts.c.trace_id).where(drafts.c.mode_id.in_(mode_ids))
    return [Work(gold), _by_most(mode_ids, member), Work(draft, is_in_order=False)]


def _by_most(mode_ids: Collection[int], member: Member) -> Work:
    """Traces on which most people see one of the modes, and nobody has decided."""
    people = sa.select(col(Annotator.id)).where(
        col(Annotator.project_id) == member.project_id, col(Annotator.kind) == AnnotatorKind.HUMAN
    )
    each = aliased(Label)
    score = sa.func.sum(sa.case((col(each.value) == LabelValue.PRESENT, 1), else_=-1))
    votes = sa.select(col(each.mode_id), col(each.trace_id)).where(
        col(each.mode_id).in_(mode_ids),
        col(each.annotator_id).in_(people),
        visible(member, col(each.trace_id), col(each.annotator_id)),
    )
    counted = votes.group_by(col(each.mode_id), col(each.trace_id)).having(score > 0).subquery()
    # Of the few that most people see: whether somebody has decided.
    in_one_pass = sa.select(counted.c.trace_id).where(
        ~_adjudicated(member, counted.c.trace_id, counted.c.mode_id).correlate(counted)
    )
    on_this = votes.with_only_columns(score).where(
        col(each.trace_id) == col(Label.trace_id), col(each.mode_id) == col(Label.mode_id)
    )
    one_by_one = sa.select(col(Label.trace_id)).where(
        col(Label.mode_id).in_(mode_ids),
        col(Label.value) == LabelValue.PRESENT,  # without such a label it can't be most
        on_this.correlate(Label).scalar_subquery() > 0,
        ~_adjudicated(member, col(Label.trace_id), col(Label.mode_id)).correlate(Label),
    )
    return Work(one_by_one, in_one_pass=in_one_pass)


def _adjudicated(member: Member, trace_id: Any, mode_id: Any) -> sa.Exists:
    return sa.exists().where(
        col(GoldLabel.trace_id) == trace_id,
        col(GoldLabel.mode_id) == mode_id,
        visible(member, col(GoldLabel.trace_id), col(GoldLabel.decided_by)),
    )


def asked_of_each(work: Work) -> Bool:
    """Whether work is on a trace, looked for by itself when that trace is reached."""
    (trace_id,) = work.trace_ids.selected_columns
    found = work.trace_ids.where(trace_id == col(Trace.id)).offset(0)  # or it would be gathered
    return sa.exists(found.correlate(Trace))


def nearest(
    kinds: Sequence[Work], others: Sequence[Bool], window: Window, most: int
) -> sa.FromClause:
    """Ids and keys of the first traces of a window in the order of import, no more than so many.

    The first ones of each kind of work hold the first ones of all.

    Args:
        kinds: Kinds of work, one of which has to be there.
        others: What else a trace has to meet.
        window: Where to begin, and in which direction; its size is not looked at.
        most: How many at most.
    """
    each = [sa.select(_first(one, others, window, most).subquery().c.id) for one in kinds]
    ids = sa.union(*each).subquery()
    found = sa.select(ids.c.id, ids.c.id.label("key"))
    return found.cte().prefix_with("MATERIALIZED")


def _first(work: Work, others: Sequence[Bool], window: Window, most: int) -> Ids:
    statement = work.trace_ids
    if not work.is_in_order:
        every = statement.offset(0).subquery()  # or all traces would be gone through
        statement = sa.select(every.c[0])
    (trace_id,) = statement.selected_columns
    is_downwards = window.descending != (window.before is not None)
    place = window.after or window.before
    if place is not None:
        statement = statement.where(trace_id < place.id if is_downwards else trace_id > place.id)
    if others:
        meets = sa.select(col(Trace.id)).where(col(Trace.id) == trace_id, *others).offset(0)
        statement = statement.where(sa.exists(meets))
    ordered = trace_id.desc() if is_downwards else trace_id
    return (
        statement.with_only_columns(trace_id.label("id")).distinct().order_by(ordered).limit(most)
    )
