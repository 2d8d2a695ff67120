"""REFI-QDA files of any tool: `.qdc` codebooks and `.qdpx` projects, read within bounds.

A namespace of another version is no obstacle. Entities and document types are refused, and nothing
of an archive is ever written to disk.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from server.errors import Invalid
from server.importers.base import FieldProblem, ImportOptions, Source, UnreadableSource
from server.importers.files.zip_entries import Archive, archive
from server.refi import codes
from server.refi.codes import children, local, text_of
from server.refi.document import (
    CodingRead,
    Document,
    NoteRead,
    SelectionRead,
    SourceRead,
    VariableRead,
)

SUFFIXES = (".qdc", ".qdpx", ".qde")
_ZIP = b"PK\x03\x04"
_INTERNAL = "internal://"
_OURS = "Faultbook"
_MOST_PARTS = 2_000_000
"""Elements, or attributes: each takes a hundred bytes and more, however short it is written."""
_OTHER_SOURCES = ("PictureSource", "PDFSource", "AudioSource", "VideoSource")


def is_named_so(name: str) -> bool:
    """Whether a file is called as REFI-QDA files are."""
    return name.lower().endswith(SUFFIXES)


def read(source: Source, options: ImportOptions) -> Document:
    """Read a codebook or a project.

    Raises:
        UnreadableSource: It is neither; the sentence says what is wrong with it.
        Invalid: A part of it is missing or contradicts another.
    """
    with source.path.open("rb") as file:
        head = file.read(len(_ZIP))
    if head != _ZIP:
        size = source.path.stat().st_size
        if size > options.max_record_bytes:
            raise UnreadableSource(
                f"{source.shown_name} holds {size:,} bytes, more than the "
                f"{options.max_record_bytes:,} of FAULTBOOK_RECORD_LIMIT_BYTES."
            )
        return _document(_parsed(source.path.read_bytes(), source.shown_name), _Files(None))
    with archive(source, options) as opened:
        return _project(source, opened)


def _project(source: Source, opened: Archive) -> Document:
    inside = next((name for name in opened.names() if name.lower().endswith(".qde")), None)
    if inside is None:
        raise UnreadableSource(
            f"{source.shown_name} is a zip archive without a project.qde: export the project "
            "as REFI-QDA (.qdpx). Nothing was imported."
        )
    try:
        return _document(
            _parsed(opened.read(inside), f"{source.shown_name}/{inside}"), _Files(opened)
        )
    except FieldProblem as problem:
        raise UnreadableSource(f"{source.shown_name}: {problem.reason}.") from problem


class _Files:
    """The texts that lie beside the XML, by the paths that it names."""

    def __init__(self, opened: Archive | None) -> None:
        self._opened = opened
        names = opened.names() if opened else []
        self._names = {name.replace("\\", "/").rsplit("/", 1)[-1].lower(): name for name in names}

    def text(self, path: str, name: str) -> str:
        """Return the text behind a path of the XML.

        Raises:
            Invalid: It is not in the archive, or is no UTF-8.
        """
        wanted = path.removeprefix(_INTERNAL).replace("\\", "/").rsplit("/", 1)[-1].lower()
        entry = self._names.get(wanted)
        if self._opened is None or entry is None:
            raise Invalid(
                f"The text of «{name}» is not in the file: {path} is missing. Nothing was imported."
            )
        try:
            return self._opened.read(entry).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Invalid(
                f"The text of «{name}» is not UTF-8 at byte {error.start}. Nothing was imported."
            ) from error


def _parsed(data: bytes, name: str) -> Element:
    parts = max(data.count(b"<"), data.count(b"="))
    if parts > _MOST_PARTS:
        raise UnreadableSource(
            f"{name} has more than {_MOST_PARTS:,} elements or attributes, which do not fit into "
            "memory. Export a part of the project. Nothing was imported."
        )
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise UnreadableSource(
            f"{name} declares a document type or entities, which are refused. Nothing was imported."
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise UnreadableSource(f"{name} is no XML: {error}. Nothing was imported.") from error
    if local(root) not in ("CodeBook", "Project"):
        raise UnreadableSource(
            f"{name} begins with <{local(root)}>: expected <CodeBook> (.qdc) or <Project> (.qdpx) "
            "of REFI-QDA. Nothing was imported."
        )
    return root


def _document(root: Element, files: _Files) -> Document:
    origin = root.get("origin", "")
    if local(root) == "CodeBook":
        return Document(origin, tuple(codes.read(root)), left_out=_left_out(root))
    books = list(children(root, "CodeBook"))
    sources = [
        _source(one, files)
        for found in children(root, "Sources")
        for one in children(found, "TextSource")
    ]
    return Document(
        origin=origin,
        codes=tuple(code for book in books[:1] for code in codes.read(book)),
        is_project=True,
        users={
            one.get("guid", ""): one.get("name") or one.get("id") or "unnamed"
            for found in children(root, "Users")
            for one in children(found, "User")
        },
        variables={
            one.get("guid", ""): VariableRead(one.get("name", ""), text_of(one, "Description"))
            for found in children(root, "Variables")
            for one in children(found, "Variable")
        },
        sources=tuple(_of_cases(root, _with_ends(sources, origin))),
        notes=tuple(
            _note(one, files)
            for found in children(root, "Notes")
            for one in children(found, "Note")
        ),
        left_out=_left_out(root),
    )


def _left_out(root: Element) -> tuple[str, ...]:
    counts: Counter[str] = Counter()
    for part in root:
        if local(part) in ("Sets", "Graphs", "Links"):
            counts[local(part).lower()] += len(part)
        elif local(part) == "Sources":
            counts.update(local(one) for one in children(part, *_OTHER_SOURCES))
        elif local(part) == "NoteRef":
            counts["notes on the project"] += 1
    counts["notes on codes"] = sum(
        len(list(children(one, "NoteRef"))) for one in root.iter() if local(one) == "Code"
    )
    return tuple(f"{count} {what}" for what, count in counts.items() if count)


def _source(one: Element, files: _Files) -> SourceRead:
    name = one.get("name", "") or one.get("guid", "")
    return SourceRead(
        guid=one.get("guid", ""),
        name=name,
        text=_text(one, files, name),
        description=text_of(one, "Description"),
        selections=(
            *(_selection(found, name) for found in children(one, "PlainTextSelection")),
            *_whole(one),
        ),
        variables=_values(one),
    )


def _text(one: Element, files: _Files, name: str) -> str:
    path = one.get("plainTextPath", "")
    return files.text(path, name) if path else text_of(one, "PlainTextContent")


def _selection(one: Element, source: str) -> SelectionRead:
    try:
        start, end = int(one.get("startPosition", "")), int(one.get("endPosition", ""))
    except ValueError as error:
        raise Invalid(
            f"A selection of «{source}» has no numbers as startPosition and endPosition. "
            "Nothing was imported."
        ) from error
    return SelectionRead(
        start=start,
        end=end,
        name=one.get("name", ""),
        description=text_of(one, "Description"),
        user=one.get("creatingUser", ""),
        at=_time(one.get("creationDateTime", "")),
        codings=_codings(one),
        notes=_refs(one, "NoteRef"),
    )


def _whole(source: Element) -> Iterable[SelectionRead]:
    """Yield what is said of a source as a whole."""
    codings, notes = _codings(source), _refs(source, "NoteRef")
    if codings or notes:
        yield SelectionRead(codings=codings, notes=notes)


def _codings(one: Element) -> tuple[CodingRead, ...]:
    return tuple(
        CodingRead(target, _refs(coding, "NoteRef"), coding.get("creatingUser", ""))
        for coding in children(one, "Coding")
        for target in _refs(coding, "CodeRef")
    )


def _refs(one: Element, name: str) -> tuple[str, ...]:
    return tuple(found.get("targetGUID", "") for found in children(one, name))


def _note(one: Element, files: _Files) -> NoteRead:
    return NoteRead(
        guid=one.get("guid", ""),
        text=_text(one, files, one.get("name") or "a note"),
        description=text_of(one, "Description"),
        user=one.get("creatingUser", ""),
        at=_time(one.get("creationDateTime", "")),
    )


def _time(told: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _values(one: Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for value in children(one, "VariableValue"):
        for key in _refs(value, "VariableRef")[:1]:
            held = next((child for child in value if local(child) != "VariableRef"), None)
            found[key] = None if held is None else _value(held)
    return found


def _value(held: Element) -> Any:
    text = held.text or ""
    kind, bare = local(held), text.strip()
    try:
        if kind == "BooleanValue":
            return bare in ("true", "1")
        if kind == "IntegerValue":
            return int(bare)
        if kind == "FloatValue":
            return float(bare) if "." in bare else int(bare)
    except ValueError:
        return text
    return text


def _of_cases(root: Element, sources: Sequence[SourceRead]) -> Iterable[SourceRead]:
    """Yield sources with the values of the cases that they are of."""
    values: dict[str, Mapping[str, Any]] = {}
    for found in children(root, "Cases"):
        for case in children(found, "Case"):
            for target in _refs(case, "SourceRef"):
                values[target] = {**values.get(target, {}), **_values(case)}
    for source in sources:
        told = {**source.variables, **values.get(source.guid, {})}
        yield replace(source, variables=told)


def _with_ends(sources: Sequence[SourceRead], origin: str) -> Sequence[SourceRead]:
    """Count the ends of selections as the character behind the last one.

    Most tools write that; a few write the last character itself, as the standard can be read.
    The names of selections, which repeat their words, tell which.
    """
    if origin.startswith(_OURS):
        return sources
    behind = last = 0
    for source in sources:
        for one in source.selections:
            if one.start is not None and one.end is not None and one.name.strip():
                behind += source.text[one.start : one.end] == one.name
                last += source.text[one.start : one.end + 1] == one.name
    if last <= behind:
        return sources
    return [
        replace(source, selections=tuple(map(_longer, source.selections))) for source in sources
    ]


def _longer(one: SelectionRead) -> SelectionRead:
    return one if one.end is None else replace(one, end=one.end + 1)
