"""Behind a reverse proxy: what trusted proxies say is believed, what others say is not."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from pydantic import ValidationError

from server.db import Database
from server.models.base import stored_id
from server.models.project import Role
from server.proxies import TrustedProxies
from server.routes.rate_limits import client_of
from server.services import accounts, projects
from server.settings import Settings
from tests.application import listening
from tests.databases import migrated
from tests.factories import PROJECT_NAME, SLUG

NAME = "faultbook.example.org"
PASSWORD = "long enough, too"


def answered(proxies: list[str], peer: str, **headers: str) -> dict[str, str]:
    """What the application takes a request for."""
    app = FastAPI()
    app.state.settings = Settings(trusted_proxies=proxies)
    app.add_middleware(TrustedProxies)

    @app.get("/")
    def tell(request: Request) -> dict[str, str]:
        return {"client": client_of(request), "base": str(request.base_url)}

    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    client = TestClient(app, base_url="http://inside:8717", client=(peer, 4711))
    told: dict[str, str] = client.get("/", headers=sent).json()
    return told


FORWARDED = {
    "x_forwarded_for": "203.0.113.9",
    "x_forwarded_proto": "https",
    "x_forwarded_host": NAME,
}
OUTSIDE = {"client": "203.0.113.9", "base": f"https://{NAME}/"}


@pytest.mark.parametrize(
    ("proxies", "peer"),
    [
        (["127.0.0.1"], "127.0.0.1"),
        (["10.0.0.0/8"], "10.9.8.7"),
        (["::1", "fd00::/8"], "fd00::7"),
        (["10.0.0.0/8", "127.0.0.1"], "127.0.0.1"),
    ],
)
def test_a_trusted_proxy_is_believed(proxies: list[str], peer: str) -> None:
    assert answered(proxies, peer, **FORWARDED) == OUTSIDE


@pytest.mark.parametrize(
    ("proxies", "peer"),
    [([], "127.0.0.1"), (["10.0.0.0/8"], "11.0.0.1"), (["127.0.0.1"], "::1"), (["::1"], "unix")],
)
def test_anybody_else_is_not(proxies: list[str], peer: str) -> None:
    assert answered(proxies, peer, **FORWARDED) == {"client": peer, "base": "http://inside:8717/"}


def test_what_a_client_writes_before_its_own_address_does_not_count() -> None:
    spoofed = {**FORWARDED, "x_forwarded_for": "192.0.2.1, 203.0.113.9, 10.0.0.2"}
    assert answered(["10.0.0.0/8"], "10.0.0.1", **spoofed) == OUTSIDE


@pytest.mark.parametrize("odd", ["", ",", "not an address", "\x7f", "http://evil.example/"])
def test_odd_headers_of_a_trusted_proxy_break_nothing(odd: str) -> None:
    told = answered(["127.0.0.1"], "127.0.0.1", x_forwarded_for=odd, x_forwarded_proto=odd)
    assert told["base"] == "http://inside:8717/"


@pytest.mark.parametrize("wrong", ["localhost", "10.0.0.1/8", "*", ""])
def test_what_is_no_address_or_network_is_refused_at_the_start(wrong: str) -> None:
    with pytest.raises(ValidationError, match=r"does not appear to be|has host bits set"):
        Settings(trusted_proxies=[wrong])


class _Forwarding(BaseHTTPRequestHandler):
    """A reverse proxy as nginx is set up: the address it saw comes after what the client said."""

    upstream = ""
    protocol_version = "HTTP/1.1"

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        sent = {name.lower(): value for name, value in self.headers.items()}
        chain = [sent.get("x-forwarded-for", ""), sent.pop("x-seen-address")]
        sent["x-forwarded-for"] = ", ".join(filter(None, chain))
        sent["x-forwarded-proto"] = "https"
        sent["x-forwarded-host"] = sent["host"]
        sent["host"] = self.upstream
        connection = http.client.HTTPConnection(self.upstream)
        connection.request(self.command, self.path, body, sent)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _forward

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def proxy_before(server: str) -> Iterator[str]:
    """A reverse proxy in front of a server; both are host and port."""
    handler = type("Forwarding", (_Forwarding,), {"upstream": server})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"127.0.0.1:{proxy.server_port}"
        finally:
            proxy.shutdown()
            thread.join()


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    cookie: str
    text: str


def ask(server: str, path: str, form: str = "", **headers: str) -> Answer:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if form:
        given["content-type"] = "application/x-www-form-urlencoded"
    connection = http.client.HTTPConnection(server)
    connection.request("POST" if form else "GET", path, form or None, given)
    answer = connection.getresponse()
    found = Answer(answer.status, answer.getheader("set-cookie", ""), answer.read().decode())
    connection.close()
    return found


def with_lead(data: Path) -> None:
    """A database in which Ada leads a project."""
    migrated(Settings(data=data).database_url)
    database = Database.from_url(Settings(data=data).database_url)
    with database.writing() as session:
        project = projects.create(session, PROJECT_NAME)
        user = accounts.new_user(session, name="Ada", email="ada@example.org", password=PASSWORD)
        session.add(user)
        session.flush()
        accounts.take_part(session, stored_id(project), user, Role.LEAD)
    database.dispose()


def test_a_real_proxy_gives_secure_cookies_own_links_and_clients_of_their_own(
    tmp_path: Path,
) -> None:
    with_lead(tmp_path)
    own = {"host": NAME, "origin": f"https://{NAME}", "x_seen_address": "203.0.113.9"}
    signing_in = f"email=ada@example.org&password={quote(PASSWORD)}"
    allowed = {"allowed_hosts": [NAME], "trusted_proxies": ["127.0.0.1"]}
    with listening(tmp_path, no_login=False, **allowed) as url:
        server = urlsplit(url).netloc
        with proxy_before(server) as proxy:
            opened = ask(proxy, "/sign-in", signing_in, **own)
            assert opened.status == 303
            assert "; Secure" in opened.cookie
            cookie = opened.cookie.partition(";")[0]
            invited = f"/projects/{SLUG}/members/invitations"
            page = ask(proxy, invited, "role=annotator", **own, cookie=cookie)
            assert f"https://{NAME}/invitations/" in page.text
            # Whoever writes an address into the header is still counted as the one they are.
            for number in range(60):
                forged = {**own, "x_forwarded_for": f"192.0.2.{number}"}
                last = ask(proxy, "/sign-in", f"email={number}@example.org&password=x", **forged)
            assert last.status == 429
            other = {**own, "x_seen_address": "203.0.113.10"}
            assert ask(proxy, "/sign-in", signing_in, **other).status == 303
        # Asked by address, it refuses all but who watches over it.
        assert ask(server, "/sign-in").status == 400
        assert [ask(server, path).status for path in ("/healthz", "/readyz")] == [200, 200]
