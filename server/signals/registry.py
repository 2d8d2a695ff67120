"""The known signals: those shipped here, and those of packages installed beside.

A package names a module under the entry point group `faultbook.signals`; loading it registers
what its decorated functions compute.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from server.signals.base import (
    Output,
    PopulationFunction,
    SignalDefinition,
    TraceFunction,
    Value,
)

ENTRY_POINTS = "faultbook.signals"
_BUILT_IN = (
    "sizes",
    "loops",
    "patterns",
    "hazards",
    "surfaces",
    "token_sums",
    "uncertainty",
    "cohorts",
)


@dataclass(frozen=True)
class OfTrace:
    """A function over what one trace says, and the signals that it gives."""

    definitions: tuple[SignalDefinition, ...]
    function: TraceFunction


@dataclass(frozen=True)
class OfPopulation:
    """A function over all traces of a project, the signals that it gives, and those it reads."""

    definitions: tuple[SignalDefinition, ...]
    function: PopulationFunction
    reads: tuple[str, ...]


_of_trace: list[OfTrace] = []
_of_population: list[OfPopulation] = []
_definitions: dict[str, SignalDefinition] = {}


def of_trace(*definitions: SignalDefinition) -> Callable[[TraceFunction], TraceFunction]:
    """Register a function from an `Output` to the values of these signals, by name.

    They are computed anew where a trace, or version or parameters of any of them, changed.

    Raises:
        ValueError: A name is taken.
    """

    def register(function: TraceFunction) -> TraceFunction:
        described(*definitions)
        _of_trace.append(OfTrace(definitions, function))
        return function

    return register


def of_population(
    *definitions: SignalDefinition, reads: tuple[str, ...] = ()
) -> Callable[[PopulationFunction], PopulationFunction]:
    """Register a function from a `SignalPopulation` to the columns of these signals, by name.

    Args:
        definitions: What it gives.
        reads: Signals of single traces that it finds as columns of the population's traces.

    Raises:
        ValueError: A name is taken.
    """

    def register(function: PopulationFunction) -> PopulationFunction:
        described(*definitions)
        _of_population.append(OfPopulation(definitions, function, reads))
        return function

    return register


def described(*definitions: SignalDefinition) -> None:
    """Register signals that something else stores, such as an import or a lens.

    Raises:
        ValueError: A name is taken.
    """
    for definition in definitions:
        if definition.name in _definitions:
            raise ValueError(f"two signals are called {definition.name}")
        _definitions[definition.name] = definition


@cache
def _load() -> None:
    for module in _BUILT_IN:
        import_module(f"server.signals.{module}")
    for entry_point in entry_points(group=ENTRY_POINTS):
        entry_point.load()


def definitions() -> Mapping[str, SignalDefinition]:
    """Return every known signal by name, those a reader wants first in front."""
    _load()
    known = sorted(_definitions.values(), key=lambda known: (known.rank, known.name))
    return {known.name: known for known in known}


def definition_of(name: str, *, is_label: bool = False) -> SignalDefinition:
    """Return what a signal is; of one that nobody registered, what its name says.

    That may tell outcomes: who is blind sees it once they judged.
    """
    _load()
    known = _definitions.get(name)
    if known is not None:
        return known
    words = name.replace("_", " ")
    return SignalDefinition(
        name, words, "a signal of this project", is_label=is_label, from_outcomes=True
    )


def of_populations() -> tuple[OfPopulation, ...]:
    """Return what is to be computed of all traces together, in an order all processes have."""
    _load()
    return tuple(sorted(_of_population, key=lambda known: known.definitions[0].name))


def names_of_traces() -> tuple[str, ...]:
    """Return the names of the signals of single traces, in an order all processes have."""
    found = {definition.name for known in _of_trace for definition in known.definitions}
    return tuple(name for name in definitions() if name in found)


def digest() -> str:
    """Return versions and parameters of all signals of single traces, in a word."""
    known = definitions()
    told = ",".join(f"{name}={known[name].digest}" for name in sorted(names_of_traces()))
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def telling_outcomes() -> frozenset[str]:
    """Return the names of known signals that tell something of outcomes."""
    return frozenset(name for name, known in definitions().items() if known.tells_outcomes)


def measured(output: Output) -> dict[str, Value]:
    """Return the signals of one trace by name, None for those it has not."""
    _load()
    found: dict[str, Value] = {}
    for known in _of_trace:
        found |= known.function(output)
    return found
