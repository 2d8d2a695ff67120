"""An OpenAI-compatible endpoint as an assistant: one request, no stream, no tools."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from server.assistant.protocol import (
    Assistant,
    AssistantFailed,
    AssistantStopped,
    Message,
    Reply,
    plain,
)
from server.assistant_settings import AssistantSettings
from server.outgoing import Answer, Bounds, Stopped, TooSlow, Undelivered, ask

_LONGEST_WAIT_S = 24 * 3_600
_NEWER_LIMIT = "max_completion_tokens"
_TELLING = {
    401: "{host} refuses the key: an admin has to look after FAULTBOOK_ASSISTANT_KEY.",
    403: "{host} refuses the key: an admin has to look after FAULTBOOK_ASSISTANT_KEY.",
    404: "{host} has no model «{model}» at this address: an admin has to look after "
    "FAULTBOOK_ASSISTANT_URL and FAULTBOOK_ASSISTANT_MODEL.",
    413: "{host} finds the question too long: an admin may lower "
    "FAULTBOOK_ASSISTANT_TEXT_CHARACTERS.",
}


@dataclass(frozen=True)
class ChatCompletions:
    """The model of the settings."""

    settings: AssistantSettings

    @property
    def model(self) -> str:
        return self.settings.assistant_model

    @property
    def host(self) -> str:
        return urlsplit(self.settings.assistant_url).netloc

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        is_over: Callable[[], bool] = lambda: False,
    ) -> Reply:
        """Return what the model says.

        Raises:
            AssistantFailed: It said nothing that can be used.
            AssistantStopped: `is_over` said so meanwhile.
        """
        asked = {
            "model": self.model,
            "messages": [{"role": one.role, "content": one.content} for one in messages],
            "stream": False,
        }
        answer = self._asked({**asked, "max_tokens": max_tokens}, is_over)
        if answer.status == 400 and _NEWER_LIMIT.encode() in answer.body:
            answer = self._asked({**asked, _NEWER_LIMIT: max_tokens}, is_over)
        return Reply(self._said(self._object(answer)), self.model)

    def reach(self) -> str:
        """Ask which models there are, without sending a text; returns what was found.

        Raises:
            AssistantFailed: It can't be reached, or refuses the key.
        """
        answer = self._sent("GET", "/models", None, lambda: False)
        if answer.status in (401, 403) or answer.status >= 500:
            raise self._unsaid(answer)
        if answer.status != 200 or answer.is_cut:
            return f"{self.host} answers, and does not say which models it has"
        is_listed = self.model.encode() in answer.body
        return f"{self.host} {'has' if is_listed else 'does not list'} «{self.model}»"

    def _asked(self, asked: Mapping[str, Any], is_over: Callable[[], bool]) -> Answer:
        return self._sent("POST", "/chat/completions", orjson.dumps(asked), is_over)

    def _sent(
        self, method: str, path: str, body: bytes | None, is_over: Callable[[], bool]
    ) -> Answer:
        settings = self.settings
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "Faultbook",
        }
        try:
            if secret := settings.assistant_secret:
                headers["Authorization"] = f"Bearer {secret}"
        except OSError as error:
            raise AssistantFailed(
                "The file with the model's key can't be read: an admin has to look after "
                "FAULTBOOK_ASSISTANT_KEY_FILE."
            ) from error
        bounds = Bounds(settings.assistant_timeout_s, settings.assistant_reply_bytes)
        url = f"{settings.assistant_url}{path}"
        try:
            return ask(
                method, url, body, headers, allow_private=True, bounds=bounds, is_over=is_over
            )
        except Stopped as error:
            raise AssistantStopped from error
        except TooSlow as error:
            raise AssistantFailed(
                f"{self.host} gave no answer within {settings.assistant_timeout_s} seconds. Try "
                "again; an admin may raise FAULTBOOK_ASSISTANT_TIMEOUT_S."
            ) from error
        except Undelivered as error:
            raise AssistantFailed(
                f"{self.host} can't be reached just now ({error}). Try again in a while."
            ) from error

    def _object(self, answer: Answer) -> dict[str, Any]:
        if answer.status != 200:
            raise self._unsaid(answer)
        if answer.is_cut:
            raise AssistantFailed(
                f"{self.host} answered more than {self.settings.assistant_reply_bytes:,} bytes, "
                "which were not read. Try again."
            )
        if "event-stream" in answer.headers.get("content-type", ""):
            raise AssistantFailed(
                f"{self.host} answers piece by piece although that was not asked for: an admin has "
                "to name an endpoint that can answer at once."
            )
        try:
            found = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise AssistantFailed(f"{self.host} answered something that is no JSON. Try again.")
        return found

    def _said(self, found: Mapping[str, Any]) -> str:
        choices = found.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        message = first.get("message") if isinstance(first, dict) else None
        if not isinstance(message, dict):
            raise AssistantFailed(f"{self.host} answered without a message. Try again.")
        if message.get("refusal"):
            raise AssistantFailed(f"«{self.model}» declined to answer. Do it by hand.")
        content = message.get("content")
        text = plain(content) if isinstance(content, str) else ""
        if not text:
            raise AssistantFailed(f"«{self.model}» answered nothing. Try again, or do it by hand.")
        if isinstance(first, dict) and first.get("finish_reason") == "length":
            raise AssistantFailed(
                f"«{self.model}» did not come to an end of its answer. Try again, or do it by hand."
            )
        return text

    def _unsaid(self, answer: Answer) -> AssistantFailed:
        if answer.status == 429:
            return self._too_many(answer)
        told = _TELLING.get(answer.status)
        if told is not None:
            return AssistantFailed(told.format(host=self.host, model=self.model))
        if 300 <= answer.status < 400:
            return AssistantFailed(f"{self.host} sends on to elsewhere, which is not followed.")
        whose = "had an error of its own" if answer.status >= 500 else "refuses the question"
        return AssistantFailed(f"{self.host} {whose} ({answer.status}). Try again in a while.")

    def _too_many(self, answer: Answer) -> AssistantFailed:
        wait_s = _wait_s(answer.headers.get("retry-after", ""))
        when = "in a while" if wait_s is None else f"in {wait_s:,} seconds"
        return AssistantFailed(
            f"{self.host} was asked too much just now. Try again {when}.",
            detail={} if wait_s is None else {"retry_after_s": wait_s},
        )


def assistant_of(settings: AssistantSettings) -> Assistant | None:
    """Return whom to ask; None where no admin has set anybody."""
    return ChatCompletions(settings) if settings.assistant_url else None


def _wait_s(told: str) -> int | None:
    """Read `Retry-After`: seconds, or a date."""
    if told.strip().isascii() and told.strip().isdigit():
        return min(int(told.strip()[:9]), _LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(told)
        now = datetime.now(UTC)
        return max(0, min(round((until - now).total_seconds()), _LONGEST_WAIT_S))
    except (TypeError, ValueError):
        return None
