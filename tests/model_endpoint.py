"""An OpenAI-compatible endpoint that listens on 127.0.0.1 and answers as a test says."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Said:
    """One answer of the endpoint."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def saying(text: str, **more: Any) -> Said:
    """A model's message."""
    choice = {"message": {"role": "assistant", "content": text, **more}, "finish_reason": "stop"}
    return Said(body=json.dumps({"model": "tiny-1", "choices": [choice]}).encode())


class ModelEndpoint(ThreadingHTTPServer):
    """Says `answer` to everything, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget everything."""
        self.answer: Said | Callable[[dict[str, Any]], Said] = saying("Hello")
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.is_asked = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up is not told of."""


class _Handler(BaseHTTPRequestHandler):
    server: ModelEndpoint

    def do_POST(self) -> None:
        assert self.path == "/v1/chat/completions"
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        self.server.keys.append(self.headers.get("authorization", ""))
        self.server.is_asked.set()
        self.server.may_answer.wait(30)
        answer = self.server.answer
        self._say(answer if isinstance(answer, Said) else answer(asked))

    def do_GET(self) -> None:
        self._say(Said(body=b'{"data": [{"id": "tiny-1"}]}'))

    def _say(self, said: Said) -> None:
        self.send_response(said.status)
        for name, value in {"Content-Type": "application/json", **said.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said.body)))
        self.end_headers()
        self.wfile.write(said.body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def listening_endpoint() -> Iterator[ModelEndpoint]:
    """An endpoint that listens for as long as the block lasts."""
    with ModelEndpoint() as endpoint:
        thread = threading.Thread(target=endpoint.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield endpoint
        finally:
            endpoint.shutdown()
            thread.join()
