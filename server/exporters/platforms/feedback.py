"""The zip for one platform: bodies of requests, what sends them, and what the zip holds."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from server import __version__
from server.exporters import zipped
from server.exporters.base import ROWS_SHOWN, Preview, lines, text_preview
from server.exporters.choices import Choices
from server.exporters.json_lines import dumps
from server.exporters.json_lines import lines as json_lines
from server.exporters.platforms.said import SAID, Said, read_said
from server.exporters.reading import Source
from server.exporters.records import Part
from server.exporters.zipped import Pipe, ZippedFile

VERSION = 1
POLARITY = "1: the failure is present; 0: people looked and it is absent."
Bodies = Callable[[Iterable[Said]], Iterator[dict[str, Any]]]


@dataclass(frozen=True)
class Requests:
    """One file: the body of a POST a line, and the path that they go to."""

    file: str
    path: str
    bodies: Bodies
    parts: Collection[Part] = SAID
    """What it is made of."""


@dataclass(frozen=True)
class Platform:
    """A platform that takes feedback on traces."""

    tool: str
    tested_with: str
    """The package of the platform and its version that `make validate-exports` runs."""
    address: str
    """Name of the variable with the address, and the address where it is not set."""
    headers: tuple[tuple[str, str], ...]
    """Header and its value, where `{NAME}` stands for a variable of the environment."""
    requests: tuple[Requests, ...]
    takes: Callable[[Said], bool] = lambda _said: True
    """Whether the platform can know a trace by its id."""
    refusal: str = ""
    """Why traces that it can't take are left out."""

    def write(self, source: Source, choices: Choices) -> Iterator[bytes]:
        """Stream the zip."""
        pipe, counted = Pipe(), _Counted(self.takes)
        said = [read_said(source, choices, parts=one.parts) for one in self.requests]
        written = [
            ZippedFile(one.file, json_lines(one.bodies(counted.of(own))))
            for one, own in zip(self.requests, said, strict=True)
        ]
        with zipped.begun(pipe) as archive:
            for file in [*written, ZippedFile("push.py", [self.push.encode()])]:
                yield from zipped.add(archive, pipe, file)
            told = dumps(self._manifest(source, choices, counted, written), indent=1)
            yield from zipped.add(archive, pipe, ZippedFile("manifest.json", [told.encode()]))
        yield pipe.take()

    def preview(self, source: Source, choices: Choices) -> Preview:
        """Return the beginnings of the files."""
        said = [one for one in read_said(source, choices, most=ROWS_SHOWN) if self.takes(one)]
        shown = [(one.file, lines(one.bodies(said))) for one in self.requests]
        return text_preview(*shown, ("push.py", self.push))

    @property
    def push(self) -> str:
        """The program that sends the bodies."""
        name, _, address = self.address.partition("=")
        told = {
            "@ADDRESS_NAME@": repr(name),
            "@ADDRESS@": repr(address),
            "@HEADERS@": repr(dict(self.headers)),
            "@FILES@": repr({one.file: one.path for one in self.requests}),
        }
        text = _push()
        for mark, value in told.items():
            text = text.replace(mark, value)
        return text

    def _manifest(
        self, source: Source, choices: Choices, counted: "_Counted", written: list[ZippedFile]
    ) -> dict[str, Any]:
        return {
            "format": f"faultbook-{self.tool}",
            "version": VERSION,
            "faultbook": __version__,
            "tested_with": self.tested_with,
            **asdict(source.manifest(choices.filters)),
            "choices": choices.told(),
            "polarity": POLARITY,
            "traces": len(counted.taken),
            "left_out": {"traces": len(counted.left), "because": self.refusal}
            if counted.left
            else {"traces": 0},
            "files": {
                f.name: {"sha256": f.digest, "bytes": f.byte_count, "requests": f.lines}
                for f in written
            },
        }


class _Counted:
    """Which traces went out and which were left out, over all files."""

    def __init__(self, takes: Callable[[Said], bool]) -> None:
        self._takes = takes
        self.taken: set[str] = set()
        self.left: set[str] = set()

    def of(self, said: Iterable[Said]) -> Iterator[Said]:
        for one in said:
            taken = self._takes(one)
            (self.taken if taken else self.left).add(one.trace_id)
            if taken:
                yield one


@cache
def _push() -> str:
    shipped = files("server.exporters.platforms") / "shipped" / "push.py.txt"
    return shipped.read_text(encoding="utf-8")
