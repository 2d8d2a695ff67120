"""The filter bar that lists and exports share: what can be chosen, and what is active."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import urlencode

from sqlmodel import Session

from server.models.project import Member
from server.models.trace import Trace
from server.queries import trace_lists as queries
from server.queries.filter_conditions import Names
from server.queries.filters import (
    CHOICES,
    DIMENSION,
    NO,
    NO_VERDICT,
    SIGNAL,
    SIGNAL_OF,
    YES,
    Condition,
    Filters,
)
from server.queries.sampling_frames import latest_versions
from server.signals import registry
from server.views.facts import Facts

VALUES_SHOWN = 50
_LABELS = {
    "pipeline_version": "version",
    "near_duplicate": "likeness",
    "outcome_source": "origin of the outcome",
}
_DECIDED_BY = {
    "imported": "outcome as imported",
    "rule": "outcome by a rule",
    "human": "outcome set by hand",
}


@dataclass(frozen=True)
class Choice:
    """One control of the bar: a list of values, the chosen one among them."""

    name: str
    label: str
    value: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Chip:
    """One active filter in words, and the URL without it."""

    label: str
    remove_url: str


@dataclass(frozen=True)
class Dimension:
    """A dimension to filter by, with values seen on the latest traces."""

    name: str
    values: tuple[str, ...]


class _Seen(NamedTuple):
    """What traces have, as far as the bar offers it."""

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    versions: tuple[str, ...]
    dimensions: tuple[Dimension, ...]


@dataclass(frozen=True)
class FilterBar:
    """The bar's form (sent by GET to `action`) and the chips of what is active."""

    action: str
    text: str
    choices: tuple[Choice, ...]
    more_choices: tuple[Choice, ...]
    """Those that are asked for less often."""
    dimensions: tuple[Dimension, ...]
    signals: tuple[tuple[str, str], ...]
    """Name and label of the signals to filter by."""
    latest: int
    tokens_from: str
    tokens_to: str
    hidden: tuple[tuple[str, str], ...]
    """Fields that keep what the form has no control for: other filters, the sorting."""
    chips: tuple[Chip, ...]
    clear_url: str


def filter_bar(
    session: Session,
    member: Member,
    filters: Filters,
    *,
    action: str,
    names: Names,
    keep: Sequence[tuple[str, str]] = (),
    facts: Facts | None = None,
) -> FilterBar:
    """Build the bar.

    Args:
        session: An open session.
        member: Who filters.
        filters: What is active.
        action: Path of the page.
        names: What the project has to filter by.
        keep: Fields of the page that stay when filters change, such as the sorting.
        facts: Those of the page.
    """
    facts = facts or Facts(session, member)
    seen = facts.kept_of_traces("seen", lambda: _seen(session, member.project_id))
    signals = sorted(facts.signal_names.all)
    common = _choices(filters, _options(member, names, seen))
    more = _choices(filters, _more_options(names, seen, signals))
    choices = (*common, *more)
    tokens = filters.get("tokens")
    shown = {choice.name for choice in choices}
    in_form = [c.key for c in filters.conditions if _fits(c, shown)]
    return FilterBar(
        action=action,
        text=_value(filters.get("text")),
        choices=tuple(c for c in common if filters.get(c.name) is None or c.name in in_form),
        more_choices=tuple(c for c in more if filters.get(c.name) is None or c.name in in_form),
        dimensions=seen.dimensions,
        signals=_signals(signals),
        latest=queries.LATEST,
        tokens_from=_bound(tokens, "min"),
        tokens_to=_bound(tokens, "max"),
        hidden=(
            *(pair for c in filters.conditions if c.key not in in_form for pair in c.to_query()),
            *keep,
        ),
        chips=tuple(
            Chip(in_words(c, names), url(action, [*filters.without(c.key).to_query(), *keep]))
            for c in filters.conditions
        ),
        clear_url=url(action, keep),
    )


def url(path: str, fields: Sequence[tuple[str, str]]) -> str:
    """Return a path with its query."""
    return f"{path}?{urlencode(fields)}" if fields else path


def in_words(condition: Condition, names: Names) -> str:
    """Say a filter as its chip does: "model gpt-4o or claude", "tokens 100 to 900"."""
    if condition.key == "near_duplicate":
        return _likeness(condition)
    if condition.key == "outcome_source":
        told = " or ".join(_DECIDED_BY[value] for value in condition.values)
        return f"{'not ' if condition.negated else ''}{told}"
    if condition.key in SIGNAL_OF or condition.key.startswith(SIGNAL):
        return _signal_in_words(condition)
    key = condition.key.removeprefix(DIMENSION)
    known: Mapping[int, str] = {
        "mode": names.mode,
        "batch": names.batch,
        "annotator": names.annotator,
        "import": names.imports,
    }.get(condition.key, {})
    return f"{'not ' if condition.negated else ''}{key} {_amount(condition, known)}"


