"""What an endpoint may answer, and what becomes of it: a text or a sentence, never more."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from server.assistant import judging, naming
from server.assistant.chat_completions import ChatCompletions
from server.assistant.check import check_assistant
from server.assistant.protocol import AssistantFailed, AssistantStopped, Message
from server.assistant_settings import AssistantSettings
from tests.model_endpoint import ModelEndpoint, Said, saying

QUESTION = [Message("user", "What is wrong?")]


def assistant(endpoint: ModelEndpoint, **more: Any) -> ChatCompletions:
    url = more.pop("assistant_url", endpoint.url)
    given = {"assistant_url": url, "assistant_model": "tiny-1", **more}
    return ChatCompletions(AssistantSettings(**given))


def test_one_question_gets_one_text(endpoint: ModelEndpoint) -> None:
    endpoint.answer = saying("  A slip. ")
    asked = assistant(endpoint, assistant_key="secret key")
    reply = asked.complete(QUESTION, max_tokens=7)
    assert (reply.text, reply.model) == ("A slip.", "tiny-1")
    assert endpoint.keys == ["Bearer secret key"]
    assert endpoint.asked == [
        {
            "model": "tiny-1",
            "messages": [{"role": "user", "content": "What is wrong?"}],
            "stream": False,
            "max_tokens": 7,
        }
    ]


def test_newer_models_call_the_limit_otherwise(endpoint: ModelEndpoint) -> None:
    def only_newer(asked: dict[str, Any]) -> Said:
        if "max_tokens" in asked:
            return Said(400, b'{"error": {"message": "Use max_completion_tokens."}}')
        return saying(f"{asked['max_completion_tokens']}")

    endpoint.answer = only_newer
    assert assistant(endpoint).complete(QUESTION, max_tokens=7).text == "7"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (Said(401), "refuses the key"),
        (Said(404), "has no model «tiny-1»"),
        (Said(413), "too long"),
        (Said(400, b"{}"), "refuses the question (400)"),
        (Said(302, headers={"Location": "http://127.0.0.1:1/"}), "sends on to elsewhere"),
        (Said(500), "had an error of its own (500)"),
        (Said(429, headers={"Retry-After": "17"}), "Try again in 17 seconds"),
        (Said(429, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), "in 0 seconds"),
        (Said(429, headers={"Retry-After": "soon"}), "Try again in a while"),
        (Said(200, b"<html>"), "no JSON"),
        (Said(200, b"[1]"), "no JSON"),
        (Said(200, b"{}"), "without a message"),
        (Said(200, b'{"choices": [7]}'), "without a message"),
        (Said(200, b'data: {"choices"', {"Content-Type": "text/event-stream"}), "piece by piece"),
        (saying(""), "answered nothing"),
        (saying("no", refusal="I can't."), "declined"),
        (saying("x" * 2_000), "more than 1,024 bytes"),
        (
            Said(200, b'{"choices": [{"message": {"content": "a"}, "finish_reason": "length"}]}'),
            "did not come to an end",
        ),
    ],
)
def test_other_answers_are_sentences(endpoint: ModelEndpoint, said: Said, told: str) -> None:
    endpoint.answer = said
    asked = assistant(endpoint, assistant_reply_bytes=1_024)
    with pytest.raises(AssistantFailed, match=told.replace("(", r"\(").replace(")", r"\)")):
        asked.complete(QUESTION, max_tokens=7)


def test_an_endpoint_that_is_slow_or_away_is_not_waited_for(endpoint: ModelEndpoint) -> None:
    endpoint.may_answer.clear()
    with pytest.raises(AssistantFailed, match="no answer within 1 seconds"):
        assistant(endpoint, assistant_timeout_s=1).complete(QUESTION, max_tokens=7)
    endpoint.may_answer.set()
    away = assistant(endpoint, assistant_url="http://127.0.0.1:1/v1")
    with pytest.raises(AssistantFailed, match="can't be reached just now"):
        away.complete(QUESTION, max_tokens=7)


def test_whoever_waits_may_stop(endpoint: ModelEndpoint) -> None:
    endpoint.may_answer.clear()
    over = threading.Event()
    ended: list[object] = []

    def ask() -> None:
        try:
            assistant(endpoint).complete(QUESTION, max_tokens=7, is_over=over.is_set)
        except AssistantStopped as stopped:
            ended.append(stopped)

    thread = threading.Thread(target=ask)
    thread.start()
    assert endpoint.is_asked.wait(10)
    over.set()
    thread.join(10)
    assert len(ended) == 1
    endpoint.may_answer.set()


def test_the_key_s_file_is_read_each_time(endpoint: ModelEndpoint, tmp_path: Any) -> None:
    file = tmp_path / "key"
    asked = assistant(endpoint, assistant_key_file=str(file))
    with pytest.raises(AssistantFailed, match="FAULTBOOK_ASSISTANT_KEY_FILE"):
        asked.complete(QUESTION, max_tokens=7)
    file.write_text("new\n")
    asked.complete(QUESTION, max_tokens=7)
    assert endpoint.keys == ["Bearer new"]


def test_reaching_it_sends_no_text(endpoint: ModelEndpoint) -> None:
    assert assistant(endpoint).reach() == f"{endpoint.host} has «tiny-1»"
    other = assistant(endpoint, assistant_model="huge-9")
    assert other.reach() == f"{endpoint.host} does not list «huge-9»"
    assert endpoint.asked == []


def test_the_doctor_tells_of_the_model_where_there_is_one(endpoint: ModelEndpoint) -> None:
    found = check_assistant(assistant(endpoint).settings)
    assert found is not None
    assert found.is_usable
    found = check_assistant(assistant(endpoint, assistant_key_file="/nowhere/key").settings)
    assert found is not None
    assert "FAULTBOOK_ASSISTANT_KEY_FILE" in found.told
    assert check_assistant(AssistantSettings()) is None


def test_what_is_not_seen_is_taken_out(endpoint: ModelEndpoint) -> None:
    endpoint.answer = saying("a\u202eb\u200bc\x1b[31md\x00\n\U000e0041e")
    assert assistant(endpoint).complete(QUESTION, max_tokens=7).text == "abc[31md\ne"


@pytest.mark.parametrize(
    ("text", "name", "definition"),
    [
        ('{"name": "Slips", "definition": "A sum is wrong."}', "Slips", "A sum is wrong."),
        ('Sure!\n```json\n{"name": " Two\\nlines ", "definition": 7}\n```', "Two lines", ""),
        (f'{{"name": "{"n" * 300}", "definition": "d"}}', "n" * 119 + "…", "d"),
    ],
)
def test_a_name_is_read_from_an_answer(text: str, name: str, definition: str) -> None:
    assert naming.read(text) == naming.Proposal(name, definition)


@pytest.mark.parametrize("text", ["Slips", "{}", '{"name": ""}', '{"name": ["a"]}', "{" * 9_999])
def test_an_answer_without_a_name_is_none(text: str) -> None:
    with pytest.raises(AssistantFailed, match="no name"):
        naming.read(text)


def test_a_question_stays_within_its_bound_and_says_what_it_leaves_out() -> None:
    notes = [f"note {number} " + "x" * 90 for number in range(100)]
    asked = naming.question(notes, 4_000)
    assert asked.characters <= 4_000
    assert 20 < asked.sent < 40
    assert notes[asked.sent - 1] in asked.messages[1].content
    assert notes[asked.sent] not in asked.messages[1].content
    run = judging.Shown("begins " + "x" * 20_000, "y" * 9_000 + " ends", "wrong", "Fail")
    prompt = judging.question("The criterion.", [run, run], 5_000)
    assert prompt.is_shortened
    assert prompt.characters <= 5_000
    content = prompt.messages[1].content
    assert "begins" in content
    assert "ends" in content
    assert "characters left out" in content


def test_a_draft_is_read_out_of_its_fence() -> None:
    assert judging.read("```markdown\n# Judge\n\nPass or fail.\n```") == "# Judge\n\nPass or fail."
    assert len(judging.read("x" * 50_000)) == judging.DRAFT_CHARACTERS


def forms() -> list[Callable[[], AssistantSettings]]:
    return [
        lambda: AssistantSettings(assistant_url="ftp://model.example"),
        lambda: AssistantSettings(assistant_url="https://me:pw@model.example/v1"),
        lambda: AssistantSettings(assistant_url="https://model.example/v1"),
    ]


@pytest.mark.parametrize("make", forms())
def test_settings_that_do_not_fit_are_refused(make: Callable[[], AssistantSettings]) -> None:
    with pytest.raises(ValueError, match="assistant_"):
        make()
