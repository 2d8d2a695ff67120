"""A judge's prompt for each failure mode, with examples of the train part alone."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.few_shots import pick_few_shots
from analysis.trace_clusters import trace_text, word_vectors
from server.exporters.choices import Choices
from server.exporters.evaluators.cases import Case, narrow, read_cases
from server.exporters.evaluators.criteria import FAIL, Criterion, read_criteria
from server.exporters.json_lines import dumps
from server.exporters.reading import Source
from server.exporters.records import Part
from server.models.batch import SplitPart
from server.queries import evaluators as queries

INPUTS = {"input": "all of the run but its last answer", "output": "the last answer of the run"}
_TASK = (
    "You check a recorded run of an AI system for one kind of failure. Judge nothing else, and "
    "only what stands in the run."
)
_ANSWER = (
    "Answer with a JSON object: first `critique`, a few sentences on what in the run speaks for "
    'pass and what for fail; then `result`, either "Pass" or "Fail".'
)
_SCHEMA = {
    "type": "object",
    "properties": {
        "critique": {"type": "string"},
        "result": {"type": "string", "enum": ["Pass", "Fail"]},
    },
    "required": ["critique", "result"],
    "additionalProperties": False,
}
_NO_EXAMPLES = (
    "No examples: they come from the train part of the split alone, and it holds no labelled trace "
    "of this failure mode."
)


@dataclass(frozen=True)
class Example:
    """A labelled trace of the train part, as the judge is shown it."""

    case: Case
    why: str
    critique: str
    result: str

    def as_object(self) -> dict[str, Any]:
        """Return the example as the file names it."""
        return {
            **self.case.names,
            "why": self.why,
            "input": self.case.input,
            "output": self.case.output,
            "critique": self.critique,
            "result": self.result,
        }


def prompts(source: Source, choices: Choices) -> Iterator[tuple[str, str]]:
    """Yield name and text of `judge/<mode>.md` and `.json` for every mode in use."""
    for criterion in read_criteria(source, choices):
        chosen = examples(source, choices, criterion)
        text = _markdown(criterion, choices, chosen)
        yield f"judge/{criterion.key}.md", text
        yield f"judge/{criterion.key}.json", _json(criterion, choices, chosen, text)


def examples(source: Source, choices: Choices, criterion: Criterion) -> list[Example]:
    """Choose examples among the labelled traces of the train part.

    Traces are told apart by the beginnings of what was asked and answered; whole runs are read
    for the chosen ones only.
    """
    one = Choices(choices.filters, choices.labels_by, (criterion.mode.guid,))
    in_train = queries.is_in_part(source.member.project_id, SplitPart.TRAIN)
    train = narrow(source.of_every_part.narrowed(in_train), one)
    labelled = [
        (case.trace.trace_id, trace_text(case.asked, case.output), case.human[criterion.key])
        for case in read_cases(train, one, [criterion])
        if criterion.key in case.human
    ]
    vectors = word_vectors([text for _, text, _ in labelled])
    shots = pick_few_shots(vectors, [value == FAIL for _, _, value in labelled])
    names = [labelled[shot.row][0] for shot in shots]
    chosen = train.narrowed(queries.is_called(names))
    shown = read_cases(chosen, one, [criterion], parts={Part.LABELS, Part.NOTES})
    cases = {case.trace.trace_id: case for case in shown}
    return [
        _example(cases[name], shot.why, criterion) for name, shot in zip(names, shots, strict=True)
    ]


def _example(case: Case, why: str, criterion: Criterion) -> Example:
    is_fail = case.human[criterion.key] == FAIL
    said = list(_reasons(case, criterion, is_fail=is_fail))
    usual = criterion.fail_rule if is_fail else criterion.pass_rule
    verb = "occurs" if is_fail else "does not occur"
    critique = " ".join(said) or usual or f"«{criterion.mode.name}» {verb} in this run."
    return Example(case, why, critique, "Fail" if is_fail else "Pass")


def _reasons(case: Case, criterion: Criterion, *, is_fail: bool) -> Iterator[str]:
    """Yield what people wrote: why gold was decided, and of a failure its notes."""
    mode = criterion.mode.id
    yield from (x.reason for x in case.trace.labels if x.is_gold and x.mode == mode and x.reason)
    if is_fail:
        yield from (note.text for note in case.trace.notes if note.mode == mode)


def _markdown(criterion: Criterion, choices: Choices, examples: Sequence[Example]) -> str:
    inputs = "\n".join(f"- `{name}`: {meaning}" for name, meaning in INPUTS.items())
    slots = "\n\n".join(f"<{name}>\n{{{{{name}}}}}\n</{name}>" for name in INPUTS)
    parts = [
        f"# Judge of «{criterion.mode.name}»",
        f"Version {criterion.mode.version} of the definition. Model: {choices.judge_model}.",
        f"## Task\n\n{_TASK}",
        f"## Criterion\n\n{criterion.text}",
        f"## Inputs\n\n{inputs}",
        "## Examples",
        *([_shown(n, example) for n, example in enumerate(examples, 1)] or [_NO_EXAMPLES]),
        f"## Answer\n\n{_ANSWER}",
        f"## The run to judge\n\n{slots}",
    ]
    return "\n\n".join(parts) + "\n"


def _shown(number: int, example: Example) -> str:
    answer = dumps({"critique": example.critique, "result": example.result})
    return (
        f"### Example {number}\n\n<input>\n{example.case.input}\n</input>\n\n"
        f"<output>\n{example.case.output}\n</output>\n\n{answer}"
    )


def _json(criterion: Criterion, choices: Choices, examples: Iterable[Example], prompt: str) -> str:
    told = {
        **criterion.as_object(),
        "provider": choices.provider,
        "model": choices.model,
        "task": _TASK,
        "inputs": INPUTS,
        "few_shots": [example.as_object() for example in examples],
        "answer": _ANSWER,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "verdict", "strict": True, "schema": _SCHEMA},
        },
        "prompt": prompt,
        "prompt_sha256": hashlib.sha256(prompt.encode()).hexdigest(),
    }
    return dumps(told, indent=1) + "\n"
