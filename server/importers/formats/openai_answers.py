"""Answers of OpenAI's APIs and of servers that speak like them (vLLM), with their requests.

Read are chat completions, the older completions, the responses API and the output of batches.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

from server.importers import fields, values
from server.importers.base import (
    FieldProblem,
    ImportOptions,
    RawRecord,
    RefusedRecord,
    Sample,
    Source,
    TraceDraft,
)
from server.importers.conversations import model_answers
from server.importers.conversations.message_shapes import openai_style, system_prompt, with_system
from server.importers.conversations.messages import read_messages
from server.importers.conversations.token_logprobs import LOGPROBS, is_logprobs
from server.importers.drafts import read_drafts
from server.importers.files.records import records, sample
from server.importers.registry import importer

Json = dict[str, Any]
_KINDS = frozenset({"chat.completion", "text_completion", "response"})
_WRAPPERS = ("response", "body", "completion", "output")
_SENT = ("messages", "input", "prompt")
_LIMITS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
_READ = frozenset(
    {
        *("id", "object", "created", "created_at", "model", "choices", "output", "usage"),
        *("prompt_logprobs", "prompt_token_ids", "kv_transfer_params", "error"),
    }
)
"""Fields of an answer that have a place in the trace, or repeat the prompt."""
_EMPTY: tuple[Any, ...] = (None, "", [], {})


@importer
class OpenAIAnswers:
    """One answer of the API a line or element, by itself or beside its request."""

    name: ClassVar[str] = "openai-answers"
    title: ClassVar[str] = "Answers of OpenAI's APIs and of vLLM, with log-probabilities"
    generic: ClassVar[bool] = False
    companions: ClassVar[tuple[str, ...]] = ()
    example: ClassVar[str] = (
        '{"id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o-mini", "choices": '
        '[{"index": 0, "message": {"role": "assistant", "content": "Hi!"}, "logprobs": {"content": '
        '[{"token": "Hi", "logprob": -0.4, "bytes": [72, 105], "top_logprobs": '
        '[{"token": "Hi", "logprob": -0.4, "bytes": [72, 105]}, '
        '{"token": "Hello", "logprob": -1.2, "bytes": null}]}, '
        '{"token": "!", "logprob": -0.1, "bytes": [33], "top_logprobs": '
        '[{"token": "!", "logprob": -0.1, "bytes": [33]}, '
        '{"token": ".", "logprob": -3.1, "bytes": [46]}]}]}, "finish_reason": "stop"}]}\n'
    )

    def sniff(self, sample: Sample, options: ImportOptions) -> bool:
        """Recognise objects that are, or hold, an answer of a known kind, some of them failed."""
        objects = [record for record in sample.records if isinstance(record, dict)]
        answered = [_answer(record) is not None for record in objects]
        return any(answered) and all(
            found or _failure(record) for found, record in zip(answered, objects, strict=True)
        )

    def read(self, source: Source, options: ImportOptions) -> Iterator[TraceDraft | RefusedRecord]:
        """Read each answer; several choices of one are so many runs of one item."""
        guessed = fields.guess(sample(source, options), options, with_texts=False)
        convert = partial(_convert, guessed=guessed, options=options)
        found = (one for record in records(source, options) for one in _one_choice_each(record))
        return read_drafts(found, convert, source, options)


def _one_choice_each(record: RawRecord | RefusedRecord) -> Iterator[RawRecord | RefusedRecord]:
    """Yield a record for each choice of an answer; its token counts are those of all of them."""
    value = record.value if isinstance(record, RawRecord) else None
    path = _answer(value) if isinstance(value, dict) else None
    answer = _at(value, path) if isinstance(value, dict) and path is not None else {}
    choices = answer.get("choices")
    if not (isinstance(record, RawRecord) and isinstance(choices, list) and len(choices) > 1):
        yield record
        return
    name = str(record.value.get("custom_id") or answer.get("id") or "")
    for number, choice in enumerate(choices, start=1):
        own = {key: kept for key, kept in answer.items() if key != "usage"}
        own |= {"choices": [choice], "id": f"{name}/{number}" if name else ""}
        told = {"item_id": name, "trial": number} if name else {}
        beside = {key: kept for key, kept in record.value.items() if key != "custom_id"}
        whole = {**told, **beside, "completion": own} if path else {**told, "completion": own}
        if path and path[0] != "completion":
            del whole[path[0]]
        yield RawRecord(record.line, record.text, whole)


def _at(record: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = record
    for key in path:
        found = found[key]
    return found


def _answer(record: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the path to the answer in a record; () where the record is one."""
    if record.get("object") in _KINDS and ("choices" in record or "output" in record):
        return ()
    for key in _WRAPPERS:
        inner = record.get(key)
        path = _answer(inner) if isinstance(inner, Mapping) else None
        if path is not None:
            return (key, *path)
    return None


