"""Bad input: each file is read or refused with line and reason, never with a traceback."""

import gzip
import json
import random
import tracemalloc
from pathlib import Path

import pytest

from server.importers.base import ImportOptions, Source, TraceDraft, UnreadableSource
from server.importers.registry import chosen

GOOD = '{"id": "good", "messages": [{"role": "user", "content": "Hi"}]}'


def line(content: str, **more: object) -> str:
    """One conversation whose user says `content`, given as the inside of a JSON string."""
    fields = "".join(f', "{key}": {value}' for key, value in more.items())
    return f'{{"messages": [{{"role": "user", "content": "{content}"}}]{fields}}}'


BAD_LINES = {
    "truncated": (b'{"id": "x", "messages": [{"role": "us', "", "ends early"),
    "not JSON": (b"hello", "", "not JSON"),
    "two values": (b"{} {}", "", "not JSON"),
    "latin-1": (line("caf").encode()[:-4] + b'\xe9"}]}', "", "not UTF-8"),
    "NUL byte": (line("a\x00b").encode(), "", "not JSON"),
    "NUL escape": (line("a\\u0000b").encode(), "messages[0].content", "NUL"),
    "NUL in a key": (b'{"a": {"\\u0000": 1}}', "a", "NUL"),
    "lone surrogate": (line("a\\ud83d b").encode(), "messages[0].content", "surrogate"),
    "NaN": (line("a", score="NaN").encode(), "score", "NaN"),
    "Infinity": (line("a", score="-Infinity").encode(), "score", "-Infinity"),
    "beyond a float": (line("a", score="1e999").encode(), "score", "1e999"),
    "a huge integer": (line("a", score="9" * 5000).encode(), "", "digits"),
    "a key twice": (b'{"id": "x", "meta": {"a": 1, "a": 2}}', "meta.a", "twice"),
    "deep": (line("a", x="[" * 10_000 + "]" * 10_000).encode(), "", "nested too deeply"),
    "just too deep": (line("a", x="[" * 300 + "]" * 300).encode(), "", "nested too deeply"),
    "a number": (b"7", "", "expected an object"),
    "no messages": (b'{"id": "x"}', "messages", "found nothing"),
}


