"""A project as REFI-QDA (`.qdpx`): a text and a case for each trace, notes as coded selections."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any
from xml.etree.ElementTree import Element, SubElement
from xml.sax.saxutils import quoteattr

from server.exporters import zipped
from server.exporters.reading import Source
from server.exporters.records import NoteRecord, Part, TraceRecord
from server.exporters.refi_codebook import DECLARATION, ORIGIN, read_codes, serialised
from server.exporters.zipped import Pipe, ZippedFile
from server.models.base import stored_id
from server.models.project import AnnotatorKind
from server.queries import modes as mode_queries
from server.queries import projects, refi
from server.refi import codes, guids
from server.refi.layout import writable
from server.refi.source_text import SourceStep, SourceText, compose, even, outline
from server.refi.variables import FACTS, AsJson, Kind, kind_of, variable_name

NAMESPACE = "urn:QDA-XML:project:1.0"
_AT_ONCE = 200
_NAME_CHARACTERS = 200
_TEXT, _NUMBER = "TextValue", "FloatValue"


@dataclass(frozen=True)
class _Placed:
    """A trace with the text it becomes."""

    trace: TraceRecord
    steps: Sequence[SourceStep]
    positions: dict[int, int]
    """Position of a step to its place in `steps`."""
    source: SourceText


@dataclass(frozen=True)
class _People:
    """Whose notes go out: people's; what machines wrote is not coding."""

    machines: frozenset[str]

    def notes(self, trace: TraceRecord) -> list[tuple[str, NoteRecord]]:
        """Return the notes of a trace that people wrote, each with its identity."""
        seen: dict[str, int] = {}
        found = []
        for note in trace.notes:
            if note.annotator not in self.machines:
                told = (trace.trace_id, note.annotator, note.at.isoformat(), note.text)
                key = guids.made("note", *told)
                seen[key] = seen.get(key, 0) + 1
                again = seen[key] > 1
                found.append((guids.made(key, str(seen[key])) if again else key, note))
        return found


def write(source: Source) -> Iterator[bytes]:
    """Stream the project; texts of traces are read again for each part of it, a few at a time."""
    pipe = Pipe()
    with zipped.begun(pipe) as archive:
        yield from zipped.add(archive, pipe, ZippedFile("project.qde", _document(source)))
        for trace, read in source.runs(source.traces(parts=())):
            steps = [SourceStep(one.role, one.kind.value, one.name, one.text) for one in read]
            name = f"sources/{_source_guid(trace)}.txt"
            file = ZippedFile(name, [compose(steps).text.encode()])
            yield from zipped.add(archive, pipe, file)
    yield pipe.take()


def preview(source: Source) -> str:
    """Return the beginning of `project.qde`: what stands before the traces."""
    return b"".join(islice(_document(source), 4)).decode()


def _document(source: Source) -> Iterator[bytes]:
    name = quoteattr(writable(source.member.project.name))
    yield (
        f"{DECLARATION}<Project xmlns={quoteattr(NAMESPACE)} name={name} "
        f"origin={quoteattr(ORIGIN)}>\n"
    ).encode()
    people = _people(source)
    yield from _listed("Users", _users(source, people))
    found = read_codes(source)
    if found:
        book = Element("CodeBook")
        book.append(codes.element(found))
        yield serialised(book)
    kinds = _kinds(source)
    yield from _listed("Variables", (_variable(name, kind) for name, kind in kinds.items()))
    yield from _listed("Cases", (_case(trace, kinds) for trace in source.traces(parts=())))
    modes = {
        stored_id(m): m.guid
        for m in source.session.exec(mode_queries.of_project(source.member.project_id))
    }
    yield from _listed("Sources", (_source(one, people, modes) for one in _placed(source)))
    yield from _listed(
        "Notes", (_note(key, note) for t in _noted(source) for key, note in people.notes(t))
    )
    yield b"</Project>\n"


def _listed(name: str, elements: Iterable[Element]) -> Iterator[bytes]:
    """Yield elements inside one of that name; nothing where there is none, as the schema wants."""
    is_open = False
    for one in elements:
        yield (b"" if is_open else f"  <{name}>\n".encode()) + serialised(one, 2)
        is_open = True
    if is_open:
        yield f"  </{name}>\n".encode()


def _people(source: Source) -> _People:
    everybody = source.session.exec(projects.annotators(source.member.project_id)).all()
    machines = {one.name for one in everybody if one.kind is AnnotatorKind.MACHINE}
    return _People(
        frozenset(machines - {o.name for o in everybody if o.kind is AnnotatorKind.HUMAN})
    )


def _noted(source: Source) -> Iterator[TraceRecord]:
    return source.traces(parts={Part.NOTES})


def _source_guid(trace: TraceRecord) -> str:
    return guids.made("source", trace.trace_id)


def _users(source: Source, people: _People) -> Iterator[Element]:
    writers = {note.annotator for trace in _noted(source) for _, note in people.notes(trace)}
    for name in sorted(writers):
        yield Element("User", guid=guids.made("user", name), name=writable(name))


def _kinds(source: Source) -> dict[str, Kind]:
    """Return every variable with its kind: facts of traces first, then their dimensions."""
    types = source.dimension_types()
    return {
        **{f"trace.{name}": kind for name, kind in FACTS.items()},
        **{variable_name(name): kind_of(found) for name, found in sorted(types.items())},
    }


