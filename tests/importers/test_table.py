"""CSV and JSON lines with fields of one's own: guessing, mapping, rows that do not fit."""

import json

import pytest

from server.importers.base import ImportOptions, Source, UnreadableSource
from server.importers.preview import preview
from server.models.trace import Outcome, StepKind

CSV = """id,Question,answer,model,passed,persona,tokens out
r1,How do I pay?,"Go to ""Pay"",
then choose.",gpt-4o,1,new,12
r2,Where is my card?,,gpt-4o,0,old,
"""


def test_a_csv_with_common_column_names_is_read_without_a_mapping(read_text):
    result = read_text(CSV, "rows.csv")
    assert result.format == "table"
    first, second = result.drafts
    assert [(s.role, s.text) for s in first.steps] == [
        ("user", "How do I pay?"),
        ("assistant", 'Go to "Pay",\nthen choose.'),
    ]
    assert (first.external_id, first.model, first.outcome) == ("r1", "gpt-4o", Outcome.CORRECT)
    assert first.metadata == {"persona": "new", "tokens out": "12"}
    assert [s.role for s in second.steps] == ["user"]
    assert second.outcome is Outcome.INCORRECT


def test_a_mapping_names_any_column(read_text):
    result = read_text(
        "nr;frage;antwort;gedanke;länge\n1;Wie?;So.;Hm.;3\n",
        "rows.csv",
        mapping={
            "external_id": "nr",
            "input": "frage",
            "output": "antwort",
            "reasoning": "gedanke",
            "dimensions.length": "länge",
        },
    )
    (draft,) = result.drafts
    assert [(s.kind, s.text) for s in draft.steps] == [
        (StepKind.MESSAGE, "Wie?"),
        (StepKind.REASONING, "Hm."),
        (StepKind.MESSAGE, "So."),
    ]
    assert draft.dimensions == {"length": 3}
    assert draft.metadata == {}


def test_a_field_mapped_to_nothing_is_left_empty(read_text):
    (draft,) = read_text("id,input,model\na,Hi,m\n", "rows.csv", mapping={"external_id": ""}).drafts
    assert draft.external_id.startswith("content-")
    assert draft.metadata == {"id": "a"}


def test_json_lines_map_by_dotted_paths(read_text):
    record = {"uuid": "u", "io": {"in": "1+1?", "out": ["2"]}, "meta": {"llm": "qwen3-8b"}}
    (draft,) = read_text(
        [record], mapping={"input": "io.in", "output": "io.out", "model": "meta.llm"}
    ).drafts
    assert [s.text for s in draft.steps] == ["1+1?", '["2"]']
    assert (draft.external_id, draft.model_family) == ("u", "qwen")


def test_messages_in_a_csv_cell_are_read_as_a_conversation(read_text):
    messages = json.dumps([{"role": "user", "content": "Hi"}])
    quoted = messages.replace('"', '""')
    result = read_text(
        f'id,chat\n1,"{quoted}"\n2,not JSON\n', "rows.csv", mapping={"messages": "chat"}
    )
    assert [s.text for s in result.drafts[0].steps] == ["Hi"]
    assert [(r.line, r.field) for r in result.refused] == [(3, "chat")]


def test_rows_that_do_not_fit_the_header_are_refused_with_their_text(read_text):
    content = "id,input,output\n1,a,b\n2,a\n3,a,b,c\n\n4,a,b\n5,,\n"
    result = read_text(content, "rows.csv")
    assert [d.external_id for d in result.drafts] == ["1", "4"]
    assert [(r.line, r.record) for r in result.refused] == [(3, "2,a"), (4, "3,a,b,c"), (7, "5,,")]


def test_a_row_broken_by_a_stray_quote_does_not_take_the_next_with_it(read_text):
    content = 'id,input\n1,"a"b\n2,fine\n'
    result = read_text(content, "rows.csv")
    assert [d.external_id for d in result.drafts] == ["2"]
    assert [(r.line, r.record) for r in result.refused] == [(2, '1,"a"b')]


def test_a_quote_that_never_closes_refuses_its_line_and_the_next_rows_are_read(read_text):
    result = read_text('id,input\n1,fine\n2,"open\n3,here\n4,"also, here"\n', "rows.csv")
    assert [(d.external_id, d.steps[0].text) for d in result.drafts] == [
        ("1", "fine"),
        ("3", "here"),
        ("4", "also, here"),
    ]
    (refused,) = result.refused
    assert (refused.line, refused.record) == (3, '2,"open')


def test_a_quote_that_never_closes_is_refused_with_the_lines_of_its_row(read_text):
    result = read_text('id,input\n1,fine\n2,"open\nits second line\n', "rows.csv")
    assert [d.external_id for d in result.drafts] == ["1"]
    (refused,) = result.refused
    assert (refused.line, refused.record) == (3, '2,"open\nits second line')


