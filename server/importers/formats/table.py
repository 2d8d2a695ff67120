"""Any CSV, and any JSON lines without messages: columns by mapping or by their common names."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from server.importers import fields, values
from server.importers.base import (
    FieldProblem,
    ImportOptions,
    RefusedRecord,
    Sample,
    Source,
    TraceDraft,
    UnreadableSource,
)
from server.importers.conversations.messages import Conversation, read_messages
from server.importers.conversations.token_logprobs import LOGPROBS, of_last_answer, of_record
from server.importers.drafts import TEXT_FIELDS, read_drafts
from server.importers.files import strict_json
from server.importers.files.records import records, sample
from server.importers.formats.openai_messages import is_conversation
from server.importers.paths import lookup
from server.importers.registry import importer


@importer
class Table:
    """One row or object is one trace: its input and output become messages."""

    name: ClassVar[str] = "table"
    title: ClassVar[str] = "CSV or JSON lines with your own fields"
    generic: ClassVar[bool] = True
    companions: ClassVar[tuple[str, ...]] = ()
    example: ClassVar[str] = (
        "id,question,answer,model,passed,persona\n"
        "row-1,How do I locate my card?,It is under Settings.,gpt-4o,1,new customer\n"
    )

    def sniff(self, sample: Sample, options: ImportOptions) -> bool:
        """Recognise columns with a mapped or commonly named text, and no list of messages."""
        objects = [record for record in sample.records if isinstance(record, dict)]
        maps_messages = bool(sample.columns) and "messages" in options.mapping
        if not objects or (not maps_messages and any(is_conversation(r, options) for r in objects)):
            return False
        if TEXT_FIELDS & options.mapping.keys():
            return True
        guessed = fields.guess(sample, options, with_texts=True)
        return bool(TEXT_FIELDS & fields.columns_found(guessed, sample).keys())

    def read(self, source: Source, options: ImportOptions) -> Iterator[TraceDraft | RefusedRecord]:
        """Read each row; in CSV an empty cell is a missing value."""
        first = sample(source, options)
        _check_columns(first, source, options)
        guessed = fields.guess(first, options, with_texts=True)

        def convert(record: dict[str, Any]) -> TraceDraft:
            return self._convert(record, guessed, options)

        dimension = values.spelled_dimension if first.columns else values.dimension
        return read_drafts(records(source, options), convert, source, options, dimension=dimension)

    def _convert(
        self, record: dict[str, Any], guessed: fields.Guess, options: ImportOptions
    ) -> TraceDraft:
        known = fields.take_apart(record, guessed, options)
        logprobs = of_record(record, options)
        conversation = _conversation(record, known.texts, options, logprobs)
        metadata = dict(known.rest)
        if logprobs is not None:
            metadata.pop(LOGPROBS, None)
        if conversation.unread:
            metadata["message_fields"] = conversation.unread
        return TraceDraft(
            **{"external_id": "", **fields.with_outcome(known.fields)},
            steps=conversation.steps,
            metadata=metadata,
        )


def _check_columns(first: Sample, source: Source, options: ImportOptions) -> None:
    """Refuse a path into a column that a CSV does not have, before anything is read."""
    paths = {path for path in (*options.mapping.values(), *options.dimensions) if path}
    asked = {p for p in paths if p not in first.columns and p.split(".")[0] not in first.columns}
    if first.columns and asked:
        names = ", ".join(f"«{path}»" for path in sorted(asked))
        raise UnreadableSource(
            f"{source.shown_name} has no column {names}. Columns: {', '.join(first.columns)}."
        )


def _conversation(
    record: Mapping[str, Any], guessed: Mapping[str, str], options: ImportOptions, logprobs: Any
) -> Conversation:
    if "messages" in options.mapping:
        path = options.mapping["messages"]
        said = _parsed(lookup(record, path), path, options)
        if logprobs is not None and isinstance(said, list):
            said = of_last_answer(said, logprobs)
        return read_messages(said, path)
    texts = dict(guessed)
    for field in TEXT_FIELDS & options.mapping.keys():
        path = options.mapping[field]
        value = lookup(record, path)
        if value not in (None, ""):
            texts[field] = values.written(value, path)
    if not texts.keys() & {"input", "output"}:
        asked = sorted(options.mapping[field] for field in TEXT_FIELDS & options.mapping.keys())
        nowhere = f": nothing stands at «{'», «'.join(asked)}»" if asked else ""
        reason = f"the row has neither an input nor an output text{nowhere}"
        raise FieldProblem("output", reason)
    messages: list[dict[str, str | None]] = [
        {"role": role, "content": texts[field]}
        for field, role in (("system", "system"), ("input", "user"))
        if field in texts
    ]
    if texts.keys() & {"output", "reasoning"}:
        output, reasoning = texts.get("output"), texts.get("reasoning")
        messages.append({"role": "assistant", "content": output, "reasoning": reasoning})
    return read_messages(messages if logprobs is None else of_last_answer(messages, logprobs))


def _parsed(value: Any, path: str, options: ImportOptions) -> Any:
    """Return a list of messages, which a CSV cell holds as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return strict_json.parse(value, max_depth=options.max_depth)
    except FieldProblem as problem:
        raise FieldProblem(path, problem.reason) from None
