"""Requests to addresses that people name: only where they may go, and never for long."""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from server.errors import Invalid

_CONNECT_S = 10.0
_LOOK_EVERY_S = 0.2
_LONGEST_URL = 2_000
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""What gateways from version 6 to version 4 (NAT64) take for an address of version 4."""


class Undelivered(Exception):  # one try that failed, told in the log
    """A request could not be made; says why in words for whoever named the address."""


class TooSlow(Undelivered):
    """No complete answer came in time."""


class Stopped(Undelivered):
    """Whoever asked wants no answer any more."""


@dataclass(frozen=True)
class Bounds:
    """How long a request may take in all, and how much of its answer is read."""

    seconds: float = 20.0
    bytes: int = 1_024


DEFAULT_BOUNDS = Bounds()


@dataclass(frozen=True)
class Answer:
    """What came back; `is_cut` where the body goes on behind the bounds."""

    status: int
    headers: Mapping[str, str]
    """By name in lower case."""
    body: bytes
    is_cut: bool


def checked(url: str, *, allow_private: bool) -> str:
    """Return an address that a request may go to, as far as that shows without asking its name.

    Raises:
        Invalid: It is no https address (or http one, where private ones are allowed), or holds a
            user or password.
    """
    parts = urlsplit(url.strip())
    schemes = ("https", "http") if allow_private else ("https",)
    try:
        fits = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    printable = url.strip().isascii() and url.strip().isprintable() and " " not in url.strip()
    if not fits or not printable or parts.username or parts.password or len(url) > _LONGEST_URL:
        told = " or http://" if allow_private else ""
        raise Invalid(f"«{url[:200]}» does not fit: give an https://{told} address without user.")
    return url.strip()


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool
) -> tuple[int, str]:
    """Send a body; returns status and the beginning of the answer. Redirects are not followed.

    Raises:
        Undelivered: The address may not be reached, or it could not be.
    """
    answer = ask("POST", url, body, headers, allow_private=allow_private)
    return answer.status, answer.body.decode("utf-8", "replace")


def ask(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    *,
    allow_private: bool,
    bounds: Bounds = DEFAULT_BOUNDS,
    is_over: Callable[[], bool] = lambda: False,
) -> Answer:
    """Send a request and read its answer within bounds. Redirects are not followed.

    The name is resolved once, every address it has is checked, and the connection goes to one of
    those: what the name says a moment later does not matter.

    Raises:
        TooSlow: The answer was not complete in time.
        Stopped: `is_over` said so meanwhile.
        Undelivered: The address may not be reached, or it could not be.
    """
    try:
        parts = urlsplit(checked(url, allow_private=allow_private))
    except Invalid as error:
        raise Undelivered(error.message) from error
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(host, port, timeout=_CONNECT_S)
    try:
        connection.sock = _connected(host, port, parts.scheme, allow_private=allow_private)
        connection.sock.settimeout(bounds.seconds)
        with _Watch(connection.sock, bounds.seconds, is_over) as watch:
            try:
                connection.request(method, path, body=body, headers=dict(headers))
                return watch.checked(_read(connection.getresponse(), bounds))
            except (OSError, http.client.HTTPException) as error:
                watch.check()
                raise Undelivered(f"{type(error).__name__}: {error}") from error
    except (OSError, http.client.HTTPException) as error:
        raise Undelivered(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()


def _read(response: http.client.HTTPResponse, bounds: Bounds) -> Answer:
    body = response.read(bounds.bytes + 1)
    headers = {name.lower(): value for name, value in response.getheaders()}
    is_cut = len(body) > bounds.bytes
    return Answer(response.status, headers, body[: bounds.bytes], is_cut)


def _connected(host: str, port: int, scheme: str, *, allow_private: bool) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, address in found:
        if not allow_private and not _is_public(str(address[0])):
            raise Undelivered(
                f"{host} is at {address[0]}, which is no public address; "
                "FAULTBOOK_WEBHOOKS_PRIVATE=on allows that."
            )
    plain = socket.create_connection((str(found[0][4][0]), port), timeout=_CONNECT_S)
    if scheme == "http":
        return plain
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and not all(v4.is_global for v4 in _inside(found)):
        return False
    return found.is_global and not found.is_multicast


def _inside(address: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """Yield the addresses of version 4 that a network may lead one of version 6 to."""
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _TRANSLATED:
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


class _Watch:
    """Cut a connection off that answers drop by drop, or that nobody waits for any more."""

    def __init__(self, sock: socket.socket, seconds: float, is_over: Callable[[], bool]) -> None:
        self._sock, self._is_over = sock, is_over
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._done = threading.Event()
        self._cut: Undelivered | None = None
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._done.wait(_LOOK_EVERY_S):
            if self._is_over():
                self._cut = Stopped("It was stopped.")
            elif time.monotonic() > self._ends:
                self._cut = TooSlow(f"No complete answer within {self._seconds:g} seconds.")
            if self._cut is not None:
                try:
                    self._sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    return  # it is closed already
                return

    def check(self) -> None:
        """Say why the connection was cut off, if it was."""
        if self._cut is not None:
            raise self._cut
        if time.monotonic() > self._ends:
            raise TooSlow(f"No complete answer within {self._seconds:g} seconds.")

    def checked(self, answer: Answer) -> Answer:
        """Return an answer that came before the connection was cut off."""
        if self._cut is not None:
            raise self._cut
        return answer

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
