"""Settings of signing in: with an OpenID Connect provider, with passwords, and from where."""

import ipaddress
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo, field_validator


def is_safe_address(url: str) -> bool:
    """Whether nobody can listen in between: https, or plain http on this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname)
    host = parts.hostname or ""
    try:
        on_this_machine = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        on_this_machine = False
    return parts.scheme == "http" and on_this_machine


def _address(url: str) -> str:
    if url and (not is_safe_address(url) or urlsplit(url).query or urlsplit(url).fragment):
        raise ValueError("give an https:// address without ? and # (http:// only on this machine)")
    return url


Address = Annotated[str, AfterValidator(_address)]


def secret_of(value: str, file: str) -> str:
    """Return a secret that is given itself or by the file that holds it.

    Raises:
        OSError: The file can't be read.
    """
    return Path(file).read_text(encoding="utf-8").strip() if file else value


class OidcSettings(BaseModel):
    """The part of the settings that is about signing in."""

    public_url: Address = Field(
        default="",
        description="Address people open Faultbook at; empty: the one each request came to.",
    )
    password_sign_in: bool = Field(
        default=True, description="People may sign in with a password, too."
    )
    oidc_issuer: Address = Field(
        default="", description="Issuer of the OpenID Connect provider; empty: none."
    )
    oidc_client_id: str = Field(
        default="", validate_default=True, description="What the provider calls this server."
    )
    oidc_client_secret: str = Field(
        default="", repr=False, description="The secret that goes with it."
    )
    oidc_client_secret_file: str = Field(
        default="", description="File that holds the secret, instead."
    )
    oidc_name: str = Field(
        default="single sign-on", description="What the button to sign in calls the provider."
    )
    oidc_scopes: str = Field(
        default="openid email profile", description="What is asked of the provider."
    )
    oidc_domains: list[str] = Field(
        default=[], description="Domains of verified addresses that are let in; empty: all."
    )
    oidc_admit_claim: str = Field(
        default="", description="Claim that decides who is let in; empty: none does."
    )
    oidc_admit_values: list[str] = Field(
        default=[], validate_default=True, description="Values of that claim that let somebody in."
    )
    oidc_admin_claim: str = Field(
        default="", description="Claim that makes somebody an admin; empty: none does."
    )
    oidc_admin_values: list[str] = Field(
        default=[],
        validate_default=True,
        description="Values of that claim that make somebody an admin.",
    )
    oidc_create_accounts: bool = Field(
        default=False,
        description="Whoever is let in gets an account; otherwise only who was invited.",
    )
    oidc_link_verified_email: bool = Field(
        default=False,
        description="An account of the same verified address is signed in to, and linked.",
    )
    oidc_trust_email: bool = Field(
        default=False,
        description="Addresses count as verified where the provider does not say either way.",
    )
    oidc_clock_skew_s: int = Field(
        default=60, ge=0, le=600, description="How far the provider's clock may be off, in seconds."
    )

    @property
    def oidc_secret(self) -> str:
        """The client secret, wherever it is kept.

        Raises:
            OSError: Its file can't be read.
        """
        return secret_of(self.oidc_client_secret, self.oidc_client_secret_file)

    @field_validator("oidc_client_id")
    @classmethod
    def _complete(cls, client_id: str, info: ValidationInfo) -> str:
        issuer = info.data.get("oidc_issuer", "")
        if issuer and not client_id:
            raise ValueError("needed where FAULTBOOK_OIDC_ISSUER is set")
        if not issuer and info.data.get("password_sign_in") is False:
            raise ValueError(
                "FAULTBOOK_PASSWORD_SIGN_IN=false needs FAULTBOOK_OIDC_ISSUER and this, or nobody "
                "could sign in"
            )
        return client_id

    @field_validator("oidc_scopes")
    @classmethod
    def _asks_who_it_is(cls, scopes: str) -> str:
        if "openid" not in scopes.split():
            raise ValueError("openid has to be one of the scopes")
        return scopes

    @field_validator("oidc_admit_values", "oidc_admin_values")
    @classmethod
    def _of_a_claim(cls, values: list[str], info: ValidationInfo) -> list[str]:
        claim = (info.field_name or "").replace("values", "claim")
        if bool(values) != bool(info.data.get(claim)):
            raise ValueError(f"goes together with FAULTBOOK_{claim.upper()}")
        return values