def _signal_in_words(condition: Condition) -> str:
    name = SIGNAL_OF.get(condition.key, condition.key.removeprefix(SIGNAL))
    known = registry.definitions().get(name)
    values = tuple(value.replace("_", " ") for value in condition.values)
    amount = _amount(replace(condition, values=values), {})
    return f"{'not ' if condition.negated else ''}{known.label if known else name} {amount}"


def _likeness(condition: Condition) -> str:
    words = {YES: "near-duplicates", NO: "unlike any other"}
    told = [words.get(value, f"alike with trace {value}") for value in condition.values]
    return f"{'not ' if condition.negated else ''}{' or '.join(told)}"


def _amount(condition: Condition, known: Mapping[int, str]) -> str:
    low, high = (
        f"{x:,.6g}" if x is not None else "" for x in (condition.minimum, condition.maximum)
    )
    if low and high:
        return low if low == high else f"{low} to {high}"
    if low or high:
        return f"from {low}" if low else f"up to {high}"
    if condition.key == "text":
        return " or ".join(f"“{value}”" for value in condition.values)
    told = [
        known.get(int(value), value) if value.isdecimal() else value for value in condition.values
    ]
    return " or ".join(told[:4]) + (f" or {len(told) - 4} more" if len(told) > 4 else "")


def _seen(session: Session, project_id: int) -> _Seen:
    def values(column: Any) -> tuple[str, ...]:
        return tuple(session.scalars(queries.distinct(project_id, column)))

    return _Seen(
        values(Trace.model),
        values(Trace.task),
        tuple(session.scalars(latest_versions(project_id, queries.LATEST))),
        _dimensions(session, project_id),
    )


def _options(member: Member, names: Names, seen: _Seen) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        ("model", [(value, value) for value in seen.models]),
        ("task", [(value, value) for value in seen.tasks]),
        ("outcome", [(value, value) for value in CHOICES["outcome"]]),
        (
            "verdict",
            [(v, "not judged" if v == NO_VERDICT else v) for v in CHOICES["verdict"]],
        ),
        ("mode", [(str(id_), name) for id_, name in names.mode.items() if member.sees_modes]),
        ("batch", [(str(batch_id), name) for batch_id, name in names.batch.items()]),
    ]


def _more_options(
    names: Names, seen: _Seen, signals: Sequence[str]
) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        ("import", [(str(id_), f"{id_}: {name}") for id_, name in names.imports.items()]),
        ("source", [(value, value) for value in CHOICES["source"]]),
        ("outcome_source", list(_DECIDED_BY.items())),
        ("pipeline_version", [(version, version) for version in seen.versions]),
        ("near_duplicate", [(YES, "say nearly what others say"), (NO, "unlike any other")]),
        *(
            (key, [(value, value.replace("_", " ")) for value in CHOICES[key]])
            for key, signal in SIGNAL_OF.items()
            if signal in signals
        ),
    ]


def _signals(there: Sequence[str]) -> tuple[tuple[str, str], ...]:
    known = {name: one.label for name, one in registry.definitions().items() if name in there}
    return tuple((known | {name: name for name in there if name not in known}).items())


def _choices(
    filters: Filters, options: Sequence[tuple[str, list[tuple[str, str]]]]
) -> tuple[Choice, ...]:
    return tuple(_choice(key, filters, values) for key, values in options if values)


def _choice(key: str, filters: Filters, options: list[tuple[str, str]]) -> Choice:
    value = _value(filters.get(key))
    by_name = {name.casefold(): option for option, name in options}
    if value and value not in dict(options):
        value = by_name.get(value.casefold(), value)
        if value not in dict(options):
            options = [(value, value), *options]
    label = _LABELS.get(key, key)
    return Choice(key, label, value, (("", f"any {label}"), *options))


def _fits(condition: Condition, shown: set[str]) -> bool:
    """Whether the form has a control that says the whole of a condition."""
    if condition.key == "tokens" and condition.is_range:
        return not condition.negated
    simple = len(condition.values) == 1 and not condition.negated
    return simple and (condition.key == "text" or condition.key in shown)


def _value(condition: Condition | None) -> str:
    simple = condition is not None and len(condition.values) == 1 and not condition.negated
    return condition.values[0] if simple and condition is not None else ""


def _bound(condition: Condition | None, side: str) -> str:
    if condition is None or condition.negated or not condition.is_range:
        return ""
    return str(condition.to_json().get(side, ""))


def _dimensions(session: Session, project_id: int) -> tuple[Dimension, ...]:
    found: dict[str, dict[str, None]] = {}
    for (dimensions,) in session.execute(queries.latest_dimensions(project_id)):
        for name, value in dimensions.items():
            values = found.setdefault(name, {})
            if len(values) < VALUES_SHOWN and isinstance(value, str | int | float):
                values[str(value).lower() if isinstance(value, bool) else str(value)] = None
    return tuple(Dimension(name, tuple(sorted(found[name]))) for name in sorted(found))
