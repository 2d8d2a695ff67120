"""The page of redaction rules: what is replaced at import, and a text to try it on."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.importers.redaction import BUILT_IN, Redacted, Rule, from_settings
from server.models.project import Member

_EMPTY_ROWS = 2
EXAMPLE = "Write to jane.doe@example.com or call +1 555 010 0199."


@dataclass(frozen=True)
class BuiltInChoice:
    name: str
    label: str
    replacement: str
    is_chosen: bool


@dataclass(frozen=True)
class Trial:
    """A text typed to try the rules on, and what would be stored of it."""

    text: str
    result: str = ""
    finds: int | None = None


@dataclass(frozen=True)
class RedactionPage:
    path: str
    can_edit: bool
    built_in: tuple[BuiltInChoice, ...]
    custom: tuple[Rule, ...]
    rows: tuple[Rule, ...]
    """The custom rules, and empty ones to fill in."""
    trial: Trial
    error: str


def redaction_page(
    member: Member,
    *,
    typed: Sequence[Rule] | None = None,
    text: str = "",
    result: Redacted | None = None,
    error: str = "",
) -> RedactionPage:
    """Build the page; `typed` are rules that are not saved, or not yet."""
    rules = from_settings(member.project.settings) if typed is None else tuple(typed)
    chosen = {rule.name for rule in rules if rule.is_built_in}
    custom = tuple(rule for rule in rules if not rule.is_built_in)
    project = member.project
    return RedactionPage(
        path=f"/projects/{project.slug}/redaction",
        can_edit=member.may_lead,
        built_in=tuple(
            BuiltInChoice(name, known.label, known.replacement, name in chosen)
            for name, known in BUILT_IN.items()
        ),
        custom=custom,
        rows=(*custom, *(Rule("", "", "[redacted]") for _ in range(_EMPTY_ROWS))),
        trial=Trial(
            text or EXAMPLE,
            result=result.value if result else "",
            finds=result.finds if result else None,
        ),
        error=error,
    )
