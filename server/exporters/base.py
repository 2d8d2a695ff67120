"""What every exporter is: its words, its choices, how its bytes and its preview come about."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from server.exporters import csv_table, json_lines
from server.exporters.choices import Choices
from server.exporters.csv_table import Column, Layout
from server.exporters.reading import Source
from server.models.batch import SplitPart
from server.queries import evaluators

ROWS_SHOWN = 5
CHARACTERS_SHOWN = 160
TEXT_SHOWN = 20_000


@dataclass(frozen=True)
class Preview:
    """The beginning of the file: a table, or lines of text under a file name."""

    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    texts: tuple[tuple[str, str], ...] = ()


class Holding(NamedTuple):
    """How much an export holds, and of what."""

    number: int
    one: str = "trace"
    many: str = "traces"

    def __str__(self) -> str:
        return f"{self.number:,} {self.one if self.number == 1 else self.many}"


def _every(source: Source, _choices: Choices) -> Source:
    return source


def _traces(source: Source, _choices: Choices) -> Holding:
    return Holding(source.count())


@dataclass(frozen=True)
class Exporter:
    """A format: the screen, the command line, the API and the documentation go by this."""

    name: str
    title: str
    text: str
    """What it is for."""
    media_type: str
    suffix: str
    write: Callable[[Source, Choices], Iterator[bytes]]
    preview: Callable[[Source, Choices], Preview]
    what: str = "traces"
    """What the file's name says is in it."""
    options: tuple[str, ...] = ("part",)
    """Which fields of `Choices` it heeds."""
    narrow: Callable[[Source, Choices], Source] = field(default=_every)
    """Which of the chosen traces it takes."""
    holding: Callable[[Source, Choices], Holding] = field(default=_traces)
    is_refi: bool = False
    """Whether it is of qualitative research: modes and notes, no labels."""
    is_for_evaluators: bool = False
    """Whether it carries people's labels to what judges by machine."""

    def chosen(self, source: Source, choices: Choices) -> Source:
        """Return the traces that go in: those of the source that the choices leave.

        What evaluators are given leaves out the sealed test part, unless it is asked for by name.
        """
        found = source
        if choices.part is not None:
            found = source.of_part(choices.part_condition(source))
        elif self.is_for_evaluators:
            is_sealed = evaluators.is_in_part(source.member.project_id, SplitPart.TEST)
            found = source.narrowed(~is_sealed)
        return self.narrow(found, choices)


def table_preview(table: Layout, source: Source) -> Preview:
    """Return the first rows of a table."""
    rows = csv_table.rows(table, source.traces(most=ROWS_SHOWN, parts=csv_table.PARTS))
    return Preview(
        columns=tuple(table.columns),
        rows=tuple(tuple(shortened(cell) for cell in row) for row in rows),
    )


def text_preview(*texts: tuple[str, str]) -> Preview:
    """Return the beginnings of files; what is left out of a long one is said."""
    return Preview(texts=tuple((name, _beginning(text)) for name, text in texts))


def lines(objects: Iterable[Any], *, indent: int | None = None, most: int = ROWS_SHOWN) -> str:
    """Return the first objects as lines of JSON."""
    return "\n".join(json_lines.dumps(found, indent=indent) for found in islice(objects, most))


def shortened(text: str) -> str:
    """Return a cell as the preview shows it."""
    return text if len(text) <= CHARACTERS_SHOWN else f"{text[:CHARACTERS_SHOWN]}…"


def _beginning(text: str) -> str:
    left_out = len(text) - TEXT_SHOWN
    if left_out <= 0:
        return text
    return f"{text[:TEXT_SHOWN]}\n… {left_out:,} more characters of this preview are in the file"
