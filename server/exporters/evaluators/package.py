"""The zip for one evaluator: rows, modes, what the tool needs, and what the zip says of itself."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from typing import Any

from server import __version__
from server.errors import Invalid
from server.exporters import zipped
from server.exporters.base import ROWS_SHOWN, Preview, text_preview
from server.exporters.choices import Choices
from server.exporters.evaluators.cases import Case, read_cases
from server.exporters.evaluators.criteria import Criterion, read_criteria
from server.exporters.json_lines import CHUNK_CHARACTERS, dumps
from server.exporters.reading import Source
from server.exporters.zipped import Pipe, ZippedFile

VERSION = 1
_COMPRESSION = 4
"""Whole runs take four tenths of the usual level's time, and a twentieth more room."""
POLARITY = (
    "pass: the failure is absent; fail: it is present. Faultbook's own tables say 1 for present."
)


@dataclass(frozen=True)
class Wanted:
    """What the files of one package are made from."""

    criteria: Sequence[Criterion]
    choices: Choices


@dataclass(frozen=True)
class Package:
    """A format for one tool."""

    tool: str
    tested_with: str
    """The package of the tool and its version that `make validate-exports` runs."""
    rows: str
    """Name of the file with one row a trace."""
    row: Callable[[Case], Any]
    texts: Callable[[Wanted], dict[str, str]]
    """The other files by name."""
    is_array: bool = False
    """Whether the rows are one JSON array and not lines."""

    def write(self, source: Source, choices: Choices) -> Iterator[bytes]:
        """Stream the zip.

        Raises:
            Invalid: There is no failure mode to judge.
        """
        criteria = read_criteria(source, choices)
        if not criteria:
            raise Invalid("There is no failure mode to judge yet: make one first.")
        return self._pieces(source, Wanted(criteria, choices))

    def preview(self, source: Source, choices: Choices) -> Preview:
        """Return the beginnings of the files."""
        wanted = Wanted(read_criteria(source, choices), choices)
        cases = read_cases(source, choices, wanted.criteria, most=ROWS_SHOWN)
        rows = "".join(_rows(map(self.row, cases), is_array=self.is_array))
        return text_preview((self.rows, rows), *self._texts(wanted).items())

    def _texts(self, wanted: Wanted) -> dict[str, str]:
        modes = [criterion.as_object() for criterion in wanted.criteria]
        judge = {"provider": wanted.choices.provider, "model": wanted.choices.model}
        told = dumps({"judge": judge, "polarity": POLARITY, "modes": modes}, indent=1)
        return {**self.texts(wanted), "modes.json": f"{told}\n"}

    def _pieces(self, source: Source, wanted: Wanted) -> Iterator[bytes]:
        counted = _Counted(read_cases(source, wanted.choices, wanted.criteria))
        rows = _rows(map(self.row, counted), is_array=self.is_array)
        pipe = Pipe()
        written = [ZippedFile(self.rows, (piece.encode() for piece in rows))]
        written += [ZippedFile(n, [text.encode()]) for n, text in self._texts(wanted).items()]
        with zipped.begun(pipe, level=_COMPRESSION) as archive:
            for file in written:
                yield from zipped.add(archive, pipe, file)
            told = dumps(self._manifest(source, wanted, counted, written), indent=1)
            yield from zipped.add(archive, pipe, ZippedFile("manifest.json", [told.encode()]))
        yield pipe.take()

    def _manifest(
        self, source: Source, wanted: Wanted, counted: "_Counted", written: Sequence[ZippedFile]
    ) -> dict[str, Any]:
        return {
            "format": f"faultbook-{self.tool}",
            "version": VERSION,
            "faultbook": __version__,
            "tested_with": self.tested_with,
            **asdict(source.manifest(wanted.choices.filters)),
            "choices": wanted.choices.told(),
            "polarity": POLARITY,
            "traces": counted.cases,
            "modes": [
                {
                    "name": one.mode.name,
                    "mode_id": one.mode.guid,
                    "mode_version": one.mode.version,
                    **{said: counted.values[one.key, said] for said in ("pass", "fail")},
                    "undecided": counted.cases - counted.decided(one.key),
                }
                for one in wanted.criteria
            ],
            "files": {f.name: {"sha256": f.digest, "bytes": f.byte_count} for f in written},
        }


@dataclass
class _Counted:
    """Cases on their way out, counted with their values."""

    source: Iterable[Case]
    cases: int = 0
    values: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[Case]:
        for case in self.source:
            self.cases += 1
            self.values.update(case.human.items())
            yield case

    def decided(self, key: str) -> int:
        """How many cases have a value of a criterion."""
        return self.values[key, "pass"] + self.values[key, "fail"]


def _rows(objects: Iterable[Any], *, is_array: bool) -> Iterator[str]:
    """Yield rows as lines, or as one array with a row a line, in pieces of about 64 kB."""
    waiting, size, is_first = ["["] if is_array else [], 0, True
    for found in objects:
        line = dumps(found)
        lead = ("\n" if is_first else ",\n") if is_array else ""
        waiting.append(f"{lead}{line}" if is_array else f"{line}\n")
        size, is_first = size + len(line), False
        if size >= CHUNK_CHARACTERS:
            yield "".join(waiting)
            waiting, size = [], 0
    yield "".join([*waiting, "\n]\n" if is_array else ""])


def shipped(name: str) -> str:
    """Return a file that goes out as it is, such as the code that reads the others."""
    return (files("server.exporters.evaluators") / "shipped" / name).read_text(encoding="utf-8")
