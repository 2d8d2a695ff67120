"""What a provider's claims say of a person, and whether this server's rules let them in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from server.oidc.refusals import Refused
from server.oidc_settings import OidcSettings

_LONGEST_NAME = 120
_LONGEST_ADDRESS = 254
_YES = (True, "true")


@dataclass(frozen=True)
class Person:
    """Somebody as the provider knows them: recognised by issuer and subject, by nothing else."""

    issuer: str
    subject: str
    name: str
    email: str
    is_email_verified: bool
    is_admin: bool
    """Whether a claim makes them an admin."""


def person_of(claims: Mapping[str, Any], settings: OidcSettings) -> Person:
    """Read a person from proven claims.

    Raises:
        Refused: The rules of this server don't let them in.
    """
    email = _text(claims, "email")[:_LONGEST_ADDRESS].lower()
    told = claims.get("email_verified")
    is_verified = bool(email) and (told in _YES or (told is None and settings.oidc_trust_email))
    _check_admitted(claims, settings, email if is_verified else "")
    name = _text(claims, "name") or _text(claims, "preferred_username") or email.partition("@")[0]
    return Person(
        issuer=settings.oidc_issuer,
        subject=str(claims["sub"]),
        name=" ".join(name.split())[:_LONGEST_NAME],
        email=email,
        is_email_verified=is_verified,
        is_admin=_holds(claims, settings.oidc_admin_claim, settings.oidc_admin_values),
    )


def _check_admitted(claims: Mapping[str, Any], settings: OidcSettings, verified: str) -> None:
    domains = {domain.strip().lower().removeprefix("@") for domain in settings.oidc_domains}
    if domains and verified.rpartition("@")[2] not in domains:
        raise Refused(
            f"This server lets in verified addresses of {_listed(domains)} only. "
            f"{settings.oidc_name} "
            + (f"knows you as {verified}." if verified else "vouches for no address of yours.")
        )
    claim = settings.oidc_admit_claim
    if claim and not _holds(claims, claim, settings.oidc_admit_values):
        raise Refused(
            f"{settings.oidc_name} knows you, but does not say that you may use Faultbook: an "
            "admin there can put you into the right group."
        )


def _holds(claims: Mapping[str, Any], name: str, values: Iterable[str]) -> bool:
    """Whether the claim `name`, which may lie inside others (`a.b`), holds one of the values."""
    if not name:
        return False
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    held = found if isinstance(found, list) else [found]
    words = {str(one).lower() if isinstance(one, bool) else str(one) for one in held if one}
    return not words.isdisjoint(values)


def _text(claims: Mapping[str, Any], name: str) -> str:
    found = claims.get(name)
    printable = "".join(c for c in found if c.isprintable()) if isinstance(found, str) else ""
    return printable.strip()


def _listed(words: Iterable[str]) -> str:
    return " and ".join(sorted(words))
