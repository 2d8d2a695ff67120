"""The provider: what it says of itself, its keys, and requests to it."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from server.errors import StartupError
from server.oidc.refusals import ProviderAway
from server.oidc_settings import OidcSettings, is_safe_address
from server.outgoing import Answer, Bounds, Undelivered, ask

_BOUNDS = Bounds(seconds=10.0, bytes=1024 * 1024)
_KNOWN_FOR_S = 3_600.0
_KEYS_ASKED_AGAIN_AFTER_S = 10.0
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OPTIONAL = ("userinfo_endpoint", "end_session_endpoint")


@dataclass(frozen=True)
class Metadata:
    """What a provider says of itself (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str
    algorithms: tuple[str, ...]
    client_authentication: tuple[str, ...]
    names_itself: bool
    """Whether its answers say whose they are (RFC 9207)."""


class Provider:
    """One provider as this process knows it; metadata and keys are kept for an hour."""

    def __init__(self, settings: OidcSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, Mapping[str, Any]] | None = None

    @property
    def name(self) -> str:
        """What the button to sign in calls it."""
        return self.settings.oidc_name

    def metadata(self) -> Metadata:
        """Return what the provider says of itself.

        Raises:
            ProviderAway: It can't be reached, or does not fit the settings.
        """
        with self._lock:
            if self._metadata is None or self._clock() - self._metadata[0] > _KNOWN_FOR_S:
                self._metadata = (self._clock(), self._discovered())
            return self._metadata[1]

    def keys(self, wanted: str | None) -> Mapping[str, Any]:
        """Return the provider's keys; they are asked for again where `wanted` is not among them.

        Raises:
            ProviderAway: It can't be reached, or gives no keys.
        """
        address = self.metadata().jwks_uri
        with self._lock:
            if self._keys is None or self._is_stale(*self._keys, wanted):
                self._keys = (self._clock(), self._fetched_keys(address))
            return self._keys[1]

    def _is_stale(self, fetched: float, keys: Mapping[str, Any], wanted: str | None) -> bool:
        age = self._clock() - fetched
        known = {key.get("kid") for key in keys["keys"]}
        is_missing = wanted is not None and wanted not in known
        return age > _KNOWN_FOR_S or (is_missing and age > _KEYS_ASKED_AGAIN_AFTER_S)

    def _fetched_keys(self, address: str) -> Mapping[str, Any]:
        found = self.fetched("GET", address)
        if not isinstance(found.get("keys"), list) or not all(
            isinstance(key, dict) for key in found["keys"]
        ):
            raise self.odd("gives no keys to check its signatures with")
        return found

    def _discovered(self) -> Metadata:
        issuer = self.settings.oidc_issuer
        found = self.fetched("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise self.odd(
                f"calls itself «{str(found.get('issuer'))[:200]}», not «{issuer}»: an admin has to "
                "make FAULTBOOK_OIDC_ISSUER the same, letter for letter"
            )
        addresses = {name: str(found.get(name) or "") for name in (*_ENDPOINTS, *_OPTIONAL)}
        for name, address in addresses.items():
            if (address or name in _ENDPOINTS) and not is_safe_address(address):
                raise self.odd(f"names no https address as {name}")
        return Metadata(
            issuer=issuer,
            **addresses,
            algorithms=_texts(found, "id_token_signing_alg_values_supported", ("RS256",)),
            client_authentication=_texts(
                found, "token_endpoint_auth_methods_supported", ("client_secret_basic",)
            ),
            names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        )

    def fetched(
        self, method: str, url: str, body: str = "", headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Return the JSON object that an address of the provider answers with.

        Raises:
            ProviderAway: It does not answer, or not like that.
        """
        answer = self.asked(method, url, body, headers)
        if answer.status != 200:
            raise self.odd(f"answers {answer.status} instead of what was asked for")
        return self.read(answer)

    def asked(
        self, method: str, url: str, body: str = "", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return whatever an address of the provider answers.

        Raises:
            ProviderAway: It does not answer.
        """
        sent = {"Accept": "application/json", "User-Agent": "Faultbook", **(headers or {})}
        content = body.encode() if body else None
        try:
            return ask(method, url, content, sent, allow_private=True, bounds=_BOUNDS)
        except Undelivered as error:
            raise ProviderAway(
                f"{self.name} can't be reached just now ({error}). Try again in a while; if it "
                "stays so, an admin can look with `faultbook doctor`."
            ) from error

    def read(self, answer: Answer) -> dict[str, Any]:
        """Return the JSON object of an answer.

        Raises:
            ProviderAway: It holds none, or a huge one.
        """
        try:
            found = orjson.loads(answer.body) if not answer.is_cut else None
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise self.odd("answers something that is no JSON object of at most 1 MB")
        return found

    def odd(self, what: str) -> ProviderAway:
        """Say that the provider answers what none should."""
        return ProviderAway(f"{self.name} {what}. Nobody was signed in.")


def provider_of(settings: OidcSettings) -> Provider | None:
    """Return the provider that people sign in with; None where there is none.

    Raises:
        StartupError: What it takes is not installed, or the secret can't be read.
    """
    if not settings.oidc_issuer:
        return None
    try:
        import authlib.oidc.core  # noqa: F401  # told at the start, not to the first who signs in
    except ModuleNotFoundError as error:
        raise StartupError(
            "FAULTBOOK_OIDC_ISSUER needs the extra `oidc`: pip install 'faultbook[oidc]'."
        ) from error
    try:
        _ = settings.oidc_secret
    except OSError as error:
        raise StartupError(
            f"FAULTBOOK_OIDC_CLIENT_SECRET_FILE: {settings.oidc_client_secret_file} can't be read: "
            f"{error.strerror}."
        ) from error
    return Provider(settings)


def _texts(found: Mapping[str, Any], name: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    values = found.get(name)
    if not isinstance(values, list):
        return otherwise
    return tuple(value for value in values if isinstance(value, str))
