"""Runs as evaluators take them: what went in, what came out, and what people say of it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from server.errors import Invalid
from server.exporters.choices import Choices
from server.exporters.evaluators.criteria import FAIL, PASS, Criterion, read_criteria
from server.exporters.first_turns import StepRecord
from server.exporters.reading import Source
from server.exporters.records import PRESENT, Part, TraceRecord, combine
from server.models.trace import StepKind
from server.queries import evaluators


@dataclass(frozen=True)
class Case:
    """One trace with its run as text and people's values by the key of the criterion."""

    trace: TraceRecord
    input: str
    """All of the run but its output, in order."""
    asked: str
    """What users said, in order."""
    output: str
    """The last message of the assistant, or the answer that was imported."""
    contexts: tuple[str, ...]
    """What was retrieved."""
    human: dict[str, str]
    """pass or fail; criteria that nobody decided are left out."""

    @property
    def reference(self) -> str:
        """The expected answer, where one was imported."""
        target = self.trace.fields.get("target")
        return target if isinstance(target, str) else ""

    @property
    def names(self) -> dict[str, Any]:
        """What a result has to carry to find its trace again."""
        return {
            "trace_id": self.trace.trace_id,
            "item_id": self.trace.fields["item_id"],
            "split": self.trace.split,
        }


def narrow(source: Source, choices: Choices) -> Source:
    """Return the traces that people labelled for the chosen modes; all where that was asked.

    Raises:
        Invalid: A chosen mode or person does not exist.
    """
    person = annotator_id(source, choices)
    criteria = read_criteria(source, choices)
    if not criteria:
        return source.narrowed(sa.false())
    if choices.unlabelled:
        return source
    modes = [criterion.mode.id for criterion in criteria]
    return source.narrowed(evaluators.is_labelled(source.member, modes, person))


def annotator_id(source: Source, choices: Choices) -> int | None:
    """Return whose labels were asked for; None for gold, then the majority.

    Raises:
        Invalid: Nobody whose work the member may see is called that.
    """
    if not choices.labels_by:
        return None
    people = source.codebook.annotators
    same = [one.id for one in people if one.name.casefold() == choices.labels_by.casefold()]
    if not same:
        known = ", ".join(one.name for one in people)
        raise Invalid(f"Nobody here is called «{choices.labels_by}», only {known}.")
    return same[0]


def read_cases(
    source: Source,
    choices: Choices,
    criteria: Sequence[Criterion],
    *,
    most: int | None = None,
    parts: Collection[Part] = (Part.LABELS,),
) -> Iterator[Case]:
    """Read the traces with their runs, a few hundred at a time."""
    person = annotator_id(source, choices)
    for trace, steps in source.runs(source.traces(most=most, parts=parts)):
        yield _case(trace, steps, criteria, person)


def _case(
    trace: TraceRecord, steps: Sequence[StepRecord], criteria: Sequence[Criterion], who: int | None
) -> Case:
    place = next((n for n in reversed(range(len(steps))) if _is_answer(steps[n])), None)
    answer = trace.fields.get("answer")
    said = steps[place].text if place is not None else answer if isinstance(answer, str) else ""
    before = [step for n, step in enumerate(steps) if n != place]
    values = {one.key: value(trace, one, who) for one in criteria}
    return Case(
        trace=trace,
        input=transcript(before),
        asked="\n".join(s.text for s in before if s.kind is StepKind.MESSAGE and s.role == "user"),
        output=said,
        contexts=tuple(s.text for s in steps if s.kind is StepKind.RETRIEVAL and s.text),
        human={key: found for key, found in values.items() if found is not None},
    )


def _is_answer(step: StepRecord) -> bool:
    return step.kind is StepKind.MESSAGE and step.role == "assistant"


def transcript(steps: Sequence[StepRecord]) -> str:
    """Return steps as text, each under who or what it is of; a single message stands alone."""
    told = [step for step in steps if step.text or step.name]
    if len(told) == 1 and told[0].role == "user":
        return told[0].text
    return "\n\n".join(f"[{_heading(step)}]\n{step.text}" for step in told)


def _heading(step: StepRecord) -> str:
    if step.kind is StepKind.MESSAGE:
        kind = step.role or "message"
    else:
        kind = step.kind.value.replace("_", " ")
    return f"{kind}: {step.name}" if step.name else kind


def value(trace: TraceRecord, criterion: Criterion, annotator: int | None) -> str | None:
    """Return pass where people say the failure is absent, fail where it is present."""
    mode = criterion.mode.id
    own = trace.labels_of(mode)
    if not own:
        return None
    if annotator is None:
        found = combine(own, mode).value
    else:
        theirs = (x for x in own if x.annotator_id == annotator and not x.is_gold)
        found = next((label.value for label in theirs), None)
    return None if found is None else FAIL if found == PRESENT else PASS