@pytest.mark.parametrize(("raw", "field", "reason"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_is_refused_with_its_place_and_kept_and_the_rest_is_read(
    raw, field, reason, read_text
):
    result = read_text(GOOD.encode() + b"\n" + raw + b"\n" + GOOD.replace("good", "2").encode())
    assert [draft.external_id for draft in result.drafts] == ["good", "2"]
    (refused,) = result.refused
    assert (refused.line, refused.field) == (2, field)
    assert reason in refused.reason
    assert refused.record == raw.decode("utf-8", "backslashreplace")
    json.dumps(refused.record).encode()


@pytest.mark.parametrize(("raw", "field", "reason"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_element_of_an_array_is_refused_or_ends_it_with_a_reason(
    raw, field, reason, read_text
):
    content = b"[\n" + GOOD.encode() + b",\n" + raw + b"\n]\n"
    result = read_text(content, "array.json")
    assert [draft.external_id for draft in result.drafts] == ["good"]
    assert [refused.line for refused in result.refused] == [3]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n\n ", "is empty"),
        (b"\xef\xbb\xbf\n", "is empty"),
        ("[]".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04zip", "zip archive"),
        (b"PAR1", "Parquet"),
        (bytes(range(32)) * 40, "not text"),
        (gzip.compress(GOOD.encode() * 100, mtime=0)[:-20], "damaged"),
        (b"\x1f\x8bnot gzip at all", "damaged"),
        (b"\x28\xb5\x2f\xfdnot zstd", "damaged"),
        (b"[]", "no record"),
        (b"{}", "no known format"),
        (b'[1, 2, "three"]', "no known format"),
        (b"{broken\n{broken\n", "First problem: line 1: not JSON"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_says_why(content, words, read_text):
    with pytest.raises(UnreadableSource, match=words):
        read_text(content)


def test_a_missing_file_says_so(tmp_path, read_file):
    with pytest.raises(UnreadableSource, match="No such file"):
        read_file(tmp_path / "nothing.jsonl")


def test_records_before_the_damage_of_a_packed_file_are_read(tmp_path):
    noise = random.Random(0)
    lines = [
        GOOD.replace("good", f"{number}-{noise.random()}").encode() for number in range(100_000)
    ]
    path = tmp_path / "cut.jsonl.gz"
    packed = gzip.compress(b"\n".join(lines))
    path.write_bytes(packed[: len(packed) // 2])
    source, options = Source(path), ImportOptions()
    found = chosen(source, options).read(source, options)
    read = []
    with pytest.raises(UnreadableSource, match=r"cut\.jsonl\.gz is damaged"):
        read.extend(found)
    assert len(read) > 10_000
    assert all(isinstance(item, TraceDraft) for item in read)


def test_a_gzip_bomb_stops_at_the_limit(tmp_path, read_file):
    path = tmp_path / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress(GOOD.encode() + b"\n" + b" " * 50_000_000))
    with pytest.raises(UnreadableSource, match="unpacks to more than 1,000,000 bytes"):
        read_file(path, max_decompressed_bytes=1_000_000, max_record_bytes=100_000)


def test_a_record_over_the_limit_is_refused_and_the_next_is_read(read_text):
    huge = line("x" * 300_000)
    result = read_text(f"{GOOD}\n{huge}\n{GOOD.replace('good', '3')}\n", max_record_bytes=200_000)
    assert [draft.external_id for draft in result.drafts] == ["good", "3"]
    (refused,) = result.refused
    assert refused.line == 2
    assert f"{len(huge) + 1:,} bytes; expected at most 200,000" in refused.reason


def test_an_oversized_element_of_an_array_ends_it_with_a_reason(read_text):
    content = f"[{GOOD},\n{line('x' * 3_000_000)}]"
    result = read_text(content, "array.json", max_record_bytes=200_000)
    assert len(result.drafts) == 1
    assert "more than 200,000 bytes; reading stopped here" in result.refused[0].reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (f"[{GOOD},\n{line('a')}", "ends early"),
        (f"[{GOOD},\n{GOOD}\n", "ends early"),
        (f"[{GOOD}]\n{line('a')}", "after the end"),
        (f"[{GOOD},\n]", "expected an element"),
    ],
)
def test_an_array_that_ends_wrongly_is_refused_there(content, reason, read_text):
    result = read_text(content, "array.json")
    assert result.refused
    assert reason in result.refused[-1].reason


def test_a_bom_and_carriage_returns_are_no_part_of_the_text(read_text):
    result = read_text(b"\xef\xbb\xbf" + GOOD.encode() + b"\r\n\r\n", "traces.jsonl")
    assert [draft.external_id for draft in result.drafts] == ["good"]


def test_text_in_any_script_and_with_invisible_marks_is_kept_as_it_is(read_text):
    text = "שלום \u202e x \u200b 😀 \u0301 \x1b[31m"
    record = {"messages": [{"role": "user", "content": text}]}
    for content in (json.dumps(record), json.dumps(record, ensure_ascii=False)):
        assert read_text(content).drafts[0].steps[0].text == text


def test_the_content_decides_when_the_extension_is_wrong(read_text):
    assert read_text("id,input\n1,Hi\n", "rows.jsonl").format == "table"
    assert read_text(GOOD, "traces.csv").format == "openai-messages"


def test_mixed_formats_in_one_file_read_the_first_and_refuse_the_other(read_text):
    result = read_text(f'{GOOD}\n{{"id": "row", "input": "a", "output": "b"}}\n')
    assert result.format == "openai-messages"
    assert [(r.line, r.field) for r in result.refused] == [(2, "messages")]


def test_a_very_long_trace_is_one_trace(read_text):
    messages = [{"role": "user", "content": f"turn {number}"} for number in range(30_000)]
    (draft,) = read_text([{"messages": messages}]).drafts
    assert len(draft.steps) == 30_000


def test_a_five_megabyte_step_is_read_whole(read_text):
    text = "word " * 1_000_000
    (draft,) = read_text([{"messages": [{"role": "tool", "content": text}]}]).drafts
    assert draft.steps[0].text == text


@pytest.mark.parametrize("name", ["lines.jsonl", "array.json", "rows.csv"])
def test_memory_does_not_grow_with_the_file(name, tmp_path):
    def peak_of(count: int) -> int:
        path = tmp_path / f"{count}-{name}"
        text = "x" * 10_000
        records = [f'{{"messages": [{{"role": "user", "content": "{text}"}}]}}'] * count
        if name == "array.json":
            path.write_text(f"[{','.join(records)}]")
        elif name == "rows.csv":
            path.write_text("input\n" + f"{text}\n" * count)
        else:
            path.write_text("\n".join(records))
        source, options = Source(path), ImportOptions()
        tracemalloc.start()
        for _ in chosen(source, options).read(source, options):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    # 2,000 records are 20 MB of text. What may grow is the table of ids, about 100 bytes each.
    small, large = peak_of(400), peak_of(2_000)
    assert large - small < 4_000_000


def test_every_prefix_of_a_file_is_read_or_refused_without_a_traceback(tmp_path: Path):
    content = (GOOD + "\n" + line("é\\n\\u00e9") + "\n").encode()
    path = tmp_path / "prefix.jsonl"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        source, options = Source(path), ImportOptions()
        try:
            found = list(chosen(source, options).read(source, options))
        except UnreadableSource:
            continue
        assert found
