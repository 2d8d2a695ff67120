"""Whether the language model of the settings can be asked, for whoever looks after the server."""

from dataclasses import dataclass

from server.assistant.chat_completions import ChatCompletions
from server.assistant.protocol import AssistantFailed
from server.assistant_settings import AssistantSettings


@dataclass(frozen=True)
class Finding:
    """What was found of the model's endpoint."""

    is_usable: bool
    told: str


def check_assistant(settings: AssistantSettings) -> Finding | None:
    """Ask the endpoint which models it has, sending no text; None where no model is named."""
    if not settings.assistant_url:
        return None
    try:
        return Finding(is_usable=True, told=ChatCompletions(settings).reach())
    except AssistantFailed as error:
        return Finding(is_usable=False, told=error.message)
