"""REFI-QDA files on the command line: what `import FILE.qdc` and `import FILE.qdpx` do."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from server.commands.console import Console, opened

FORMAT = "refi_qda"


def codebooks_among(files: Sequence[Path]) -> list[Path]:
    """Return those of the files that are called as REFI-QDA files are."""
    from server.importers.refi_qda import is_named_so

    return [path for path in files if path.is_file() and is_named_so(path.name)]


def import_codebooks(console: Console, files: Sequence[Path], name: str, *, dry_run: bool) -> None:
    """Bring each file into the project, as one decision; `dry_run` only reads them."""
    if dry_run:
        _tell(console, [_looked_at(console, path) for path in files], 0.0)
        console.say("Nothing was stored: this was a dry run.")
        return
    if not name:
        raise typer.BadParameter("Say which project: --project NAME (or --dry-run for none).")
    started = time.monotonic()
    _tell(console, _brought_in(console, files, name), time.monotonic() - started)


def _looked_at(console: Console, path: Path) -> dict[str, Any]:
    from server.services import imports, refi_imports

    bounds = imports.options_from(console.settings, format_name="", mapping={}, dimensions=())
    document = refi_imports.read(path, path.name, bounds)
    console.say(f"{path.name}: {len(document.codes)} codes, {len(document.sources)} texts.")
    return {
        "file": path.name,
        "codes": len(document.codes),
        "texts": len(document.sources),
        "left_out": list(document.left_out),
    }


def _brought_in(console: Console, files: Sequence[Path], name: str) -> list[dict[str, Any]]:
    from server.errors import NotFound
    from server.services import imports, projects, refi_imports

    bounds = imports.options_from(console.settings, format_name="", mapping={}, dimensions=())
    documents = [(path.name, refi_imports.read(path, path.name, bounds)) for path in files]
    slug, found = projects.slug_of(name), []
    with opened(console) as database, database.writing() as session:
        try:
            project = projects.find(session, slug)
        except NotFound:
            project = projects.create(session, name)
            console.say(f"There was no project «{name}»: it is made now.")
        member = projects.local_member(session, project)
        for file, document in documents:
            brought = refi_imports.bring_in(session, member, document, file)
            console.say(brought.sentence())
            found.append(brought.as_json())
    return found


def _tell(console: Console, files: list[dict[str, Any]], seconds: float) -> None:
    console.answer({"format": FORMAT, "seconds": round(seconds, 3), "files": files})
