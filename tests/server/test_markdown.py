"""Text on the screen: every character knows its place, no word is lost, nothing runs."""

import gzip
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.markdown import JsonKind, JsonNode, Mark, Runs, parse_json, to_html
from tests.parsed import Element, parsed

REAL = Path(__file__).parents[1] / "data" / "judged-runs"
ALLOWED = {
    *("p", "blockquote", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "em"),
    *("strong", "s", "div", "pre", "code", "span", "mark", "br", "hr"),
}
ALLOWED_ATTRIBUTES = {"class", "data-at", "data-length", "data-note", "id", "start", "tabindex"}


def covered(text: str, page: Element) -> set[int]:
    """Check every run against the stored text; return the positions that they show."""
    shown: set[int] = set()
    last = 0
    for run in (element for element in page if "data-at" in element.attributes):
        at = int(run.attributes["data-at"])
        if "data-length" in run.attributes:
            end = at + int(run.attributes["data-length"])
        else:
            end = at + len(run.text)
            assert text[at:end] == run.text
        assert last <= at < end <= len(text)
        last = end
        shown.update(range(at, end))
    return shown


def assert_exact_and_whole(text: str) -> Element:
    """Every run stands where it says, and every word is shown (numbers of lists are by CSS)."""
    page = parsed(to_html(text))
    shown = covered(text, page)
    listed = {
        place
        for number in re.finditer(r"(?<![^\s>*+.)-])\d{1,9}[.)](?=\s|$)", text)
        for place in range(*number.span())
    }
    lost = [place for place, c in enumerate(text) if c.isalnum() and place not in shown | listed]
    assert not lost, (text, lost)
    return page


PIECES = [
    *"ab01 *_`~[]()!#>|-+\\&;:<=\"'.\n\t\r",
    *("\n\n", "\r\n", "\0", "  \n", "é", "𝛑", "\u00a0", "\u2028", "\x0b", "\ufeff", "\u200e"),
    *("**", "```", "~~~", "~~", "&amp;", "&#35;", "&lt", "](x)", '[a](b "t")', "![i](u)", "word"),
    *("\n- ", "\n1. ", "\n> ", "\n|a|b|\n|-|-|\n|c|\\||\n", "\n    ", "\n# ", "\n---\n", "\\|"),
    *("<https://a.b>", "<b>", "[r]: u\n", "[r]"),
]
MARKUP = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


@given(MARKUP | st.text(max_size=80))
@settings(max_examples=400, deadline=None)
def test_every_run_is_the_stored_text_at_its_place_and_no_word_is_lost(text: str) -> None:
    assert_exact_and_whole(text)


def real_texts(path: Path) -> list[str]:
    content = path.read_bytes()
    lines = (gzip.decompress(content) if path.suffix == ".gz" else content).decode().split("\n")
    messages = [message for line in lines if line for message in json.loads(line)["messages"]]
    texts = [m.get(key) for m in messages for key in ("content", "reasoning")]
    return [text for text in texts if text]


@pytest.mark.parametrize("name", ["misguided_attention.jsonl.gz", "lrm_token_economy.jsonl"])
def test_real_answers_are_rendered_whole_and_never_fall_back_to_plain_text(name: str) -> None:
    texts = real_texts(REAL / name)
    assert texts
    for text in texts:
        assert not assert_exact_and_whole(text).all("div", class_="plain-text")


