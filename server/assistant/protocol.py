"""What a language model is asked through: messages in, a plain text out, nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from server.errors import FaultbookError

_BIDIRECTIONAL = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F}
_INVISIBLE = {*range(0x200B, 0x200E), 0x2060, 0xFEFF, *range(0xE0000, 0xE0080)}
_CONTROL = {code for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
_LEFT_OUT = dict.fromkeys((*_BIDIRECTIONAL, *_INVISIBLE, *_CONTROL))


class AssistantFailed(FaultbookError):
    """The model gave no answer that can be used; the sentence says why and what to do."""

    status = 503


class AssistantStopped(Exception):  # it is no error
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class Message:
    """One message of a conversation with a model."""

    role: Literal["system", "user"]
    content: str


@dataclass(frozen=True)
class Reply:
    """What a model said: text, never anything to be run, followed or rendered."""

    text: str
    model: str


class Assistant(Protocol):
    """Something that completes a conversation with a text."""

    @property
    def model(self) -> str:
        """Which model is asked."""
        ...

    @property
    def host(self) -> str:
        """Where the text goes."""
        ...

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        is_over: Callable[[], bool] = lambda: False,
    ) -> Reply:
        """Return what the model says to the messages.

        Raises:
            AssistantFailed: It said nothing that can be used.
            AssistantStopped: `is_over` said so meanwhile.
        """
        ...


def plain(text: str) -> str:
    """Return text without what is not seen or turns other text round."""
    return text.translate(_LEFT_OUT).strip()
