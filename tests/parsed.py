"""HTML as a browser would read it, for tests: elements with attributes and text, in order."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_INLINE = frozenset({"a", "span", "mark", "code", "em", "strong", "s", "kbd", "time", "svg", "use"})
_VOID = frozenset({"br", "hr", "input", "link", "meta", "img", "use", "rect", "line", "circle"})


@dataclass
class Element:
    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(c if isinstance(c, str) else c.text for c in self.children)

    @property
    def words(self) -> str:
        """The text as it reads: single spaces, also between blocks and cells."""
        return " ".join("".join(self._pieces()).split())

    def _pieces(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                apart = "" if child.tag in _INLINE else " "
                yield from (apart, *child._pieces(), apart)

    def __iter__(self) -> Iterator["Element"]:
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child

    def all(self, tag: str = "", **attributes: str) -> list["Element"]:
        """Every element inside of that tag whose attributes are as given (`data_at` for `-`)."""
        wanted = {name.rstrip("_").replace("_", "-"): v for name, v in attributes.items()}
        return [
            element
            for element in self
            if element.tag == (tag or element.tag) and wanted.items() <= element.attributes.items()
        ]

    def by_id(self, name: str) -> "Element":
        (found,) = self.all(id=name)
        return found

    def has(self, name: str) -> bool:
        return bool(self.all(id=name))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        places = [place for place, element in enumerate(self.open) if element.tag == tag]
        if places:
            del self.open[places[-1] :]

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parsed(html: str) -> Element:
    """Return the root of a document or fragment."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.open[0]