@pytest.mark.needs_shared
@pytest.mark.parametrize("folder", ["misguided-attention", "lrm-token-economy"])
def test_every_200th_real_answer_is_exact(shared: Path, folder: str) -> None:
    for text in real_texts(shared / folder / "traces.jsonl")[::200]:
        assert not assert_exact_and_whole(text[:20_000]).all("div", class_="plain-text")


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)><a xlink:href='javascript:alert(1)'>x</a></svg>",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt&colon;alert(1))",
    "[click](  data:text/html;base64,PHNjcmlwdD4= )",
    "![pixel](https://evil.example/p.png?q=secret)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "[![inner](https://evil.example/i.png)](https://evil.example)",
    "<https://evil.example/auto> and https://evil.example/bare",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#60;script&#62;",
    "`<script>` and ```<script>```",
    '```"><script>alert(1)</script>\ncode\n```',
    "```html\n<script>alert(1)</script>\n<style>*{display:none}</style>\n```",
    "|<script>|b|\n|:-:|-|\n|<img src=x onerror=alert(1)>|c|",
    '[x](https://a.example "onmouseover=alert(1)")',
    "[x][r]\n\n[r]: javascript:alert(1)",
    "# <iframe src=//evil.example></iframe>",
    "<!--><script>alert(1)</script>-->",
    "</span></div></section><form action=//evil.example><button>x",
    '<span data-at="0" data-note="1" id="note-form" class="verdicts">forged</span>',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img onerror=a()&gt;">',
    "\u202eevil\u2066 \0<script\0>",
    "<" * 500 + "script>" + "[" * 500 + "](" * 200,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    page = assert_exact_and_whole(text)
    for element in page:
        assert element.tag in ALLOWED
        assert element.attributes.keys() <= ALLOWED_ATTRIBUTES
        assert "id" not in element.attributes
        assert "data-note" not in element.attributes


def test_links_show_text_and_address_and_cannot_be_clicked() -> None:
    page = parsed(to_html('See [the docs](https://a.example/x "T") now'))
    assert not page.all("a")
    assert page.text == 'See the docs(https://a.example/x "T") now'


def test_images_show_alt_and_address_and_fetch_nothing() -> None:
    page = parsed(to_html("![a cat](https://a.example/cat.png)"))
    assert not page.all("img")
    assert page.text == "!a cat(https://a.example/cat.png)"


def test_structure_of_prose() -> None:
    text = "# Title\n\nA **bold** and *slanted* ~~gone~~ `code`\nnext\n\n"
    text += "- one\n- two\n\n3. x\n\n> q\n\n---"
    page = parsed(to_html(text))
    assert [e.text for e in page.all("p", class_="heading heading-1")] == ["Title"]
    assert [page.all(tag)[0].text for tag in ("strong", "em", "s", "code")] == [
        *("bold", "slanted", "gone", "code"),
    ]
    assert len(page.all("br")) == 1
    assert [e.words for e in page.all("li")] == ["one", "two", "x"]
    assert page.all("ol")[0].attributes == {"start": "3"}
    assert page.all("blockquote")[0].words == "q"
    assert page.all("hr")


def test_table_cells_with_written_pipes_stand_where_they_are_written() -> None:
    text = "| a | b |\n|---|---|\n| x \\| y | `z` |\n"
    page = assert_exact_and_whole(text)
    assert [cell.text for cell in page.all("td")] == ["x | y", "z"]
    assert [int(run.attributes["data-at"]) for run in page.all("td")[0].all("span")] == [
        text.index("x"),
        text.index("| y"),
    ]


def test_a_row_with_more_cells_than_its_table_is_shown_as_written() -> None:
    text = "|a|b|\n|-|-|\n|1|2|the third cell|\n"
    assert parsed(to_html(text)).text == text


def test_entities_say_for_how_many_characters_they_stand_and_escapes_need_not() -> None:
    # 012345678901 2: the entity stands at 4 with five characters, the star behind its backslash.
    page = parsed(to_html("a & &amp; \\* b"))
    special = [e for e in page if "data-length" in e.attributes]
    assert [(e.text, e.attributes["data-at"], e.attributes["data-length"]) for e in special] == [
        ("&", "4", "5")
    ]
    (star,) = [e for e in page if e.text == "*"]
    assert star.attributes["data-at"] == "11"


def test_code_is_coloured_by_classes_and_keeps_its_places() -> None:
    text = "Look:\n\n```python\ndef f():\n    return 1\n```\nend"
    page = assert_exact_and_whole(text)
    code = page.all("pre")[0]
    assert code.text == "def f():\n    return 1"
    (keyword,) = [e for e in code if e.text == "def"]
    assert keyword.attributes == {"data-at": str(text.index("def")), "class": "k"}
    assert page.all("div", class_="code-language")[0].text == "python"


def test_code_in_a_list_with_tabs_keeps_its_places() -> None:
    assert_exact_and_whole("- item\n\n  ```\n\tx = 1\n  ```\n\n1.\tcode:\n\n\t\tindented\n")


def marked(page: Element, note: int) -> str:
    return "".join(e.text for e in page.all("mark", data_note=str(note)))


def test_an_anchor_crosses_inline_markup_and_blocks() -> None:
    text = "one **two** three\n\n- four *five*\n- six"
    start, end = text.index("two"), text.index("ive*")
    page = parsed(to_html(text, (Mark(7, start, end, 3),)))
    assert marked(page, 7) == "two threefour f"
    marks = page.all("mark", data_note="7")
    assert [m.attributes.get("id") for m in marks] == ["anchor-7", *[None] * (len(marks) - 1)]
    assert {m.attributes["class"] for m in marks} == {"anchor hue-3"}
    covered(text, page)


def test_overlapping_anchors_are_both_marked() -> None:
    page = parsed(to_html("abcdef", (Mark(1, 0, 4, 1), Mark(2, 2, 6, 2))))
    assert (marked(page, 1), marked(page, 2)) == ("abcd", "cdef")


@given(st.text(alphabet="ab\r\n\0é", max_size=20), st.data())
def test_runs_of_plain_text_cover_it_and_marks_cover_their_range(
    text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    runs = [*Runs(text, (Mark(1, start, end, 1),)).cut(0, len(text))]
    spans = [(run.at, run.at + (run.length or len(run.text))) for run in runs]
    assert [place for span in spans for place in range(*span)] == [*range(len(text))]
    for run, (at, stop) in zip(runs, spans, strict=True):
        assert bool(run.marks) == (at < end and stop > start and start < end)
        if run.length is None:
            assert run.text == text[at:stop]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


def value_of(node: JsonNode, text: str) -> object:
    if node.kind is JsonKind.OBJECT:
        return {json.loads(text[slice(*c.key)]): value_of(c, text) for c in node.children if c.key}
    if node.kind is JsonKind.ARRAY:
        return [value_of(child, text) for child in node.children]
    return json.loads(text[node.start : node.end])


def test_code_is_coloured_up_to_a_bound_of_all_of_a_text() -> None:
    fence = "```python\nimport os\n" + "#" * 9_000 + "\n```\n\n"
    assert to_html(fence * 2).count('class="kn"') == 2
    assert to_html(fence * 4).count('class="kn"') == 2


def test_blanks_behind_a_json_text_take_no_time() -> None:
    tree = parse_json("[1]" + " " * 5_000_000)  # by the square of their number, it took days
    assert tree is not None
    assert tree.end == 3


@given(JSON.filter(lambda value: isinstance(value, dict | list)), st.sampled_from([None, 0, 2]))
def test_the_leaves_of_a_json_tree_are_the_values(value: object, indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    tree = parse_json(text)
    assert tree is not None
    assert value_of(tree, text) == value
    assert text[tree.start : tree.end] == text


@pytest.mark.parametrize(
    "text", ["", "12", '"text"', "{broken", "Error: {}", "[" * 100_000, json.dumps([0] * 5_000)]
)
def test_what_is_no_small_json_object_or_array_is_no_tree(text: str) -> None:
    assert parse_json(text) is None
