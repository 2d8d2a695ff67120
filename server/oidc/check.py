"""Whether the provider that people sign in with can be used, for whoever looks after the server."""

from dataclasses import dataclass

from server.errors import FaultbookError, StartupError
from server.oidc.provider import Provider, provider_of
from server.oidc_settings import OidcSettings


@dataclass(frozen=True)
class Finding:
    """What was found of the provider; `advice` is for what works, and could work better."""

    is_usable: bool
    told: str
    advice: str = ""


def check_oidc(settings: OidcSettings) -> Finding | None:
    """Ask the provider for its metadata and keys; None where nobody signs in with one."""
    try:
        provider = provider_of(settings)
        if provider is None:
            return None
        keys = provider.keys(None)["keys"]
    except (FaultbookError, StartupError) as error:
        return Finding(is_usable=False, told=error.message)
    told = f"{settings.oidc_issuer} answers and gives {len(keys)} of its keys"
    return Finding(is_usable=True, told=told, advice=_advice(provider))


def _advice(provider: Provider) -> str:
    settings = provider.settings
    is_narrowed = settings.oidc_domains or settings.oidc_admit_claim
    if settings.oidc_create_accounts and not is_narrowed:
        return (
            "Whoever has an account there gets one here: narrow that by FAULTBOOK_OIDC_DOMAINS or "
            "FAULTBOOK_OIDC_ADMIT_CLAIM, or set FAULTBOOK_OIDC_CREATE_ACCOUNTS=false."
        )
    if not settings.public_url:
        return (
            "Behind a proxy, set FAULTBOOK_PUBLIC_URL, so that the address people are sent back to "
            "does not depend on what the proxy tells."
        )
    return ""
