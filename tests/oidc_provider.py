"""A small OpenID Connect provider that listens on 127.0.0.1, honest unless a test says else."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

CLIENT, SECRET = "faultbook", "kept between the two"
_OLD_KEY, _NEW_KEY = (ECKey.generate_key("P-256", {"kid": kid, "use": "sig"}) for kid in "ab")

Claims = dict[str, Any]


@dataclass
class Someone:
    """Who is signed in at the provider."""

    sub: str = "sub-1"
    name: str = "Ada Byron"
    email: str = "ada@example.org"
    email_verified: bool | None = True
    more: Claims = field(default_factory=dict)

    @property
    def claims(self) -> Claims:
        named = {"sub": self.sub, "name": self.name, "email": self.email, **self.more}
        verified = {} if self.email_verified is None else {"email_verified": self.email_verified}
        return {**named, **verified}


@dataclass
class _Code:
    who: Claims
    nonce: str
    challenge: str
    redirect_uri: str


class OidcProvider(ThreadingHTTPServer):
    """Signs anybody in as `who`, without asking; `change` meddles with the claims it signs."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.begin_anew()

    def begin_anew(self) -> None:
        """Be honest again, and forget everybody."""
        self.who = Someone()
        self.change: Callable[[Claims], Claims] = dict
        self.sign: Callable[[Claims], str] = self.signed
        self.metadata: Claims = {}
        self.answer: dict[str, str] = {}
        self.key = self.published = _OLD_KEY
        self.in_userinfo = False
        """Whether the ID token holds the subject alone, and userinfo the rest."""
        self.told_elsewhere: Claims = {}
        self.codes: dict[str, _Code] = {}
        self.tokens: dict[str, Claims] = {}
        self.asked: list[str] = []

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def signed(self, claims: Claims) -> str:
        """Sign as the provider does."""
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, self.key)

    def claims_for(self, who: Claims, nonce: str) -> Claims:
        """What stands in the ID token of somebody."""
        now = int(time.time())
        times = {"iat": now, "exp": now + 300}
        return {"iss": self.issuer, "aud": CLIENT, "nonce": nonce, **times, **who}

    def rotate(self) -> None:
        """Sign with another key from now on."""
        self.key = self.published = _NEW_KEY

    def discovery(self) -> Claims:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/logout",
            "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Return where the browser is sent back to."""
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = _Code(
            self.who.claims, asked["nonce"], asked["code_challenge"], asked["redirect_uri"]
        )
        answer = {"code": code, "state": asked["state"], "iss": self.issuer, **self.answer}
        told = {name: value for name, value in answer.items() if value}
        return f"{asked['redirect_uri']}?{urlencode(told)}"

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, Claims]:
        """Give tokens for a code, once, to who can prove that it is theirs."""
        given = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        if not hmac.compare_digest(given, f"{CLIENT}:{SECRET}"):
            return 401, {"error": "invalid_client"}
        code = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if code is None or challenge != code.challenge or form["redirect_uri"] != code.redirect_uri:
            return 400, {"error": "invalid_grant"}
        access_token = secrets.token_urlsafe(16)
        self.tokens[access_token] = {**code.who, **self.told_elsewhere}
        known = {"sub": code.who["sub"]} if self.in_userinfo else code.who
        id_token = self.sign(self.change(self.claims_for(known, code.nonce)))
        return 200, {"access_token": access_token, "token_type": "Bearer", "id_token": id_token}


class _Handler(BaseHTTPRequestHandler):
    server: OidcProvider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.asked.append(parts.path)
        if parts.path == "/authorize":
            self.send_response(302)
            target = self.server.authorize(dict(parse_qsl(parts.query)))
            self.send_header("Location", target)
            self.end_headers()
            return
        bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
        found = {
            "/.well-known/openid-configuration": self.server.discovery,
            "/keys": lambda: {"keys": [self.server.published.as_dict(private=False)]},
            "/userinfo": lambda: self.server.tokens[bearer],
        }[parts.path]()
        self._answer(200, found)

    def do_POST(self) -> None:
        self.server.asked.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        authorization = self.headers.get("authorization", "")
        self._answer(*self.server.exchange(dict(parse_qsl(body)), authorization))

    def _answer(self, status: int, found: Claims) -> None:
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def listening_provider() -> Iterator[OidcProvider]:
    """A provider that listens for as long as the block lasts."""
    with OidcProvider() as provider:
        thread = threading.Thread(target=provider.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield provider
        finally:
            provider.shutdown()
            thread.join()