def test_a_row_over_the_limit_is_refused_and_reading_goes_on(read_text):
    rows = "".join(f"{n},x\n" for n in range(20))
    content = f'id,input\na,"open\n{rows}b,fine\n'
    result = read_text(content, "rows.csv", max_record_bytes=40)
    assert result.drafts[-1].external_id == "b"
    assert result.refused[0].line == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,a\n1,2\n", "names the column «a» twice"),
        ("frage,antwort\n1,2\n", "Columns: frage, antwort"),
        (f"item,{','.join(f'm{n}' for n in range(51))}\n{'1,' * 51}1\n", r"m22 and 28 more\. Map"),
        ('{"run": 1, "said": []}\n', r"Fields: run, said\..*messages=path"),
        ("one line without anything\n", "holds no record that can be read"),
    ],
)
def test_a_csv_that_cannot_be_read_says_what_to_do(content, words, read_text):
    with pytest.raises(UnreadableSource, match=words):
        read_text(content, "rows.csv")


def test_the_preview_shows_columns_mapping_traces_and_refusals(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(CSV + "r1,again,x,gpt-4o,1,new,1\n")
    shown = preview(Source(path), ImportOptions())
    assert shown.format == "table"
    assert shown.columns[:3] == ("id", "Question", "answer")
    assert shown.mapping == {
        "external_id": "id",
        "input": "Question",
        "output": "answer",
        "model": "model",
        "passed": "passed",
    }
    assert [d.external_id for d in shown.drafts] == ["r1", "r2"]
    assert [r.field for r in shown.refused] == ["external_id"]


def test_the_preview_of_json_lists_the_paths_one_can_map(tmp_path):
    path = tmp_path / "traces.jsonl"
    path.write_text('{"question": "1+1?", "meta": {"persona": "new", "log": [1]}}\n')
    assert preview(Source(path), ImportOptions()).columns == ("question", "meta.persona")


@pytest.mark.parametrize("field", ["model", "dimensions.persona", "metadata.who"])
def test_a_nested_path_takes_only_what_it_names(field, read_text):
    record = {"input": "Hi", "meta": {"who": "new", "region": "EU"}, "tags2": {"who": "kept"}}
    (draft,) = read_text([record], mapping={field: "meta.who"}).drafts
    expected = {"meta": {"region": "EU"}, "tags2": {"who": "kept"}}
    assert draft.metadata == expected | ({"who": "new"} if field == "metadata.who" else {})


def test_a_dimension_stays_in_the_metadata_it_was_chosen_from(read_text):
    record = {"input": "Hi", "meta": {"who": "new", "region": "EU"}}
    (draft,) = read_text([record], dimensions=("meta.who",)).drafts
    assert draft.dimensions == {"meta.who": "new"}
    assert draft.metadata == {"meta": {"who": "new", "region": "EU"}}


def test_paths_reach_into_the_json_of_a_csv_cell_which_is_kept_whole(read_text):
    cell = json.dumps({"llm": "qwen3-8b", "log": [{"n": 1}]})
    quoted = cell.replace('"', '""')
    content = f'input,meta\nHi,"{quoted}"\nHo,not JSON\n'
    result = read_text(content, "rows.csv", mapping={"model": "meta.llm"})
    assert [draft.model for draft in result.drafts] == ["qwen3-8b", ""]
    assert [draft.metadata for draft in result.drafts] == [{"meta": cell}, {"meta": "not JSON"}]


def test_the_preview_offers_the_paths_inside_a_csv_cell(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text('input,meta\nHi,"{""llm"": ""q"", ""deep"": {""er"": 1}}"\n')
    assert preview(Source(path), ImportOptions()).columns == (
        "input",
        "meta",
        "meta.llm",
        "meta.deep.er",
    )


def test_a_misspelt_column_is_named_before_anything_is_read(read_text):
    with pytest.raises(UnreadableSource, match=r"no column «modle»\. Columns: input, model\."):
        read_text("input,model\nHi,m\n", "rows.csv", mapping={"model": "modle"})


def test_a_path_that_no_record_has_is_named_in_the_end(read_text):
    records = [{"input": "Hi", "meta": {}}, {"input": "Ho", "meta": {"llm": "q"}}]
    assert len(read_text(records, mapping={"model": "meta.llm"}).drafts) == 2
    with pytest.raises(UnreadableSource, match=r"No record of traces\.jsonl has «meta\.lm»"):
        read_text(records, mapping={"model": "meta.lm"})


def test_a_sheet_in_an_old_encoding_is_told_how_to_be_saved(tmp_path, read_file):
    sheet = tmp_path / "sheet.csv"
    sheet.write_bytes("Größe;Antwort\n1;2\n".encode("cp1252"))
    with pytest.raises(UnreadableSource, match="Save the file as UTF-8"):
        read_file(sheet)


def test_blank_rows_of_a_spreadsheet_are_blank_lines(read_text):
    found = read_text("question;answer\nHi;Ho\n;\n;\n", "rows.csv")
    assert (len(found.drafts), found.refused) == (1, [])


def test_a_decimal_comma_is_refused_with_what_to_write_instead(read_text):
    found = read_text("question;answer;price\nHi;Ho;0,05\n", "rows.csv", mapping={"cost": "price"})
    assert [refused.reason for refused in found.refused] == [
        "found the text «0,05»; expected a number with a decimal point, such as 0.5"
    ]


def test_a_text_that_is_not_where_it_was_said_to_be_is_told_by_its_path(read_text):
    found = read_text([{"id": "a", "said": "Hi"}], mapping={"output": "meta.said"})
    assert "nothing stands at «meta.said»" in found.refused[0].reason
