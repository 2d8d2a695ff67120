"""Views in a YAML file: tasks with their views, each with its axes, labels and filters."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from server.errors import Invalid

LARGEST = 1_000_000
"""Bytes of a file of views."""
_LONGEST_VALUE = 10_000
_FIELDS = ("name", "x", "y", "filters", "guess_rate")


@dataclass(frozen=True)
class ViewDraft:
    """A view as it is typed or stands in a file, before anything is checked but its shape."""

    name: str
    x: str
    y: str
    task: str = ""
    x_label: str = ""
    y_label: str = ""
    filters: Mapping[str, Any] = field(default_factory=dict)
    guess_rate: float | None = None


class _Loader(yaml.SafeLoader):
    """Plain YAML: no aliases, which can grow without end, and no key twice."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not read: write the part out")
        return super().compose_node(parent, index)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        # Numbers such as 1:1:1:… take longer the longer they are, and names are never so long.
        if isinstance(node, yaml.ScalarNode) and len(node.value) > _LONGEST_VALUE:
            line = node.start_mark.line + 1
            raise yaml.YAMLError(
                f"line {line}: a value is longer than {_LONGEST_VALUE:,} characters"
            )
        return super().construct_scalar(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        counts = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        twice = next((key for key, count in counts.items() if count > 1), None)
        if twice is not None:
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: «{twice}» is there twice")
        return super().construct_mapping(node, deep)


def read_views(content: bytes) -> list[ViewDraft]:
    """Return the views of a file in their order: those under `views`, then those of each task.

    Raises:
        Invalid: Naming the view and the field that does not fit, and what was expected.
    """
    if len(content) > LARGEST:
        raise Invalid(f"A file of views has at most {LARGEST:,} bytes; this one {len(content):,}.")
    try:
        found = yaml.load(content.decode("utf-8-sig"), Loader=_Loader)  # noqa: S506  a SafeLoader
    except UnicodeDecodeError as error:
        raise Invalid("The file is not UTF-8 text.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Invalid(f"The file is no YAML that can be read: {error}.") from error
    if not isinstance(found, Mapping) or not {*found} & {"views", "tasks"}:
        raise Invalid("Expected `views:`, or `tasks:` with `views:` under each task, at the top.")
    _only(found, ("views", "tasks"), "the file")
    drafts = [*_views(found.get("views"), "", "views")]
    tasks = found.get("tasks") or {}
    if not isinstance(tasks, Mapping):
        raise Invalid("tasks: expected the name of each task with its `views:` below.")
    for task, held in tasks.items():
        place = f"tasks.{task}"
        if not isinstance(held, Mapping):
            raise Invalid(f"{place}: expected `views:`.")
        _only(held, ("views",), place)
        drafts += _views(held.get("views"), str(task), f"{place}.views")
    if not drafts:
        raise Invalid("The file holds no view.")
    return drafts


def _views(written: Any, task: str, place: str) -> Iterator[ViewDraft]:
    if written is None:
        return
    if not isinstance(written, list):
        raise Invalid(f"{place}: expected a list of views, each beginning with `- name:`.")
    for number, one in enumerate(written, start=1):
        yield _view(one, task, f"{place}, view {number}")


def _view(written: Any, task: str, place: str) -> ViewDraft:
    if not isinstance(written, Mapping):
        raise Invalid(f"{place}: expected {', '.join(_FIELDS)}.")
    _only(written, _FIELDS, place)
    name = _text(written.get("name"), f"{place}, name")
    place = f"{place} «{name}»"
    filters = written.get("filters") or {}
    if not isinstance(filters, Mapping):
        raise Invalid(f"{place}, filters: expected keys and values, as in the filter bar.")
    (x, x_label), (y, y_label) = (_axis(written.get(side), f"{place}, {side}") for side in "xy")
    return ViewDraft(
        name=name,
        task=task,
        x=x,
        x_label=x_label,
        y=y,
        y_label=y_label,
        filters={str(key): value for key, value in filters.items()},
        guess_rate=_rate(written.get("guess_rate"), f"{place}, guess_rate"),
    )


def _axis(written: Any, place: str) -> tuple[str, str]:
    if not isinstance(written, Mapping):
        return _text(written, place), ""
    _only(written, ("dimension", "label"), place)
    label = written.get("label")
    return (
        _text(written.get("dimension"), f"{place}, dimension"),
        "" if label is None else _text(label, f"{place}, label"),
    )


def _text(written: Any, place: str) -> str:
    if isinstance(written, bool) or not isinstance(written, str | int | float):
        raise Invalid(f"{place}: expected text, found {_kind(written)}.")
    return str(written).strip()


def _rate(written: Any, place: str) -> float | None:
    if written is None:
        return None
    if isinstance(written, bool) or not isinstance(written, int | float):
        raise Invalid(f"{place}: expected a number from 0 to below 1, found {_kind(written)}.")
    return float(written)


def _only(written: Mapping[Any, Any], known: tuple[str, ...], place: str) -> None:
    other = [str(key) for key in written if key not in known]
    if other:
        raise Invalid(f"{place}: «{other[0]}» is not known; there is {', '.join(known)}.")


def _kind(written: Any) -> str:
    if written is None:
        return "nothing"
    names = {list: "a list", dict: "keys and values", bool: "true or false", str: "text"}
    return names.get(type(written), f"«{str(written)[:40]}»")
