"""`user`: accounts from the command line, for a server without a browser at hand."""

from typing import Annotated

import typer

from server.commands.console import Console, opened

EmailArgument = Annotated[str, typer.Argument(metavar="EMAIL", help="The address of the account.")]
_PATH = "/invitations/"


def add(
    console: Console,
    email: EmailArgument,
    name: Annotated[str, typer.Option(help="The name that stands at their notes.")],
    admin: Annotated[bool, typer.Option("--admin", help="May manage users.")] = False,
) -> None:
    """Make an account. Prints the one-time path by which its password is chosen."""
    from server.services import accounts, invitations

    with opened(console) as database, database.writing() as session:
        user = accounts.add_without_password(session, name=name, email=email, is_admin=admin)
        secret = invitations.password_secret(session, user)
        address = user.email
    console.say(f"{address} has an account. Open this path of the server to choose a password:")
    console.say(f"{_PATH}{secret}")
    console.answer({"email": address, "path": f"{_PATH}{secret}"})


def reset(console: Console, email: EmailArgument) -> None:
    """Print a one-time path to a new password."""
    from server.services import accounts, invitations

    with opened(console) as database, database.writing() as session:
        user = accounts.find_by_email(session, email)
        secret = invitations.password_secret(session, user)
        address = user.email
    console.say(f"Open this path of the server to choose a new password: {_PATH}{secret}")
    console.answer({"email": address, "path": f"{_PATH}{secret}"})


def sign_in_link(console: Console, email: EmailArgument) -> None:
    """Print a one-time path that signs a user in. For an hour, whatever the provider does."""
    from server.services import accounts, invitations

    with opened(console) as database, database.writing() as session:
        user = accounts.find_by_email(session, email)
        secret = invitations.sign_in_secret(session, user)
        address = user.email
    console.say(f"Open this path of the server within an hour: {_PATH}{secret}")
    console.answer({"email": address, "path": f"{_PATH}{secret}"})


def token(
    console: Console,
    email: EmailArgument,
    name: Annotated[str, typer.Option(help="What the token is for.")],
    scope: Annotated[
        list[str], typer.Option(help="read, annotate, lead or ingest; may be given several times.")
    ],
) -> None:
    """Make an API token and print its secret, this once."""
    from server.errors import Invalid
    from server.services import accounts, tokens
    from server.services.tokens import Scope

    known = {found.value for found in Scope}
    if wrong := [given for given in scope if given not in known]:
        raise Invalid(f"There is no scope «{wrong[0]}». Scopes: {', '.join(sorted(known))}.")
    with opened(console) as database, database.writing() as session:
        user = accounts.find_by_email(session, email)
        secret = tokens.create_token(session, user, name, [Scope(given) for given in scope])
    console.say(f"The token, shown this once: {secret}")
    console.answer({"token": secret, "scopes": sorted(scope)})


def show(console: Console) -> None:
    """List the accounts."""
    from server.queries import users

    with opened(console) as database, database.reading() as session:
        found = [
            (user.email, user.name, user.is_admin, user.disabled_at is not None)
            for user in session.exec(users.everybody())
        ]
    columns = ("email", "name", "admin", "disabled")
    console.table(columns, (tuple(map(str, row)) for row in found))
    console.answer({"users": [dict(zip(columns, row, strict=True)) for row in found]})
