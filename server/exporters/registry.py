"""Every format there is: what the screen offers, the command line takes and the API names."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from server.errors import Invalid
from server.exporters import (
    csv_table,
    first_turns,
    json_lines,
    label_bundle,
    parquet,
    refi_codebook,
    refi_project,
    workbook,
)
from server.exporters.base import (
    ROWS_SHOWN,
    Exporter,
    Holding,
    Preview,
    lines,
    table_preview,
    text_preview,
)
from server.exporters.choices import Choices
from server.exporters.evaluators import (
    deepeval,
    inspect_dataset,
    judge_prompts,
    promptfoo,
    ragas,
)
from server.exporters.evaluators.cases import narrow
from server.exporters.evaluators.package import Package
from server.exporters.formats import Format
from server.exporters.platforms import braintrust, langfuse, langsmith, phoenix, said
from server.exporters.platforms.feedback import Platform
from server.exporters.reading import Source
from server.exporters.records import Part

_ZIP, _LINES = "application/zip", "application/x-ndjson"


def exporter_of(format: Format) -> Exporter:
    """Return the exporter of a format."""
    return EXPORTERS[format]


def format_of(name: str) -> Format:
    """Return the format of that name; hyphens do as well as underscores.

    Raises:
        Invalid: There is none; the sentence lists those that exist.
    """
    try:
        return Format(name.strip().lower().replace("-", "_"))
    except ValueError:
        raise Invalid(f"There is no format «{name}». Formats: {', '.join(Format)}.") from None


def _write_csv(source: Source, _choices: Choices) -> Iterator[bytes]:
    traces = source.traces(parts=csv_table.PARTS)
    return csv_table.write(csv_table.layout(source.codebook), traces)


def _write_parquet(source: Source, _choices: Choices) -> Iterator[bytes]:
    table = csv_table.layout(source.codebook)
    return parquet.write(table, source.dimension_types(), source.traces(parts=csv_table.PARTS))


def _preview_table(source: Source, _choices: Choices) -> Preview:
    return table_preview(csv_table.layout(source.codebook), source)


def _write_jsonl(source: Source, _choices: Choices) -> Iterator[bytes]:
    return json_lines.write(source.codebook, source.traces())


def _preview_jsonl(source: Source, _choices: Choices) -> Preview:
    codebook = source.codebook
    found = (json_lines.as_object(codebook, one) for one in source.traces(most=ROWS_SHOWN))
    return text_preview(("", lines(found, indent=1)))


def _write_bundle(source: Source, choices: Choices) -> Iterator[bytes]:
    return label_bundle.write(
        source.codebook,
        source.taxonomy(),
        source.traces(parts={Part.LABELS}),
        source.examples(),
        source.manifest(choices.filters),
        judge_prompts.prompts(source, choices),
    )


def _preview_bundle(source: Source, choices: Choices) -> Preview:
    labels = label_bundle.labels(source.codebook, source.traces(parts={Part.LABELS}))
    return text_preview(
        ("taxonomy.json", lines(source.taxonomy(), indent=1, most=1)),
        ("labels.jsonl", lines(labels)),
        ("examples.jsonl", lines(source.examples())),
        ("manifest.json", lines([source.manifest(choices.filters).__dict__], indent=1)),
        *islice(judge_prompts.prompts(source, choices), 1),
    )


def _write_first_turns(source: Source, _choices: Choices) -> Iterator[bytes]:
    return first_turns.write(source.failed())


def _preview_first_turns(source: Source, _choices: Choices) -> Preview:
    turns = map(first_turns.as_object, source.failed(most=ROWS_SHOWN))
    return text_preview(("", lines(turns, indent=1)))


def _modes(source: Source, _choices: Choices) -> Holding:
    modes = len(refi_codebook.read_codes(source))
    if not modes:
        raise Invalid("There is no failure mode to export yet: make one first.")
    return Holding(modes, "failure mode", "failure modes")


def _for_evaluators(format: Format, title: str, text: str, package: Package) -> Exporter:
    return Exporter(
        format,
        title,
        text,
        _ZIP,
        "zip",
        package.write,
        package.preview,
        what=package.tool,
        options=("for_mode", "labels_by", "part", "unlabelled", "judge_model"),
        narrow=narrow,
        is_for_evaluators=True,
    )


def _for_platforms(
    format: Format,
    title: str,
    text: str,
    platform: Platform,
    narrow: Callable[[Source, Choices], Source] = said.narrow,
) -> Exporter:
    return Exporter(
        format,
        title,
        text,
        _ZIP,
        "zip",
        platform.write,
        platform.preview,
        what=platform.tool,
        options=("for_mode", "labels_by", "part"),
        narrow=narrow,
    )


_ALL = (
    Exporter(
        Format.CSV,
        "CSV",
        "One row a trace, one binary column a failure mode: combined and for each person. "
        "Opens in any spreadsheet; text that looks like a formula is made harmless.",
        "text/csv; charset=utf-8",
        "csv",
        _write_csv,
        _preview_table,
    ),
    Exporter(
        Format.PARQUET,
        "Parquet",
        "The same table with types: labels as nullable whole numbers, tokens and scores as "
        "numbers, times as times. For pandas, Polars, DuckDB and Spark. Text is raw.",
        "application/vnd.apache.parquet",
        "parquet",
        _write_parquet,
        _preview_table,
    ),
    Exporter(
        Format.XLSX,
        "Excel",
        "A workbook with the same table, every single label, the codebook, and a sheet that says "
        "what is in it. Nothing in it is a formula.",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
        workbook.write,
        _preview_table,
    ),
    Exporter(
        Format.JSONL,
        "JSON Lines",
        "One object a trace with its labels, anchored notes and verdicts nested. Values are raw.",
        _LINES,
        "jsonl",
        _write_jsonl,
        _preview_jsonl,
    ),
    Exporter(
        Format.LABEL_BUNDLE,
        "Label bundle",
        "A zip for evaluators: taxonomy, labels, examples, a judge's prompt for each failure mode "
        "with examples of the train part, and a manifest with hashes.",
        _ZIP,
        "zip",
        _write_bundle,
        _preview_bundle,
        what="labels",
        options=("part", "judge_model"),
    ),
    Exporter(
        Format.FIRST_TURNS,
        "First turns",
        "JSON Lines to run again: of every trace with a first failing step the messages up to the "
        "turn that failed, with notes and minimal repro.",
        _LINES,
        "jsonl",
        _write_first_turns,
        _preview_first_turns,
        what="first-turns",
        narrow=lambda source, _choices: source.only_failed(),
    ),
    _for_evaluators(
        Format.PROMPTFOO,
        "promptfoo",
        "Recorded outputs as tests, an llm-rubric for each failure mode, and people's values in "
        "the metadata. Pass means that the failure is absent.",
        promptfoo.PACKAGE,
    ),
    _for_evaluators(
        Format.INSPECT,
        "Inspect",
        "A dataset of recorded runs and a task that grades them by model_graded_qa, with the "
        "judge's TPR and TNR against people as metrics. C is pass, I fail.",
        inspect_dataset.PACKAGE,
    ),
    _for_evaluators(
        Format.DEEPEVAL,
        "DeepEval",
        "Recorded runs as goldens and a GEval for each failure mode. A score of 1 is pass.",
        deepeval.PACKAGE,
    ),
    _for_evaluators(
        Format.RAGAS,
        "Ragas",
        "Recorded runs as rows, a DiscreteMetric and an AspectCritic for each failure mode.",
        ragas.PACKAGE,
    ),
    _for_platforms(
        Format.LANGFUSE,
        "Langfuse scores",
        "Labels as scores of their traces, notes as scores of the observation they stand at, under "
        "Langfuse's own ids and ready to send.",
        langfuse.PLATFORM,
    ),
    _for_platforms(
        Format.PHOENIX,
        "Phoenix annotations",
        "Labels as annotations of traces, grouped notes as annotations of spans, and every note as "
        "a note, ready to send.",
        phoenix.PLATFORM,
    ),
    _for_platforms(
        Format.LANGSMITH,
        "LangSmith feedback",
        "Labels as feedback on root runs, notes as feedback on the run they stand at, ready to "
        "send. Only traces whose id is one of LangSmith's, a UUID.",
        langsmith.PLATFORM,
        langsmith.narrow,
    ),
    _for_platforms(
        Format.BRAINTRUST,
        "Braintrust feedback",
        "Labels as scores of the logs' root rows and notes as comments on the row they stand at, "
        "ready to send.",
        braintrust.PLATFORM,
    ),
    Exporter(
        Format.QDC,
        "Codebook, REFI-QDA",
        "The failure modes with their hierarchy, definitions, rules and examples as .qdc, for "
        "ATLAS.ti, MAXQDA, NVivo, QualCoder and other tools of qualitative research.",
        "application/xml",
        "qdc",
        lambda source, _choices: refi_codebook.write(source),
        lambda source, _choices: text_preview(("", b"".join(refi_codebook.write(source)).decode())),
        what="codebook",
        options=(),
        holding=_modes,
        is_refi=True,
    ),
    Exporter(
        Format.QDPX,
        "Project, REFI-QDA",
        "Codebook, traces as texts, dimensions, and notes as coded selections: a .qdpx for the "
        "same tools. Labels and verdicts have no place in it.",
        _ZIP,
        "qdpx",
        lambda source, _choices: refi_project.write(source),
        lambda source, _choices: text_preview(("project.qde", refi_project.preview(source))),
        is_refi=True,
    ),
)

EXPORTERS: Mapping[str, Exporter] = {exporter.name: exporter for exporter in _ALL}
"""Every exporter by its name, in the order of the screen."""