def _variable(name: str, kind: Kind) -> Element:
    one = Element(
        "Variable", guid=guids.made("variable", name), name=writable(name), typeOfVariable=kind.type
    )
    SubElement(one, "Description").text = kind.description
    return one


def _case(trace: TraceRecord, kinds: dict[str, Kind]) -> Element:
    case = Element("Case", guid=guids.made("case", trace.trace_id), name=writable(trace.trace_id))
    facts = {f"trace.{name}": trace.fields.get(name) for name in FACTS}
    told = {name: value for name, value in facts.items() if value not in (None, "")}
    told |= {variable_name(name): value for name, value in trace.fields["params"].items()}
    for name, value in told.items():
        held = SubElement(case, "VariableValue")
        SubElement(held, "VariableRef", targetGUID=guids.made("variable", name))
        if value is not None:
            element, text = _value(kinds[name], value)
            SubElement(held, element).text = text
    SubElement(case, "SourceRef", targetGUID=_source_guid(trace))
    return case


def _value(kind: Kind, value: Any) -> tuple[str, str]:
    if isinstance(kind, AsJson):
        return _TEXT, json.dumps(value)
    if kind.type == "Boolean":
        return "BooleanValue", "true" if value else "false"
    if kind.type == "Integer":
        return "IntegerValue", str(value)
    if kind.type == "Float":
        return _NUMBER, format(Decimal(repr(value)), "f")
    return _TEXT, writable(str(value))


def _placed(source: Source) -> Iterator[_Placed]:
    traces = _noted(source)
    while some := list(islice(traces, _AT_ONCE)):
        names = [trace.trace_id for trace in some]
        steps: dict[str, list[tuple[int, SourceStep]]] = {name: [] for name in names}
        asked = refi.steps_of(source.member.project_id, names)
        rows = source.session.connection().execute(asked)
        for name, position, role, kind, title, text, call_id, data in rows:
            step = SourceStep(role, kind.value, title, text, call_id, data)
            steps[name].append((position, step))
        for trace in some:
            own = [step for _, step in steps[trace.trace_id]]
            positions = {position: n for n, (position, _) in enumerate(steps[trace.trace_id])}
            yield _Placed(trace, own, positions, compose(own))


def _source(placed: _Placed, people: _People, modes: dict[int, str]) -> Element:
    guid = _source_guid(placed.trace)
    one = Element(
        "TextSource",
        guid=guid,
        name=writable(placed.trace.trace_id),
        plainTextPath=f"internal://{guid}.txt",
    )
    SubElement(one, "Description").text = outline(placed.steps, placed.source.spans)
    whole: list[Element] = []
    loose: list[Element] = []
    for key, note in people.notes(placed.trace):
        coding = _coding(key, note, modes)
        where = _span(placed, note)
        if where is None:
            (loose if coding is None else whole).append(_ref(key) if coding is None else coding)
        else:
            _select(one, key, note, coding, placed.source.text, where)
    one.extend([*whole, *loose])
    return one


def _span(placed: _Placed, note: NoteRecord) -> tuple[int, int] | None:
    """Return the characters of a source that a note is tied to; None where to the whole run."""
    place = placed.positions.get(-1 if note.step is None else note.step)
    if place is None:
        return None
    first, last = placed.source.spans[place]
    if note.start is None or note.end is None:
        return first, last
    text = placed.steps[place].text
    return first + len(even(text[: note.start])), first + len(even(text[: note.end]))


def _select(
    source: Element,
    key: str,
    note: NoteRecord,
    coding: Element | None,
    text: str,
    where: tuple[int, int],
) -> None:
    start, end = where
    one = SubElement(
        source,
        "PlainTextSelection",
        guid=guids.made("selection", key),
        name=writable(" ".join(text[start : min(end, start + _NAME_CHARACTERS)].split())),
        startPosition=str(start),
        endPosition=str(end),
        creatingUser=guids.made("user", note.annotator),
        creationDateTime=note.at.isoformat().replace("+00:00", "Z"),
    )
    one.append(_ref(key) if coding is None else coding)


def _coding(key: str, note: NoteRecord, modes: dict[int, str]) -> Element | None:
    if note.mode is None or note.mode not in modes:
        return None
    coding = Element(
        "Coding", guid=guids.made("coding", key), creatingUser=guids.made("user", note.annotator)
    )
    SubElement(coding, "CodeRef", targetGUID=modes[note.mode])
    coding.append(_ref(key))
    return coding


def _ref(key: str) -> Element:
    return Element("NoteRef", targetGUID=key)


def _note(key: str, note: NoteRecord) -> Element:
    one = Element(
        "Note",
        guid=key,
        creatingUser=guids.made("user", note.annotator),
        creationDateTime=note.at.isoformat().replace("+00:00", "Z"),
    )
    flags = [("first failure", note.is_first_failure), ("independent failure", note.is_independent)]
    if told := ", ".join(name for name, is_so in flags if is_so):
        SubElement(one, "Description").text = told
    SubElement(one, "PlainTextContent").text = writable(note.text)
    return one
