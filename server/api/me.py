"""Who asks: to check a token before using it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from server.api.limits import LimitedRoute
from server.routes.principal import PrincipalDep
from server.services.tokens import Scope

router = APIRouter(tags=["me"], route_class=LimitedRoute)


class UserBody(BaseModel):
    """The user a token or session belongs to."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    email: str
    is_admin: bool


class TokenBody(BaseModel):
    """The token in use; its secret is never shown again."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    scopes: list[Scope]
    project_id: Annotated[
        int | None, Field(description="The only project it is for; null: all of its user's.")
    ]
    expires_at: datetime | None


class Me(BaseModel):
    """Who asks, and with what."""

    model_config = ConfigDict(from_attributes=True)

    user: Annotated[UserBody | None, Field(description="null on a server where nobody signs in.")]
    token: Annotated[TokenBody | None, Field(description="null for a browser session.")]


@router.get("/me")
def show_me(who: PrincipalDep) -> Me:
    """Who you are to the server."""
    return Me.model_validate(who)
