"""Redaction: personal data and secrets replaced in every text of a draft before it is stored.

A pattern that takes too long on a text stops the import instead of letting the text through.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any, NamedTuple

import regex

from server.errors import Invalid
from server.importers.base import AnnotationDraft, NoteDraft, RefusedRecord, StepDraft, TraceDraft

TIMEOUT_S = 1.0
"""How long one rule may take on a text of a million characters; on a longer one in proportion."""
_MILLION = 1_000_000
_PROBE_TIMEOUT_S = 0.2
_PROBES = tuple(f"{run * 2_000}{end}" for run in ("a", "0", " ", "a ", "a@", "0-") for end in "!\n")
"""Texts on which patterns that backtrack without end show it."""
_LEAST_GROUPS_OF_IPV6 = 3
"""With fewer, names in source code such as `a::b` would pass for addresses."""


@dataclass(frozen=True)
class Rule:
    """What is replaced by what; an empty pattern means the built-in rule of that name."""

    name: str
    pattern: str = ""
    replacement: str = "[redacted]"

    @property
    def is_built_in(self) -> bool:
        return not self.pattern


class BuiltIn(NamedTuple):
    """A pattern that is known here, and what a find must fulfil besides matching it."""

    label: str
    pattern: str
    replacement: str
    fulfils: Callable[[str], bool]


def _always(_found: str) -> bool:
    return True


def luhn(found: str) -> bool:
    """Return whether the last digit is the check digit that payment cards carry."""
    digits = [int(character) for character in reversed(found) if character.isdecimal()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def is_address(found: str) -> bool:
    """Return whether a text is an IP address, and not merely built like one."""
    try:
        address = ip_address(found)
    except ValueError:
        return False
    groups = [group for group in found.split(":") if group]
    return address.version == 4 or len(groups) >= _LEAST_GROUPS_OF_IPV6


BUILT_IN: Mapping[str, BuiltIn] = {
    "email": BuiltIn(
        "E-mail addresses",
        r"(?<![\w.+%-])[\w.+%-]++@(?:[\p{L}\d-]++\.)+\p{L}{2,24}",
        "[email]",
        _always,
    ),
    "phone": BuiltIn(
        "Phone numbers with country code, or as 555-123-4567",
        r"(?<![\w+.-])(?:\+\d{1,3}(?:[ ./-]?\(?\d{2,4}\)?){2,5}|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4})"
        r"(?![\w-])",
        "[phone]",
        _always,
    ),
    "card": BuiltIn(
        "Payment card numbers, by their check digit",
        r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])",
        "[card]",
        luhn,
    ),
    "ip": BuiltIn(
        "IP addresses, version 4 and 6",
        r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)|(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4})"
        r"(?![\w:])",
        "[ip]",
        is_address,
    ),
    "api_key": BuiltIn(
        "API keys and tokens (sk-…, ghp_…, AKIA…, xox…, AIza…, hf_…, JWT)",
        r"(?<![\w-])(?:sk-[\w-]{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|AKIA[0-9A-Z]{16}"
        r"|xox[abeoprs]-[\w-]{10,}|AIza[\w-]{35}|hf_\w{20,}"
        r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,})",
        "[api key]",
        _always,
    ),
}


class Redacted(NamedTuple):
    """A text or draft after redaction, and how many finds were replaced."""

    value: Any
    finds: int


class _Compiled(NamedTuple):
    rule: Rule
    pattern: "regex.Pattern[str]"
    fulfils: Callable[[str], bool]


def from_settings(settings: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Return the rules that a project's settings hold."""
    return tuple(Rule(**stored) for stored in settings.get("redaction_rules", ()))