def _failure(record: Mapping[str, Any]) -> str:
    """Return why a request of a batch has no answer; "" for records of any other kind."""
    if "custom_id" not in record:
        return ""
    response = record.get("response")
    status = response.get("status_code") if isinstance(response, Mapping) else None
    body = response.get("body") if isinstance(response, Mapping) else None
    errors = (record.get("error"), body.get("error") if isinstance(body, Mapping) else None)
    told = next((error for error in errors if error), None)
    if told is None and not (isinstance(status, int) and status >= 400):
        return ""
    reason = told.get("message") or told.get("code") if isinstance(told, Mapping) else told
    words = [f"status {status}" if status else "", str(reason or "")]
    return f"the request failed and has no answer: {', '.join(word for word in words if word)}"


def _convert(record: Json, *, guessed: fields.Guess, options: ImportOptions) -> TraceDraft:
    path = _answer(record)
    if path is None and (failure := _failure(record)):
        raise FieldProblem("response", failure)
    if path is None:
        raise FieldProblem("object", f"expected one of {', '.join(sorted(_KINDS))}")
    answer = _at(record, path)
    asked = _request(record, path)
    messages = [*_sent(asked), *_answered(answer)]
    conversation = read_messages(messages)
    beside = {
        key: value for key, value in record.items() if path and key not in (path[0], "request")
    }
    known = fields.take_apart(beside, guessed, options)
    tokens = model_answers.tokens(answer)
    found = {
        "external_id": str(record.get("custom_id") or answer.get("id") or ""),
        "model": str(answer.get("model") or ""),
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "reasoning_tokens": tokens.reasoning,
        "finish_reason": model_answers.finish_reason(answer),
        "started_at": _time(answer),
        "token_limit": _limit(asked),
    }
    told = {key: value for key, value in known.fields.items() if value not in _EMPTY}
    if record.get("custom_id"):
        told.pop("external_id", None)
        told.setdefault("item_id", str(record["custom_id"]))
    rest = {key: value for key, value in known.rest.items() if key not in (*_SENT, "custom_id")}
    metadata = {**rest, **_kept(answer), **_settings(asked)}
    if conversation.unread:
        metadata["message_fields"] = conversation.unread
    return TraceDraft(
        **fields.with_outcome({**found, **told}),
        steps=conversation.steps,
        metadata={key: value for key, value in metadata.items() if value not in _EMPTY},
    )


def _request(record: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    """Return what was asked: a request beside the answer, or its fields in the record itself."""
    request = record.get("request")
    if isinstance(request, Mapping):
        body = request.get("body")
        return body if isinstance(body, Mapping) else request
    return record if path else {}


def _sent(asked: Mapping[str, Any]) -> list[Json]:
    for key in _SENT:
        if asked.get(key):
            said = openai_style(asked[key], "user") or []
            return with_system(said, system_prompt(asked)) or []
    return []


def _answered(answer: Mapping[str, Any]) -> list[Json]:
    said = [dict(message) for message in openai_style(dict(answer), "assistant") or []]
    if not said:
        said = [{"role": "assistant", "content": None}]
    spoken = [message for message in said if message.get("content")] or said
    for message, logprobs in zip(spoken, _logprobs(answer), strict=False):
        message[LOGPROBS] = logprobs
    return said


def _logprobs(answer: Mapping[str, Any]) -> list[Any]:
    """Return the log-probabilities of each message of an answer, in their order."""
    choices = answer.get("choices")
    if isinstance(choices, list):
        first = choices[0] if choices else None
        return [first.get(LOGPROBS)] if isinstance(first, Mapping) else []
    items = [item for item in answer.get("output") or () if isinstance(item, Mapping)]
    return [_of_parts(item) for item in items if item.get("type") == "message"]


def _of_parts(item: Mapping[str, Any]) -> list[Any] | None:
    """Return the tokens of a message of the responses API, its parts one after another."""
    parts = [part for part in item.get("content") or () if isinstance(part, Mapping)]
    found = [part[LOGPROBS] for part in parts if is_logprobs(part.get(LOGPROBS))]
    return [token for part in found for token in part] or None


def _time(answer: Mapping[str, Any]) -> datetime | None:
    created = answer.get("created") or answer.get("created_at")
    if created is None:
        return None
    return datetime.fromtimestamp(values.number(created, "created"), UTC)


def _limit(asked: Mapping[str, Any]) -> int | None:
    limit = next((asked[key] for key in _LIMITS if asked.get(key) is not None), None)
    return None if limit is None else values.count(limit, "max_tokens")


def _kept(answer: Mapping[str, Any]) -> Json:
    return {key: value for key, value in answer.items() if key not in (*_READ, *_SENT)}


def _settings(asked: Mapping[str, Any]) -> Json:
    """Return how the model was asked, which tells one setting from another."""
    names = ("temperature", "top_p", "top_k", "seed", "top_logprobs", "logprobs", "n", "stop")
    sampler = {name: asked[name] for name in names if asked.get(name) is not None}
    sampler = {key: value for key, value in sampler.items() if not is_logprobs(value)}
    return {"sampler": sampler}
