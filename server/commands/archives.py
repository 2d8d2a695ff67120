"""Project archives on the command line: what `export --format archive` and `import FILE.zip` do."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from server.commands.console import Console, opened

FORMAT = "archive"


def export_archive(console: Console, project: str, out: Path, filters: str) -> None:
    """Write everything of a project into a zip file."""
    from server.errors import Invalid
    from server.services import archives, projects

    if filters.strip() not in ("", "{}"):
        raise typer.BadParameter("An archive holds the whole project: leave out --filters.")
    if not out.parent.is_dir():
        raise Invalid(f"The folder {out.parent} does not exist: make it first.")
    with (
        opened(console) as database,
        console.progress(f"Writing {out.name}") as progress,
        database.reading() as session,
    ):
        found = projects.find(session, projects.slug_of(project))
        manifest = archives.write(session, console.settings, found, out, progress)
    traces, size = manifest.tables["trace"].rows, out.stat().st_size
    console.say(f"{out} holds «{found.name}» with {traces:,} traces, in {size:,} bytes.")
    console.answer({"format": FORMAT, "path": str(out), "traces": traces, "bytes": size})


def archives_among(files: Sequence[Path]) -> list[Path]:
    """Return those of the files that are project archives, whatever their names."""
    from server.services import archives

    return [path for path in files if path.is_file() and archives.looks_like(path)]


def import_archives(console: Console, files: Sequence[Path], name: str, *, dry_run: bool) -> None:
    """Make a project of each archive; `name` renames the one there is."""
    if name and len(files) > 1:
        raise typer.BadParameter("--project names one project: import one archive at a time.")
    made = [_inspected(path) for path in files] if dry_run else _opened(console, files, name)
    if dry_run:
        console.say("Nothing was stored: this was a dry run.")
    console.table(
        ("file", "project", "read", "created"),
        ((one["file"], one["project"], one["read"], one["created"]) for one in made),
    )
    console.answer(
        {
            **{count: sum(one[count] for one in made) for count in _COUNTS},
            "refused_file": None,
            "format": FORMAT,
            "seconds": round(sum(one["seconds"] for one in made), 3),
            "files": made,
        }
    )


_COUNTS = ("read", "created", "updated", "unchanged", "refused", "redacted")


def _opened(console: Console, files: Sequence[Path], name: str) -> list[dict[str, Any]]:
    from server.models.base import stored_id
    from server.queries import traces
    from server.services import archives

    made = []
    with opened(console) as database:
        for path in files:
            started = time.monotonic()
            with console.busy(f"Opening {path.name}"), database.writing() as session:
                project = archives.read(session, console.settings, path, name=name)
                count = session.exec(traces.count(stored_id(project))).one()
            console.say(f"{path.name} is the project «{project.slug}» now.")
            made.append(_answer(path, project.slug, count, count, time.monotonic() - started))
    return made


def _inspected(path: Path) -> dict[str, Any]:
    from server.services import archives

    manifest = archives.inspect(path)
    return _answer(path, manifest.project, manifest.tables["trace"].rows, 0, 0.0)


def _answer(path: Path, slug: str, read: int, created: int, seconds: float) -> dict[str, Any]:
    return {
        "file": path.name,
        **dict.fromkeys(_COUNTS, 0),
        "read": read,
        "created": created,
        "refused_file": None,
        "format": FORMAT,
        "seconds": round(seconds, 3),
        "project": slug,
    }
