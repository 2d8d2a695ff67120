"""What the two databases spell differently about JSON columns: dimensions and tags of a trace."""

import json
import re
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from server.models.trace import Trace

_DIMENSIONS: Any = Trace.dimensions
_TAGS: Any = Trace.tags
_METADATA: Any = Trace.metadata_


class _DimensionText(FunctionElement[str]):
    inherit_cache = True
    type = sa.Text()


class _PathText(FunctionElement[str]):
    inherit_cache = True
    type = sa.Text()


class _DimensionNumber(FunctionElement[float]):
    inherit_cache = True
    type = sa.Float()


class _HasTag(FunctionElement[bool]):
    inherit_cache = True
    type = sa.Boolean()


class _Mentions(FunctionElement[bool]):
    """Whether the JSON text of a column has these characters in it, which SQLite asks first.

    It tells most traces in a fraction of the time that it takes to read their JSON.
    """

    inherit_cache = True
    type = sa.Boolean()

    def __init__(self, column: Any, text: str) -> None:
        super().__init__(column, sa.literal(text, sa.Text()))


class _NothingEscaped(FunctionElement[bool]):
    """Whether the JSON text of a column has no escapes; SQLite then need not read it."""

    inherit_cache = True
    type = sa.Boolean()


class _OnTheWay(FunctionElement[bool]):
    inherit_cache = True
    type = sa.Boolean()


_STANDS_AS_IT_IS = re.compile(r"(?![01](\.0)?$|true$|false$)[A-Za-z0-9 _:/-]+|[0-9]{1,15}\.0")
"""Texts that their JSON has in it, whole: no escapes, no truths, no numbers with several forms."""


def dimension_text(name: str) -> sa.ColumnElement[str]:
    """The value of a dimension as text; 3.0 may be written "3" or "3.0", true "1" or "true"."""
    return _DimensionText(_DIMENSIONS, sa.literal(f'$."{name}"'), sa.literal(name, sa.Text()))


def metadata_text(*names: str) -> sa.ColumnElement[str]:
    """The value at a path of plain names in the metadata, as text."""
    path = "$" + "".join(f'."{name}"' for name in names)
    return _PathText(_METADATA, sa.literal(path), sa.literal(",".join(names), sa.Text()))


def dimension_number(name: str) -> sa.ColumnElement[float]:
    """The value of a dimension where it is a number; compare it with `between` only.

    SQLite leaves text as it is, which lies above every number, infinity included.
    """
    return _DimensionNumber(_DIMENSIONS, sa.literal(f'$."{name}"'), sa.literal(name, sa.Text()))


def has_tag(tag: str) -> sa.ColumnElement[bool]:
    """Whether a trace carries a tag."""
    found = _HasTag(_TAGS, sa.literal(tag, sa.Text()))
    written = json.dumps(tag)
    if written != f'"{tag}"':
        return found
    # Where no character is escaped, quotation marks are the ends of tags and of nothing else.
    return sa.and_(_Mentions(_TAGS, written), sa.or_(_NothingEscaped(_TAGS), found))


def on_the_way(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """The same condition, asked of rows that others find: PostgreSQL looks it up in no index.

    It would gather the third of all traces that has a tag, to find few of them by the others.
    """
    return _OnTheWay(condition)


def dimension_is(name: str, texts: Collection[str]) -> sa.ColumnElement[bool]:
    """Whether the text of a dimension is one of these, numbers and truths in all their forms."""
    found = dimension_text(name).in_(texts)
    if not all(map(_STANDS_AS_IT_IS.fullmatch, texts)):
        return found
    return sa.and_(sa.or_(*(_Mentions(_DIMENSIONS, text) for text in texts)), found)


@compiles(_PathText, "sqlite")
@compiles(_DimensionText, "sqlite")
def _text_sqlite(element: _DimensionText | _PathText, compiler: Any, **kw: Any) -> str:
    column, path, _ = element.clauses
    json, key = compiler.process(column, **kw), compiler.process(path, **kw)
    return f"CAST(json_extract({json}, {key}) AS TEXT)"


@compiles(_DimensionText, "postgresql")
def _text_postgresql(element: _DimensionText, compiler: Any, **kw: Any) -> str:
    column, _, name = element.clauses
    return f"({compiler.process(column, **kw)} ->> {compiler.process(name, **kw)})"


@compiles(_PathText, "postgresql")
def _path_postgresql(element: _PathText, compiler: Any, **kw: Any) -> str:
    column, _, names = element.clauses
    path = f"string_to_array({compiler.process(names, **kw)}, ',')"
    return f"({compiler.process(column, **kw)} #>> {path})"


@compiles(_DimensionNumber, "sqlite")
def _number_sqlite(element: _DimensionNumber, compiler: Any, **kw: Any) -> str:
    column, path, _ = element.clauses
    return f"json_extract({compiler.process(column, **kw)}, {compiler.process(path, **kw)})"


@compiles(_DimensionNumber, "postgresql")
def _number_postgresql(element: _DimensionNumber, compiler: Any, **kw: Any) -> str:
    column, _, name = element.clauses
    json, key = compiler.process(column, **kw), compiler.process(name, **kw)
    return (
        f"(CASE WHEN jsonb_typeof({json} -> {key}) = 'number' "
        f"THEN ({json} ->> {key})::double precision END)"
    )


@compiles(_HasTag, "sqlite")
def _tag_sqlite(element: _HasTag, compiler: Any, **kw: Any) -> str:
    column, tag = (compiler.process(part, **kw) for part in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_each({column}) AS tag WHERE tag.value = {tag})"  # noqa: S608  # bound parameters


@compiles(_Mentions, "sqlite")
def _mentions_sqlite(element: _Mentions, compiler: Any, **kw: Any) -> str:
    column, text = (compiler.process(part, **kw) for part in element.clauses)
    return f"instr({column}, {text}) > 0"


@compiles(_Mentions, "postgresql")
def _mentions_postgresql(_element: _Mentions, _compiler: Any, **_kw: Any) -> str:
    return "true"


@compiles(_NothingEscaped, "sqlite")
def _nothing_escaped_sqlite(element: _NothingEscaped, compiler: Any, **kw: Any) -> str:
    (column,) = (compiler.process(part, **kw) for part in element.clauses)
    return f"instr({column}, char(92)) = 0"


@compiles(_NothingEscaped, "postgresql")
def _nothing_escaped_postgresql(_: _NothingEscaped, _compiler: Any, **_kw: Any) -> str:
    return "false"


@compiles(_HasTag, "postgresql")
def _tag_postgresql(element: _HasTag, compiler: Any, **kw: Any) -> str:
    column, tag = (compiler.process(part, **kw) for part in element.clauses)
    return f"({column} @> jsonb_build_array({tag}::text))"


@compiles(_OnTheWay, "sqlite")
def _on_the_way_sqlite(element: _OnTheWay, compiler: Any, **kw: Any) -> str:
    return f"({compiler.process(element.clauses, **kw)})"


@compiles(_OnTheWay, "postgresql")
def _on_the_way_postgresql(element: _OnTheWay, compiler: Any, **kw: Any) -> str:
    return f"(({compiler.process(element.clauses, **kw)}) IS TRUE)"
