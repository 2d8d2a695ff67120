"""The signals of one trace: the most telling first, what each means, and where it lies."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import Session

from server.models.base import stored_id
from server.models.trace import Trace
from server.queries import signals as queries
from server.signals import registry
from server.signals.base import SignalDefinition
from server.views.signal_ranges import (
    FEWEST,
    NOTHING,
    Sample,
    Strip,
    Values,
    population,
    strip,
)

MISSING = "–"
_SHOWN = 8
_PLAIN = {
    "prompt_tokens": SignalDefinition(
        "prompt_tokens", "prompt tokens", "tokens the model was given", unit="tokens", rank=62
    ),
    "reasoning_tokens": SignalDefinition(
        "reasoning_tokens",
        "reasoning tokens",
        "tokens the model thought in",
        unit="tokens",
        rank=11,
    ),
}
"""Numbers that stand in the trace itself and are no stored signals."""
_ESTIMATED = ("tokens", "bits_per_token", "loop_onset")


@dataclass(frozen=True)
class SignalView:
    """One signal; `strip` is None for labels and where too few traces have it to compare."""

    name: str
    label: str
    value: str
    sentence: str
    """What it means, and where the trace lies; for a dash, what is missing."""
    strip: Strip | None
    is_remarkable: bool
    is_missing: bool


@dataclass(frozen=True)
class SignalPanel:
    """What the reader wants first, the others, and why there may be few."""

    first: tuple[SignalView, ...]
    further: tuple[SignalView, ...]
    note: str
    """Empty where all signals are there."""


def signal_panel(
    session: Session, trace: Trace, call_count: Callable[[], int], *, sees_outcomes: bool
) -> SignalPanel:
    """Build the panel.

    Args:
        session: An open session.
        trace: Whose signals.
        call_count: Tells how many tools it called, as long as its signals are not computed.
        sees_outcomes: Whether the reader may see what tells of outcomes.
    """
    rows = session.execute(queries.of_traces([stored_id(trace)])).all()
    stored = {row.name: row.label if row.value is None else row.value for row in rows}
    own = _of_trace(trace) | stored
    if "tool_calls" not in own:
        own["tool_calls"] = call_count()
    values = population(session, trace.project_id)
    is_measured = queries.MARK in stored
    others = [
        registry.definition_of(name, is_label=isinstance(value, str))
        for name, value in stored.items()
        if name not in registry.definitions()
    ]
    known = [*registry.definitions().values(), *others, *_PLAIN.values()]
    views = [
        signal_view(one, one.seen(own.get(one.name), sees_outcomes=sees_outcomes), values, trace)
        for one in sorted(known, key=lambda one: one.rank)
        if is_measured or one.name in own
        if own.get(one.name) is not None or not one.only_where_told
        if one.name not in _PLAIN or own.get(one.name) is not None
        if sees_outcomes or not one.from_outcomes
    ]
    first = [view for view in views if view.is_remarkable][:_SHOWN]
    note = "" if is_measured else "The other signals of this trace are not computed yet."
    if is_measured and not sees_outcomes:
        note = "Signals that follow from outcomes are shown once your verdict is submitted."
    return SignalPanel(tuple(first), tuple(view for view in views if view not in first), note)


def _of_trace(trace: Trace) -> dict[str, float | str | None]:
    return {
        "tokens": trace.completion_tokens,
        "prompt_tokens": trace.prompt_tokens,
        "reasoning_tokens": trace.reasoning_tokens,
        "steps": trace.step_count,
        "duration_s": trace.duration_s,
    }


def signal_view(
    definition: SignalDefinition, value: float | str | None, values: Values, trace: Trace
) -> SignalView:
    """Say one signal of a trace."""
    if value is None:
        needs = f"needs {definition.needs}" if definition.needs else "not there for this trace"
        sentence = f"{definition.meaning}; {needs}"
        return SignalView(definition.name, definition.label, MISSING, sentence, None, False, True)
    if isinstance(value, str):
        return SignalView(
            definition.name,
            definition.label,
            label_words(value),
            f"{definition.meaning}: {definition.labels.get(value, label_words(value))}",
            None,
            value not in definition.unremarkable,
            is_missing=False,
        )
    estimated = definition.name in _ESTIMATED and trace.completion_tokens is None
    written = f"{'≈ ' if estimated else ''}{number(value, definition)}"
    own = values.get(definition.name, NOTHING)
    return SignalView(
        name=definition.name,
        label=definition.label,
        value=written,
        sentence=_sentence(definition, value, own, estimated=estimated),
        strip=strip(value, own),
        is_remarkable=bool(value) or definition.name not in ("tool_calls", "tool_errors"),
        is_missing=False,
    )


def _sentence(
    definition: SignalDefinition, value: float, sample: Sample, *, estimated: bool
) -> str:
    told = definition.meaning
    if estimated:
        told += " (nobody counted the tokens: bytes divided by 4)"
    count = len(sample.values)
    if count < FEWEST:
        return f"{told}; too few traces to compare (n = {count})"
    below = int(sample.values.searchsorted(value, side="left"))
    return (
        f"{told}; more than {100 * below / count:.0f} % of n = {count:,} traces, "
        f"whose middle half lies between {number(sample.first, definition)} and "
        f"{number(sample.third, definition)}"
    )


def label_words(value: str) -> str:
    """Return a label as people read it: `verbatim_loop` is verbatim loop."""
    return value.replace("_", " ")


def number(value: float, definition: SignalDefinition) -> str:
    """Return a number as people read it, with its unit where that is short."""
    if definition.scale == "share":
        return f"{value:.2f}"
    unit = f" {definition.unit}" if definition.unit in ("s", "bit", "MAD") else ""
    if abs(value) >= 10 or value == int(value):
        return f"{value:,.0f}{unit}"
    return f"{value:.1f}{unit}"
