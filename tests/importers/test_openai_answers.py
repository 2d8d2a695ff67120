"""Answers of OpenAI's APIs and of vLLM: conversations, counts, and log-probabilities."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from server.importers.base import StepDraft, TokensDraft, TraceDraft
from server.importers.content import content_hash
from server.importers.conversations.token_logprobs import read_tokens
from tests.importers.conftest import DATA, Read

ANSWERS = DATA / "import-formats" / "openai-answers"
Reader = Callable[..., Read]


def only(found: Read, name: str = "openai-answers") -> TraceDraft:
    assert found.refused == []
    assert found.format == name
    (draft,) = found.drafts
    return draft


def tokens_of(step: StepDraft) -> TokensDraft:
    assert step.logprobs is not None
    return step.logprobs


def test_a_chat_completion_with_its_request(read_file: Reader) -> None:
    draft = only(read_file(ANSWERS / "chat.jsonl"))
    assert [(step.role, step.text) for step in draft.steps] == [
        ("user", "Hello!"),
        ("assistant", "Hello! How can I assist you today?"),
    ]
    assert (draft.external_id, draft.model, draft.finish_reason) == (
        "chatcmpl-123",
        "gpt-4o-mini",
        "stop",
    )
    assert (draft.prompt_tokens, draft.completion_tokens) == (9, 9)
    tokens = tokens_of(draft.steps[1])
    assert b"".join(tokens.texts).decode() == draft.steps[1].text
    assert tokens.top.shape == (9, 2)
    assert tokens.logprobs[0] == np.float32(-0.31725305)
    assert " assist" not in json.dumps(dict(draft.metadata))


def test_older_completions_have_fewer_or_more_likeliest_tokens(read_file: Reader) -> None:
    draft = only(read_file(ANSWERS / "completions.jsonl"))
    assert draft.steps[0].text == "How warm is it in Zürich?"
    assert (draft.external_id, draft.item_id) == ("weather-1", "weather-1")
    tokens = tokens_of(draft.steps[1])
    assert b"".join(tokens.texts).decode() == draft.steps[1].text == " 7 °C."
    assert (~np.isnan(tokens.top)).sum(axis=1).tolist() == [2, 2, 3, 2]
    assert "decoded_token" not in json.dumps(dict(draft.metadata))


def test_the_responses_api(read_file: Reader) -> None:
    draft = only(read_file(ANSWERS / "responses.jsonl"))
    assert [step.text for step in draft.steps] == ["Answer shortly.", "Is it raining?", "Yes."]
    assert tokens_of(draft.steps[2]).texts == (b"Yes", b".")
    assert draft.completion_tokens == 2


def test_the_output_of_a_batch_has_no_question(read_file: Reader) -> None:
    draft = only(read_file(ANSWERS / "batch.jsonl"))
    assert (draft.external_id, draft.item_id) == ("request-1", "request-1")
    assert [step.role for step in draft.steps] == ["assistant"]
    assert len(tokens_of(draft.steps[0]).texts) == 9


def test_several_choices_are_runs_of_one_item(read_text: Reader) -> None:
    choices = [
        {"index": at, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for at, text in enumerate(("Yes", "No"))
    ]
    answer = {"id": "chatcmpl-9", "object": "chat.completion", "model": "m", "choices": choices}
    found = read_text(
        [{"request": {"messages": [{"role": "user", "content": "?"}]}, "response": answer}]
    )
    assert found.refused == []
    assert [(d.external_id, d.item_id, d.trial, d.steps[-1].text) for d in found.drafts] == [
        ("chatcmpl-9/1", "chatcmpl-9", 1, "Yes"),
        ("chatcmpl-9/2", "chatcmpl-9", 2, "No"),
    ]


def test_messages_may_carry_their_own(read_text: Reader) -> None:
    content = [{"token": "Hi", "logprob": -0.5, "bytes": None, "top_logprobs": []}]
    message = {"role": "assistant", "content": "Hi", "logprobs": {"content": content}}
    odd = {"role": "assistant", "content": "Ho", "logprobs": "none"}
    draft = only(read_text([{"id": "1", "messages": [message, odd]}]), "openai-messages")
    assert tokens_of(draft.steps[0]).top.shape == (1, 0)
    assert draft.steps[1].logprobs is None
    assert draft.metadata == {"message_fields": {"1": {"logprobs": "none"}}}


@pytest.mark.parametrize("mapping", [{}, {"logprobs": "raw.choices.0.logprobs"}])
def test_a_table_has_them_in_a_column(read_text: Reader, mapping: dict[str, str]) -> None:
    logprobs = {"tokens": ["4", "2"], "token_logprobs": [None, -0.1], "top_logprobs": None}
    beside = {"raw": {"choices": [{"logprobs": logprobs}]}} if mapping else {"logprobs": logprobs}
    draft = only(
        read_text([{"id": "1", "question": "?", "output": "42", **beside}], mapping=mapping),
        "table",
    )
    tokens = tokens_of(draft.steps[1])
    assert np.array_equal(
        tokens.logprobs, np.array([np.nan, -0.1], dtype=np.float32), equal_nan=True
    )
    assert "tokens" not in json.dumps(dict(draft.metadata))


def test_what_is_wrong_with_a_token_is_named(read_text: Reader) -> None:
    content = [{"token": "Hi", "logprob": "low"}]
    message = {"role": "assistant", "content": "Hi", "logprobs": {"content": content}}
    found = read_text([{"id": "1", "messages": [message]}])
    assert [one.field for one in found.refused] == ["messages[0].logprobs.content[0].logprob"]
    assert "expected a log-probability" in found.refused[0].reason


def test_a_mapping_to_something_else_refuses_the_record(read_text: Reader) -> None:
    row = {"id": "1", "question": "?", "output": "42", "confidence": 0.4}
    found = read_text([row], mapping={"logprobs": "confidence"})
    assert [one.field for one in found.refused] == ["confidence"]


def test_inspect_logs_keep_them(read_text: Reader) -> None:
    content = [{"token": "4", "logprob": -0.5, "bytes": [52], "top_logprobs": []}]
    said = {"role": "assistant", "content": "4", "id": "m-1"}
    choice = {"message": said, "stop_reason": "stop", "logprobs": {"content": content}}
    sample = {
        "id": 1,
        "epoch": 1,
        "input": "2+2?",
        "target": "4",
        "messages": [{"role": "user", "content": "2+2?"}, said],
        "output": {"model": "m", "choices": [choice]},
    }
    log = {
        "version": 2,
        "status": "success",
        "eval": {"task": "t", "model": "m"},
        "samples": [sample],
    }
    draft = only(read_text(json.dumps(log), "log.json"), "inspect")
    assert tokens_of(draft.steps[1]).texts == (b"4",)


def test_bytes_spelled_out_are_bytes() -> None:
    value = {"tokens": ["bytes:\\xc3", "bytes:\\xa9"], "token_logprobs": [-1, -2]}
    tokens = read_tokens(value, "logprobs")
    assert tokens is not None
    assert b"".join(tokens.texts).decode() == "é"


def test_other_numbers_are_other_content(read_file: Reader, tmp_path: Path) -> None:
    text = (ANSWERS / "chat.jsonl").read_text()
    other = tmp_path / "chat.jsonl"
    other.write_text(text.replace("-3.787621", "-3.7"))
    before, after = only(read_file(ANSWERS / "chat.jsonl")), only(read_file(other))
    assert content_hash(before) != content_hash(after)
    assert content_hash(before) == content_hash(only(read_file(ANSWERS / "chat.jsonl")))


def test_failed_requests_of_a_batch_are_refused_with_the_reason_they_failed_for(
    tmp_path: Path, read_file: Reader
) -> None:
    answer = {
        "id": "c-1",
        "object": "chat.completion",
        "choices": [{"message": {"role": "assistant", "content": "Hi"}}],
    }
    limited = {"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}
    lines = [
        {"custom_id": "a", "response": {"status_code": 200, "body": answer}, "error": None},
        {"custom_id": "b", "response": {"status_code": 429, "body": limited}, "error": None},
        {"custom_id": "c", "response": None, "error": {"code": "batch_expired"}},
    ]
    file = tmp_path / "batch_output.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    found = read_file(file)
    assert found.format == "openai-answers"
    assert [draft.external_id for draft in found.drafts] == ["a"]
    assert [(refused.line, refused.reason) for refused in found.refused] == [
        (2, "the request failed and has no answer: status 429, Rate limit reached"),
        (3, "the request failed and has no answer: batch_expired"),
    ]
