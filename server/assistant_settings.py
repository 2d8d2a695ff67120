"""Settings of the help by a language model; without an address there is none of it."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo, field_validator

from server.oidc_settings import secret_of


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    fits = parts.scheme in ("http", "https") and parts.hostname and not parts.username
    if url and (not fits or parts.query or parts.fragment):
        raise ValueError("give an http(s):// address without user, ? and #, such as .../v1")
    return url.rstrip("/")


class AssistantSettings(BaseModel):
    """The part of the settings that is about a language model's help."""

    assistant_url: Annotated[str, AfterValidator(_endpoint)] = Field(
        default="",
        description="Address of an OpenAI-compatible endpoint, up to /v1; empty: no help.",
    )
    assistant_model: str = Field(
        default="", validate_default=True, description="Which of its models is asked."
    )
    assistant_key: str = Field(default="", repr=False, description="The key it asks for, if any.")
    assistant_key_file: str = Field(default="", description="File that holds the key, instead.")
    assistant_timeout_s: int = Field(
        default=60, ge=1, le=600, description="How long an answer may take, in seconds."
    )
    assistant_reply_bytes: int = Field(
        default=256 * 1024, ge=1_024, description="Largest answer that is read."
    )
    assistant_text_characters: int = Field(
        default=24_000, ge=1_000, description="Most characters that one question holds."
    )
    assistant_per_day: int = Field(
        default=50, ge=1, description="Most questions a project may ask in a day (UTC)."
    )

    @property
    def assistant_secret(self) -> str:
        """The key, wherever it is kept.

        Raises:
            OSError: Its file can't be read.
        """
        return secret_of(self.assistant_key, self.assistant_key_file)

    @field_validator("assistant_model")
    @classmethod
    def _named(cls, model: str, info: ValidationInfo) -> str:
        if info.data.get("assistant_url") and not model:
            raise ValueError("needed where FAULTBOOK_ASSISTANT_URL is set")
        return model
