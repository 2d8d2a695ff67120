"""Who may do what in the API where the screens have no such question."""

from typing import Annotated

from fastapi import Depends, Request

from server.db import SessionDep
from server.errors import Forbidden
from server.models.project import Member
from server.routes.principal import PrincipalDep
from server.routes.screen import Screen, reader
from server.services import projects
from server.services.tokens import Scope


def _memberships(session: SessionDep, who: PrincipalDep) -> list[Member]:
    if not who.may(Scope.READ):
        raise Forbidden("This token may not read: its scopes lack «read».")
    only = None if who.token is None else who.token.project_id
    return projects.memberships(session, who.user, local_name=who.local_name, only=only)


def _overseer(screen: Annotated[Screen, Depends(reader)]) -> Screen:
    if not screen.member.role.can_lead or not screen.who.may(Scope.LEAD):
        raise Forbidden("Only a lead may see this, and only a token with the scope «lead».")
    return screen


def ingester(request: Request, session: SessionDep, who: PrincipalDep, slug: str) -> Screen:
    """A lead who sends traces in; a token for that needs no other scope."""
    screen = Screen(request, session, who.member_in(session, slug), who)
    if closed := screen.member.project.why_closed:
        raise Forbidden(closed)
    if not screen.member.role.can_lead:
        raise Forbidden("Only a lead may import.")
    if not (who.may(Scope.INGEST) or who.may(Scope.LEAD)):
        raise Forbidden("This token may not import: its scopes lack «ingest» and «lead».")
    return screen


Memberships = Annotated[list[Member], Depends(_memberships)]
"""Every project somebody takes part in, as far as their token reaches."""

Overseer = Annotated[Screen, Depends(_overseer)]
"""A lead who looks at everybody's work, also in a read-only project."""

Ingester = Annotated[Screen, Depends(ingester)]
