"""What admins do: users, reset links, taking part in any project."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from server.db import SessionDep
from server.errors import Forbidden
from server.models.base import stored_id
from server.models.project import Role
from server.models.user import User
from server.routes.account import AccountHolder
from server.routes.navigation import go_to, own_address
from server.routes.screen import show_page
from server.services import accounts, invitations, projects
from server.views.account import admin_page
from server.views.shell import shell

router = APIRouter(prefix="/admin", tags=["admin"])


def admin(user: AccountHolder) -> User:
    """The signed-in admin."""
    if not user.is_admin:
        raise Forbidden("Only an admin may do this.")
    return user


Admin = Annotated[User, Depends(admin)]


@router.get("")
def show_admin(request: Request, session: SessionDep, user: Admin) -> Response:
    """Every user and every project."""
    return _page(request, session, user)


@router.post("/users/{user_id}/reset")
def make_reset_link(request: Request, session: SessionDep, user: Admin, user_id: int) -> Response:
    """Make a link with which a user chooses a new password, and show it this once."""
    other = accounts.find(session, user_id)
    secret = invitations.reset_secret(session, user, other)
    link = f"{own_address(request)}/invitations/{secret}"
    return _page(request, session, user, new_link=link, new_link_for=other.name)


@router.post("/users/{user_id}/disable")
def disable_user(request: Request, session: SessionDep, user: Admin, user_id: int) -> Response:
    """Lock a user out; their work stays."""
    other = accounts.find(session, user_id)
    accounts.disable(session, user, other)
    return go_to(request, "/admin", message=f"{other.name} can no longer sign in")


@router.post("/users/{user_id}/enable")
def enable_user(request: Request, session: SessionDep, user: Admin, user_id: int) -> Response:
    """Let a user in again."""
    other = accounts.find(session, user_id)
    accounts.enable(session, user, other)
    return go_to(request, "/admin", message=f"{other.name} can sign in again")


@router.post("/projects/{slug}/join")
def join_as_lead(request: Request, session: SessionDep, user: Admin, slug: str) -> Response:
    """Take part in any project, as a lead."""
    project = projects.find(session, slug)
    accounts.take_part(session, stored_id(project), user, Role.LEAD)
    return go_to(request, f"/projects/{slug}", message=f"You lead {project.name} now")


def _page(
    request: Request, session: SessionDep, user: User, *, new_link: str = "", new_link_for: str = ""
) -> Response:
    view = admin_page(session, user, new_link=new_link, new_link_for=new_link_for)
    frame = shell(session, None, "admin", user)
    headers = {"Cache-Control": "no-store"} if new_link else {}
    return show_page(request, "account/admin.html", view, frame, headers=headers)