class Redactor:
    """A project's rules, applied one after the other."""

    def __init__(self, rules: Sequence[Rule], *, timeout_s: float = TIMEOUT_S) -> None:
        self._compiled = tuple(_compiled(rule) for rule in rules)
        self._timeout_s = timeout_s

    def __bool__(self) -> bool:
        return bool(self._compiled)

    def text(self, text: str) -> Redacted:
        """Replace every find in a text.

        Raises:
            Invalid: A rule takes too long on it.
        """
        total = 0
        for rule, pattern, fulfils in self._compiled:
            text, count = self._apply(rule, pattern, fulfils, text)
            total += count
        return Redacted(text, total)

    def _apply(
        self,
        rule: Rule,
        pattern: "regex.Pattern[str]",
        fulfils: Callable[[str], bool],
        text: str,
    ) -> tuple[str, int]:
        count = 0
        timeout_s = self._timeout_s * max(1.0, len(text) / _MILLION)

        def replaced(match: "regex.Match[str]") -> str:
            nonlocal count
            found = str(match.group())
            if not found or not fulfils(found):
                return found
            count += 1
            return rule.replacement

        try:
            return str(pattern.sub(replaced, text, timeout=timeout_s)), count
        except TimeoutError as error:
            raise Invalid(
                f"The redaction rule «{rule.name}» takes more than {timeout_s:g} s on a text "
                f"of {len(text):,} characters: make its pattern simpler. Nothing unredacted was "
                "stored."
            ) from error

    def drafts(self, drafts: Iterable[TraceDraft]) -> Redacted:
        """Return redacted drafts, and how many finds were replaced in all of them."""
        if not self:
            return Redacted([*drafts], 0)
        counter = _Counting(self)
        return Redacted([counter.draft(draft) for draft in drafts], counter.finds)

    def refused(self, records: Iterable[RefusedRecord]) -> list[RefusedRecord]:
        """Return refused records with what is kept of them redacted, too."""
        if not self:
            return [*records]
        counter = _Counting(self)
        return [
            replace(
                record, record=counter.written(record.record), reason=counter.written(record.reason)
            )
            for record in records
        ]


class _Counting:
    """Walks drafts with one redactor and adds up its finds."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self.finds = 0

    def written(self, text: str) -> str:
        redacted, finds = self._redactor.text(text)
        self.finds += finds
        return str(redacted)

    def value(self, value: Any) -> Any:
        """Redact every text inside a JSON value; keys, numbers and truth values stay."""
        if isinstance(value, str):
            return self.written(value)
        if isinstance(value, Mapping):
            return {key: self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value

    def draft(self, draft: TraceDraft) -> TraceDraft:
        return replace(
            draft,
            steps=tuple(self._step(step) for step in draft.steps),
            answer=self.value(draft.answer),
            target=self.value(draft.target),
            session_id=self.written(draft.session_id),
            source_url=self.written(draft.source_url),
            tags=tuple(self.written(tag) for tag in draft.tags),
            dimensions=self.value(draft.dimensions),
            metadata=self.value(draft.metadata),
            annotations=tuple(self._annotation(found) for found in draft.annotations),
        )

    def _step(self, step: StepDraft) -> StepDraft:
        return replace(step, text=self.written(step.text), data=self.value(step.data))

    def _annotation(self, annotation: AnnotationDraft) -> AnnotationDraft:
        notes = tuple(self._note(note) for note in annotation.notes)
        return replace(annotation, critique=self.written(annotation.critique), notes=notes)

    def _note(self, note: NoteDraft) -> NoteDraft:
        return replace(note, text=self.written(note.text))


def check(rule: Rule) -> None:
    """Refuse a rule that is no pattern, matches nothing at all, or may take without end.

    Raises:
        Invalid: With a sentence that says what to change.
    """
    pattern = _compiled(rule).pattern
    if rule.is_built_in:
        return
    if pattern.search("") is not None:
        raise Invalid(f"The pattern of «{rule.name}» matches the empty text: require a character.")
    for probe in _PROBES:
        try:
            pattern.sub("", probe, timeout=_PROBE_TIMEOUT_S)
        except TimeoutError as error:
            raise Invalid(
                f"The pattern of «{rule.name}» takes too long on some texts: avoid repetitions "
                "inside repetitions, such as (a+)+."
            ) from error


def _compiled(rule: Rule) -> _Compiled:
    if rule.is_built_in:
        known = BUILT_IN.get(rule.name)
        if known is None:
            raise Invalid(f"There is no built-in rule «{rule.name}»: write a pattern for it.")
        return _Compiled(rule, regex.compile(known.pattern), known.fulfils)
    try:
        return _Compiled(rule, regex.compile(rule.pattern), _always)
    except regex.error as error:
        raise Invalid(f"The pattern of «{rule.name}» is no regular expression: {error}.") from error
