"""What is around the server: its port, who may reach it by which name, what is installed."""

import errno
import http.client
import socket
import time
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from ipaddress import ip_network
from urllib.parse import urlsplit

from server.assistant.check import check_assistant
from server.db import is_sqlite
from server.embedder import embedder_in_use
from server.oidc.check import check_oidc
from server.services.checks.findings import Check, trouble, warning, well
from server.settings import Settings, is_loopback

_ANSWERS_WITHIN_S = 2.0
_EXTRAS = {
    "embed": "sentence_transformers",
    "oidc": "authlib",
    "postgres": "psycopg",
    "dask": "distributed",
}


def examine(settings: Settings, *, warm: bool) -> Iterator[Check]:
    """Look at everything that is neither disk nor database."""
    yield port(settings)
    yield sign_in(settings)
    yield hosts(settings)
    yield extras(settings)
    yield embedding_model(settings, warm=warm)
    yield from _asked_elsewhere(settings)


def port(settings: Settings, wait_s: float = _ANSWERS_WITHIN_S) -> Check:
    """Whether the port is free, or taken by a Faultbook."""
    name, host, number = "port", settings.host.strip("[]"), settings.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, number), family=family):
            return well(name, f"{number} of {host} is free")
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            return trouble(
                name,
                f"{number} of {host} cannot be used: {error.strerror}",
                "Name an address of this machine with --host, and a port with --port.",
            )
    if _is_faultbook(host, number, wait_s):
        return well(name, f"a Faultbook answers at {number} of {host}")
    return warning(
        name, f"something else has taken {number} of {host}", "Choose another with --port."
    )


def _is_faultbook(host: str, number: int, wait_s: float) -> bool:
    there = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # asked, not bound
    connection = http.client.HTTPConnection(there, number, timeout=wait_s)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def sign_in(settings: Settings) -> Check:
    """Whether others could come in without signing in."""
    name = "sign-in"
    if not settings.no_login:
        return well(name, "people sign in")
    if is_loopback(settings.host.strip("[]")):
        return well(name, "nobody signs in, and only this machine reaches the server")
    return trouble(
        name,
        f"nobody signs in, and others could reach {settings.host}: the server does not start",
        "Set FAULTBOOK_NO_LOGIN=false, or FAULTBOOK_HOST=127.0.0.1.",
    )


def hosts(settings: Settings) -> Check:
    """Whether the server answers to the name that people use, and believes the right proxies."""
    name, allowed = "host names", settings.allowed_hosts
    public = urlsplit(settings.public_url).hostname or ""
    told = f"answers to {', '.join(allowed)}"
    if public and not _is_allowed(public, allowed):
        return trouble(
            name,
            f"FAULTBOOK_PUBLIC_URL names {public}, which is refused with 400",
            f"Add it: FAULTBOOK_ALLOWED_HOSTS='[\"{public}\"]'",
        )
    if any(ip_network(proxy).prefixlen == 0 for proxy in settings.trusted_proxies):
        return trouble(
            name,
            "every address is believed to be a proxy, so anybody may claim to come from anywhere",
            "Name only the proxy's own address in FAULTBOOK_TRUSTED_PROXIES.",
        )
    is_reached = bool(settings.trusted_proxies) or not is_loopback(settings.host.strip("[]"))
    if is_reached and allowed == Settings.model_fields["allowed_hosts"].default:
        return warning(
            name,
            "others reach the server, and it answers to names of this machine only",
            "Name the one they use: FAULTBOOK_ALLOWED_HOSTS='[\"faultbook.example.org\"]'",
        )
    return well(name, told)


def _is_allowed(host: str, allowed: list[str]) -> bool:
    return any(
        name == "*" or name == host or (name.startswith("*.") and host.endswith(name[1:]))
        for name in allowed
    )


def extras(settings: Settings, modules: Mapping[str, str] = _EXTRAS) -> Check:
    """Whether the parts that the settings ask for are installed."""
    there = {extra for extra, module in modules.items() if find_spec(module) is not None}
    wanted = {
        "oidc": bool(settings.oidc_issuer),
        "postgres": not is_sqlite(settings.database_url),
        "dask": settings.executor != "local",
        "embed": bool(settings.embedding_model),
    }
    missing = sorted(
        extra for extra, is_wanted in wanted.items() if is_wanted and extra not in there
    )
    if missing:
        return trouble(
            "extras",
            f"the settings need {', '.join(missing)}, not installed here",
            f"pip install 'faultbook[{','.join(missing)}]'",
        )
    left = sorted(modules.keys() - there)
    told = f"installed: {', '.join(sorted(there)) or 'none'}"
    return well("extras", f"{told}; not needed: {', '.join(left)}" if left else told)


def embedding_model(settings: Settings, *, warm: bool = False) -> Check:
    """Which model groups notes; with `warm` it is loaded and asked once."""
    name = "embedding model"
    chosen = embedder_in_use(settings.embedding_model)
    if chosen.embedder.corpus_bound:
        return warning(name, chosen.reason, "What to install stands in it; groups work without.")
    if not warm:
        return well(name, chosen.reason)
    began = time.monotonic()
    chosen.embedder.embed(["The sum is wrong."])
    return well(name, f"{chosen.reason} Loaded and asked in {time.monotonic() - began:.1f} s.")


def _asked_elsewhere(settings: Settings) -> Iterator[Check]:
    """Look at the provider that people sign in with and at the language model, where there are."""
    if (provider := check_oidc(settings)) is not None:
        name = "sign-in provider"
        if not provider.is_usable:
            yield trouble(name, provider.told, "docs/sign-in.md says what each message means.")
        elif provider.advice:
            yield warning(name, provider.told, provider.advice)
        else:
            yield well(name, provider.told)
    if (model := check_assistant(settings)) is not None:
        name, remedy = "language model", "Everything else works without it: docs/assistant.md."
        yield well(name, model.told) if model.is_usable else warning(name, model.told, remedy)
