"""`--executor`: who computes, for commands whose work can be handed out."""

from typing import Annotated

import typer

from server.commands.console import Console


def _checked(value: str | None) -> str | None:
    from server.errors import WrongArgument
    from server.executors.choosing import address_of

    if value is not None:
        try:
            address_of(value)
        except WrongArgument as error:
            raise typer.BadParameter(error.message) from error
    return value


ExecutorOption = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="WHERE",
        callback=_checked,
        help="Who computes: local (this computer), or dask://HOST:PORT, a cluster's scheduler.",
    ),
]


WorkersOption = Annotated[
    int, typer.Option("--workers", min=1, max=64, help="Processes of this computer that compute.")
]


def where(console: Console, given: str | None) -> str:
    """Return who computes: as given, else as the setting says."""
    return given or console.settings.executor
