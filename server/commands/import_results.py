"""What an import says when it ends: a table of files, what was refused, and one object."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from server.commands.console import Console

if TYPE_CHECKING:
    from server.services.import_counts import ImportResult

_COUNTS = ("read", "created", "updated", "unchanged", "refused")


def tell(console: Console, results: "Sequence[ImportResult]", *, project: str) -> None:
    """Say what became of each file; without a project nothing was stored."""
    answer = together(results)
    rows = [
        (file["file"], file["format"], *(file[name] for name in _COUNTS))
        for file in answer["files"]
        if "skipped" not in file
    ]
    console.table(("file", "format", *_COUNTS), rows)
    for why, skipped in _skipped(answer["files"]).items():
        console.say(f"Skipped, {why}: {', '.join(skipped)}.")
    if answer["redacted"]:
        console.say(f"The project's redaction rules replaced {answer['redacted']:,} finds.")
    if left := answer.get("left"):
        console.say(f"{left:,} were left as they are: a later import has brought them.")
    if not project:
        console.say("Nothing was stored: this was a dry run.")
    _tell_refused(console, results)
    problems = [problem for result in results for problem in result.problems]
    if problems:
        console.fail("\n".join(problems), **answer)
    if project and answer["read"]:
        console.say(f"Next: read them. Run «faultbook serve» and open the project {project}.")
    console.answer(answer)


def _skipped(files: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the names of files that were left out, by the reason."""
    found: dict[str, list[str]] = {}
    for file in files:
        if "skipped" in file:
            found.setdefault(file["skipped"], []).append(file["file"])
    return found


def _tell_refused(console: Console, results: "Sequence[ImportResult]") -> None:
    for result in results:
        for example in result.refused_examples:
            console.say(f"Refused: {example.file}, line {example.line}: {_reason(example)}")
        more = result.counts.totals()["refused"] - len(result.refused_examples)
        if more > 0:
            console.say(f"… and {more:,} more.")
        if result.refused_file:
            console.say(f"All refused records with their reasons: {result.refused_file}")


def _reason(refused: Any) -> str:
    return f"{refused.field}: {refused.reason}" if refused.field else str(refused.reason)


def together(results: "Sequence[ImportResult]") -> dict[str, Any]:
    """Return one answer for all files; where each one's refused records lie is said per file."""
    answers = [result.as_json() for result in results]
    formats = dict.fromkeys(answer["format"] for answer in answers if answer["format"])
    left = sum(answer.get("left", 0) for answer in answers)
    return {
        **{name: sum(answer[name] for answer in answers) for name in (*_COUNTS, "redacted")},
        **({"left": left} if left else {}),
        "refused_file": next((a["refused_file"] for a in answers if a["refused_file"]), None),
        "format": ", ".join(formats),
        "seconds": round(sum(answer["seconds"] for answer in answers), 3),
        "files": [file for answer in answers for file in answer["files"]],
    }
