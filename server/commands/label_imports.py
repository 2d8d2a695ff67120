"""`import-labels`: exported labels brought back under the names they were given by."""

from pathlib import Path
from typing import Annotated

import typer

from server.commands.console import Console, opened
from server.commands.projects import ProjectOption


def import_labels(
    console: Console,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…", exists=True, dir_okay=False, help="Label bundle, CSV or JSON lines."
        ),
    ],
    project: ProjectOption,
) -> None:
    """Bring exported labels back. A label bundle, the CSV export, or one label a line."""
    from server.importers.label_files import read_label_file
    from server.services import label_imports, projects
    from server.services.label_receipts import LabelsBroughtIn

    read = [(path.name, read_label_file(path)) for path in files]
    with opened(console) as database, database.writing() as session:
        member = projects.local_member(session, projects.find(session, projects.slug_of(project)))
        found = [
            LabelsBroughtIn(name, label_imports.keep(session, member, labels))
            for name, labels in read
        ]
    for one in found:
        console.say(one.sentence())
    console.answer({"files": [one.as_json() for one in found]})
