"""Whom somebody acts as on a server where nobody signs in."""

from urllib.parse import unquote

from fastapi import Request

from server.models.project import LEAD

ACTING = "faultbook_acting"
"""Cookie with the name of the local person."""


def acting_name(request: Request) -> str:
    """Return the name of the local person a browser chose, or the lead's."""
    return unquote(request.cookies.get(ACTING, LEAD))
