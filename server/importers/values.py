"""Single values: each from what the file holds to what a trace holds, or a problem that says so."""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from server.importers.base import FieldProblem
from server.models.trace import Outcome

_LARGEST = 2**53
_MILLISECONDS_FROM = 100_000_000_000
"""Numbers from here on count milliseconds: as seconds they would lie after the year 5138."""
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_YES = frozenset({"true", "yes", "y", "1", "1.0", "pass", "passed", "correct"})
_NO = frozenset({"false", "no", "n", "0", "0.0", "fail", "failed", "incorrect"})


def found(value: Any) -> str:
    """Return a value in words short enough for a message."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    shown = str(value)
    shown = shown if len(shown) <= 40 else f"{shown[:40]}…"
    return f"the text «{shown}»" if isinstance(value, str) else shown


def _problem(field: str, value: Any, expected: str) -> FieldProblem:
    return FieldProblem(field, f"found {found(value)}; expected {expected}")


def text(value: Any, field: str) -> str:
    """Return a text; numbers are accepted, since ids often are."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise _problem(field, value, "text")


def written(value: Any, field: str) -> str:
    """Return a text as it is, and anything else as the JSON that it was."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def number(value: Any, field: str) -> float:
    """Return a finite number; texts that spell one are accepted, as in CSV."""
    if isinstance(value, bool):
        return float(value)
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        point = isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value.strip())
        wanted = "a number with a decimal point, such as 0.5" if point else "a number"
        raise _problem(field, value, wanted) from None
    if not math.isfinite(result):
        raise _problem(field, value, "a finite number")
    return result


def integer(value: Any, field: str) -> int:
    """Return a whole number that every database and browser can hold."""
    result = number(value, field)
    if isinstance(value, bool) or result != int(result) or abs(result) > _LARGEST:
        raise _problem(field, value, "a whole number")
    return int(result)


def count(value: Any, field: str) -> int:
    """Return a whole number that is not negative."""
    result = integer(value, field)
    if result < 0:
        raise _problem(field, value, "a whole number from 0")
    return result


def truth(value: Any, field: str) -> bool:
    """Return true or false; 1 and 0, pass and fail, yes and no are accepted."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int | float) else ""
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise _problem(field, value, "true or false")


def time(value: Any, field: str) -> datetime:
    """Return an aware UTC time from ISO 8601 or Unix time; without a zone it counts as UTC."""
    try:
        if isinstance(value, str) and not _is_number(value):
            moment = datetime.fromisoformat(value.strip())
        else:
            seconds = number(value, field)
            seconds = seconds / 1000 if abs(seconds) >= _MILLISECONDS_FROM else seconds
            moment = datetime.fromtimestamp(seconds, UTC)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise _problem(field, value, "a time such as 2025-06-29T18:58:16Z") from None


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def outcome(value: Any, field: str) -> Outcome:
    """Return an outcome by its name; pass/fail and true/false are correct and incorrect."""
    word = value.strip().lower() if isinstance(value, str) else value
    if word in list(Outcome):
        return Outcome(word)
    try:
        return Outcome.CORRECT if truth(value, field) else Outcome.INCORRECT
    except FieldProblem:
        raise _problem(field, value, f"one of {', '.join(Outcome)}") from None


def tags(value: Any, field: str) -> tuple[str, ...]:
    """Return a list of texts; a text is split at commas."""
    if isinstance(value, str):
        return tuple(tag.strip() for tag in value.split(",") if tag.strip())
    if isinstance(value, list):
        return tuple(text(tag, f"{field}[{index}]") for index, tag in enumerate(value))
    raise _problem(field, value, "a list of texts")


def dimension(value: Any, field: str) -> str | int | float | bool:
    """Return a value to slice by: a text, a number or true/false."""
    if isinstance(value, str | int | float):
        return value
    raise _problem(field, value, "a text, a number or true/false")


def spelled_dimension(value: Any, field: str) -> str | int | float | bool:
    """Return a dimension from a CSV cell, where numbers are spelled: `3` is 3, `3a` is a text."""
    try:
        spelled = number(value, field) if isinstance(value, str) else None
    except FieldProblem:
        spelled = None
    if spelled is None:
        return dimension(value, field)
    return int(value) if value.strip().lstrip("+-").isdecimal() else spelled


Coercion = Callable[[Any, str], Any]

TRACE_FIELDS: dict[str, Coercion] = {
    "external_id": text,
    "item_id": text,
    "trial": integer,
    "model": text,
    "model_family": text,
    "task": text,
    "eval_id": text,
    "tags": tags,
    "session_id": text,
    "outcome": outcome,
    "executed_outcome": outcome,
    "passed": truth,
    "score": number,
    "answer": written,
    "target": written,
    "prompt_tokens": count,
    "completion_tokens": count,
    "reasoning_tokens": count,
    "token_limit": count,
    "finish_reason": text,
    "started_at": time,
    "duration_s": number,
    "cost": number,
    "pipeline_version": text,
    "source_url": text,
}
"""The fields a mapping may name, with how each value is read. `passed` becomes `outcome`."""
