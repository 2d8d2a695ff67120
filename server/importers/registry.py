"""The known formats, and which of them a file is of."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TypeVar

from server.importers.base import Importer, ImportOptions, Sample, Source, UnreadableSource
from server.importers.files import parquet_rows
from server.importers.files.records import sample as read_sample

ENTRY_POINTS = "faultbook.importers"
_BUILT_IN = (
    "agentrx",
    "atif.importer",
    "braintrust",
    "claude_code.importer",
    "inspect_log.importer",
    "judged_runs",
    "langfuse",
    "langsmith",
    "lm_eval.importer",
    "openai_answers",
    "openai_messages",
    "otlp",
    "outcomes",
    "phoenix",
    "promptfoo.importer",
    "refused_records",
    "sharegpt",
    "table",
    "tau_bench",
    "uncertainty_features",
)

_NAMED = 24
"""Columns that a sentence names; matrices have a column for each model."""

Kind = TypeVar("Kind", bound=Importer)

_importers: dict[str, Importer] = {}


def importer(kind: type[Kind]) -> type[Kind]:
    """Register a class as an importer; a name can be taken only once."""
    if kind.name in _importers:
        raise ValueError(f"two importers are called {kind.name}")
    _importers[kind.name] = kind()
    return kind


@cache
def _load() -> None:
    for module in _BUILT_IN:
        import_module(f"server.importers.formats.{module}")
    for entry_point in entry_points(group=ENTRY_POINTS):
        entry_point.load()


def importers() -> Mapping[str, Importer]:
    """Return every known importer by name: those shipped here and those installed beside."""
    _load()
    return dict(sorted(_importers.items()))


def chosen(source: Source, options: ImportOptions) -> Importer:
    """Return the importer that the options name, or the only one that recognises the file."""
    known = importers()
    if options.format:
        if options.format not in known:
            raise UnreadableSource(
                f"There is no format «{options.format}». Known: {', '.join(known)}."
            )
        return known[options.format]
    sample = read_sample(source, options)
    matches = recognised(sample, options)
    if len(matches) == 1:
        return matches[0]
    if matches:
        names = " and ".join(match.name for match in matches)
        raise UnreadableSource(f"{source.shown_name} could be {names}. Choose the format yourself.")
    raise UnreadableSource(_not_recognised(sample, known))


def recognised(sample: Sample, options: ImportOptions) -> tuple[Importer, ...]:
    """Return the formats that recognise a sample; the generic ones only if no other does."""
    for generic in (False, True):
        matches = tuple(
            known
            for known in importers().values()
            if known.generic is generic and known.sniff(sample, options)
        )
        if matches:
            return matches
    return ()


def _not_recognised(sample: Sample, known: Mapping[str, Importer]) -> str:
    name = sample.source.shown_name
    if not sample.is_text and not sample.records and not parquet_rows.is_parquet(sample.head):
        return f"{name} is {sample.problem}."
    tried = ", ".join(known)
    if not sample.records:
        problem = f" First problem: {sample.problem}." if sample.problem else ""
        return f"{name} holds no record that can be read.{problem} Tried: {tried}."
    if sample.columns:
        return (
            f"{name} has no column with a known name for the text of a trace. "
            f"Columns: {_named(sample.columns)}. Map one, such as output=COLUMN, on the command "
            "line --map output=COLUMN."
        )
    objects = [record for record in sample.records if isinstance(record, dict)]
    keys = tuple(dict.fromkeys(key for record in objects for key in record))
    found = f" Fields: {_named(keys)}." if keys else ""
    return (
        f"{name} is of no known format. Tried: {tried}.{found} For other JSON lines, map a list of "
        "messages, such as messages=path.to.list, or the text of a trace, such as "
        "output=path.to.text; on the command line --map output=path.to.text."
    )


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
