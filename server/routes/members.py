"""Who takes part in a project: roles, and links to join by."""

from typing import Annotated

from fastapi import APIRouter, Form, Response

from server.errors import Forbidden
from server.models.project import Role
from server.models.user import User
from server.routes.navigation import own_address
from server.routes.screen import LeadScreen, Reader, Screen
from server.services import accounts, invitations
from server.views.account import members_page

router = APIRouter(prefix="/projects/{slug}/members", tags=["members"])


@router.get("")
def show_members(screen: Reader) -> Response:
    """Everybody who takes part, and for leads the links that are out."""
    return _page(screen)


@router.post("/invitations")
def invite(
    screen: LeadScreen, role: Annotated[Role, Form()], email: Annotated[str, Form()] = ""
) -> Response:
    """Make a link to join by, and show it this once."""
    secret = invitations.invite(
        screen.session, _user(screen), screen.member.project, role, email=email
    )
    return _page(screen, new_link=f"{own_address(screen.request)}/invitations/{secret}")


@router.post("/invitations/{invitation_id}/revoke")
def revoke_invitation(screen: LeadScreen, invitation_id: int) -> Response:
    """Let a link no longer work."""
    invitations.revoke(screen.session, screen.member.project, invitation_id)
    return screen.redirect("/members", message="The link no longer works")


@router.post("/{annotator_id}/role")
def change_role(screen: LeadScreen, annotator_id: int, role: Annotated[Role, Form()]) -> Response:
    """Give a member another role."""
    accounts.change_role(screen.session, screen.member, annotator_id, role)
    return screen.redirect("/members", message="Role changed")


def _user(screen: Screen) -> User:
    if screen.who.user is None:
        raise Forbidden("Nobody signs in on this server: start it without --no-login to invite.")
    return screen.who.user


def _page(screen: Screen, *, new_link: str = "") -> Response:
    view = members_page(screen.session, screen.member.project, screen.who.user, new_link=new_link)
    return screen.show("account/members.html", view, section="settings")
