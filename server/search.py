"""Full-text search over traces, FTS5 or tsvector behind one function, and the traces of filters.

What people type never reaches a query parser: it is split into words and quoted phrases first.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import Session, col, select

from server.models.batch import Batch
from server.models.mode import FailureMode
from server.models.project import Annotator, AnnotatorKind, Member
from server.models.trace import Import, Trace
from server.queries import batches, modes, projects
from server.queries.filter_conditions import ByPeople, Names, Sight, by_people, conditions
from server.queries.filters import Filters

SNIPPET_WORDS = 14
_BEFORE, _AROUND = 40, 110
"""Characters of a snippet in front of what was found, and altogether, on PostgreSQL."""
_START, _END = "\x01", "\x02"
_PIECES = re.compile(r'"([^"]*)"?(\*?)|(\S+)')
_WORD = re.compile(r"[^\W_]+")


class _Piece(NamedTuple):
    """Words that stand next to each other; the last may be the beginning of a longer one."""

    words: str
    is_prefix: bool


@dataclass(frozen=True)
class SnippetPart:
    """A run of a snippet's text, found or not."""

    text: str
    is_hit: bool


def _pieces(text: str) -> list[_Piece]:
    found = []
    for quoted, star, bare in _PIECES.findall(text):
        words = " ".join(_WORD.findall(quoted or bare))
        if words:
            found.append(_Piece(words, bool(star) or bare.endswith("*")))
    return found


def _fts5(pieces: list[_Piece]) -> str:
    return " ".join(f'"{piece.words}"{"*" if piece.is_prefix else ""}' for piece in pieces)


def _tsquery(pieces: list[_Piece]) -> str:
    return " & ".join(
        "(" + " <-> ".join(piece.words.split()) + (":*" if piece.is_prefix else "") + ")"
        for piece in pieces
    )


class _Matches(FunctionElement[bool]):
    inherit_cache = True
    type = sa.Boolean()


@compiles(_Matches, "sqlite")
def _matches_sqlite(element: _Matches, compiler: Any, **kw: Any) -> str:
    trace_id, query, _ = (compiler.process(part, **kw) for part in element.clauses)
    return f"{trace_id} IN (SELECT rowid FROM trace_text WHERE trace_text MATCH {query})"  # noqa: S608  # bound parameters


@compiles(_Matches, "postgresql")
def _matches_postgresql(element: _Matches, compiler: Any, **kw: Any) -> str:
    trace_id, _, query = (compiler.process(part, **kw) for part in element.clauses)
    table = trace_id.rsplit(".", 1)[0]
    return f"({table}.search_words @@ to_tsquery('simple', {query}))"


def search_traces(text: str) -> sa.ColumnElement[bool]:
    """Return the condition that a trace's text has all words of `text`.

    "Words in quotation marks" must stand next to each other, and word* finds longer words. Text
    without a letter or digit finds nothing.
    """
    pieces = _pieces(text)
    if not pieces:
        return sa.false()
    return _Matches(
        col(Trace.id),
        sa.literal(_fts5(pieces)),
        sa.literal(_tsquery(pieces)),
    )


def snippets(session: Session, text: str, trace_ids: list[int]) -> dict[int, list[SnippetPart]]:
    """Return, for each of these traces, the words around what was found."""
    pieces = _pieces(text)
    if not pieces or not trace_ids:
        return {}
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    statement = _snippets_sqlite(pieces) if is_sqlite else _snippets_postgresql(pieces)
    rows = session.execute(statement.bindparams(ids=trace_ids)).all()
    marked = (lambda text: text) if is_sqlite else _marker(pieces)
    return {trace_id: _parts(marked(snippet)) for trace_id, snippet in rows}


def _snippets_sqlite(pieces: list[_Piece]) -> sa.TextClause:
    statement = sa.text(
        "SELECT rowid, snippet(trace_text, 0, char(1), char(2), '…', :words) FROM trace_text "
        "WHERE trace_text MATCH :query AND rowid IN :ids"
    )
    return statement.bindparams(
        sa.bindparam("ids", expanding=True), query=_fts5(pieces), words=SNIPPET_WORDS
    )


def _snippets_postgresql(pieces: list[_Piece]) -> sa.TextClause:
    """Cut around the first word: `ts_headline` would drop the tags that traces are full of."""
    statement = sa.text(
        "SELECT id, substr(search_text, greatest(1, "
        "strpos(lower(search_text), :word) - :before), :around) FROM trace WHERE id IN :ids"
    )
    return statement.bindparams(
        sa.bindparam("ids", expanding=True),
        word=pieces[0].words.split()[0].lower(),
        before=_BEFORE,
        around=_AROUND,
    )


def _marker(pieces: list[_Piece]) -> Callable[[str], str]:
    words = {word for piece in pieces for word in piece.words.split()}
    found = re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))), re.I)
    return lambda text: found.sub(lambda match: f"{_START}{match[0]}{_END}", text)


def _parts(snippet: str) -> list[SnippetPart]:
    parts = []
    for run in re.split(f"({_START}[^{_END}]*{_END})", snippet):
        text = run.replace(_START, "").replace(_END, "")
        if text:
            parts.append(SnippetPart(text, run.startswith(_START)))
    return parts


def names(session: Session, member: Member) -> Names:
    """Return what filters may name in the member's project; merged modes are no longer named."""
    project_id = member.project_id

    def found(statement: sa.Select[*tuple[Any, ...]], name: Any) -> dict[int, str]:
        id_ = name.class_.id
        return dict(session.execute(statement.with_only_columns(id_, name)).all())

    columns = (col(Annotator.id), col(Annotator.name), col(Annotator.kind))
    annotators: Any = projects.annotators(project_id).with_only_columns(*columns)
    people = session.execute(annotators).all()
    return Names(
        mode=found(modes.named(project_id), FailureMode.name) if member.sees_modes else {},
        batch=found(batches.of_project(project_id), Batch.name),
        annotator={person.id: person.name for person in people},
        machines=frozenset(one.id for one in people if one.kind is AnnotatorKind.MACHINE),
        imports=found(select(Import).where(Import.project_id == project_id), Import.file_name),
    )


def matching(
    session: Session,
    member: Member,
    filters: Filters,
    *,
    known: Names | None = None,
    walks: bool = False,
) -> list[sa.ColumnElement[bool]]:
    """Return the conditions on `Trace` that filters mean, for what the member may see.

    Args:
        session: An open session.
        member: Who filters, in which project.
        filters: What a trace has to meet.
        known: The project's names, where the caller has them already.
        walks: Whether traces are gone through until enough are found, instead of all that match.

    Raises:
        Invalid: A filter names what the project does not have.
    """
    if not filters:
        return [col(Trace.project_id) == member.project_id]
    sight = Sight(member, known or names(session, member), search_traces, walks)
    return [col(Trace.project_id) == member.project_id, *conditions(filters, sight)]


def work_asked_for(member: Member, filters: Filters, known: Names) -> ByPeople | None:
    """Return what people's work finds, and the filters that are left; None without such a filter.

    Raises:
        Invalid: A filter names what the project does not have.
    """
    return by_people(filters, Sight(member, known, search_traces))
