"""Twenty people who write until they are told to stop, whatever happens to the server meanwhile.

Each writes one kind of decision, alone on their rows, so that the log of their events can be held
against what they were told: a decision that was acknowledged is there once; one that nobody
answered may be there once or not at all.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import sqlalchemy as sa
from sqlmodel import Session, col, select

from server.db import Database
from server.models.base import stored_id
from server.models.event import Event
from server.models.label import LabelValue
from server.models.mode import FailureMode
from server.models.project import Annotator, Role
from server.models.user import User
from server.models.verdict import VerdictValue
from server.services import modes
from tests import readers
from tests.factories import SLUG, make_project, member, open_axial_coding
from tests.readers import Person
from tests.server.deciding import check_replay

COUNT = 20
_AWAY = (500, 502, 503, 507)
_PAUSE_S = 0.02
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"


class Request(NamedTuple):
    """A decision as it is sent, and the mark by which its event is known."""

    mark: str
    method: str
    path: str
    body: dict[str, Any]
    by_program: bool
    can_repeat: bool = True
    """Sent again it changes nothing: after no answer it is sent again, until there is one."""


class Decided(NamedTuple):
    mark: str
    is_acknowledged: bool


Make = Callable[[int], Request]


@dataclass
class Writer:
    """One person, and everything they sent so far."""

    person: Person
    make: Make
    sent: list[Decided] = field(default_factory=list)
    unanswered: Request | None = None

    def write(self, url: str, stopped: threading.Event, tell: Callable[[], None]) -> None:
        """Write until stopped; a server that is away is tried again."""
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        while not stopped.is_set():
            request = self.make(len(self.sent))
            try:
                status, told = self._send(connection, request)
            except (OSError, http.client.HTTPException):
                connection.close()
                status, told = _AWAY[0], ""
            if status in _AWAY:
                self._unanswered(request)
                stopped.wait(_PAUSE_S)
                continue
            assert status < 400, f"{request.method} {request.path}: {status} {told[-500:]}"
            self.sent.append(Decided(request.mark, True))
            self.unanswered = None
            tell()
        connection.close()

    def _unanswered(self, request: Request) -> None:
        if request.can_repeat:
            self.unanswered = request
        else:
            self.sent.append(Decided(request.mark, False))

    @property
    def decided(self) -> list[Decided]:
        """Everything that may be there by now."""
        last = [Decided(self.unanswered.mark, False)] if self.unanswered else []
        return [*self.sent, *last]

    def _send(self, connection: http.client.HTTPConnection, request: Request) -> tuple[int, str]:
        if request.by_program:
            sent, kind = json.dumps(request.body), _JSON
            who = {"Authorization": f"Bearer {self.person.secret}"}
            path = f"/api/v1/projects/{SLUG}{request.path}"
        else:
            sent, kind = urlencode(request.body), _FORM
            who = {"Cookie": f"faultbook_session={self.person.cookie}"}
            path = f"/projects/{SLUG}{request.path}"
        connection.request(request.method, path, sent, {"Content-Type": kind, **who})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def _note(person: Person, trace_id: int) -> Make:
    def make(number: int) -> Request:
        text = f"note {number} of {person.name}"
        if number % 2:
            body = {"trace_id": trace_id, "text": text}
            return Request(text, "POST", "/notes", body, True, can_repeat=False)
        path = f"/read/{trace_id}/notes"
        return Request(text, "POST", path, {"text": text}, False, can_repeat=False)

    return make


def _verdict(_person: Person, trace_id: int) -> Make:
    values = [value.value for value in VerdictValue]

    def make(number: int) -> Request:
        value = values[number % len(values)]
        if number % 2:
            return Request(value, "PUT", f"/traces/{trace_id}/verdict", {"value": value}, True)
        return Request(value, "POST", f"/read/{trace_id}/verdict", {"value": value}, False)

    return make


def _label(trace_id: int, mode_id: int) -> Make:
    values: list[str | None] = [LabelValue.PRESENT.value, LabelValue.ABSENT.value, None]

    def make(number: int) -> Request:
        value = values[number % len(values)]
        body = {"values": {str(mode_id): value}}
        return Request(str(value), "PUT", f"/traces/{trace_id}/labels", body, True)

    return make


def _rename(person: Person, mode_id: int) -> Make:
    def make(number: int) -> Request:
        name = f"{person.name}, name {number}"
        if number % 2:
            return Request(name, "PATCH", f"/modes/{mode_id}", {"name": name}, True)
        return Request(name, "POST", f"/modes/{mode_id}/name", {"name": name}, False)

    return make


def prepare(database: Database, count: int = COUNT) -> list[Writer]:
    """Make a project, and people who write notes, verdicts, labels and names of failure modes."""
    trace_ids = make_project(database, traces=count)
    writers = []
    with database.writing() as session:
        open_axial_coding(session)
        annotators = readers.people(session, count, Role.LEAD)
        for number, (person, trace_id) in enumerate(zip(annotators, trace_ids, strict=True)):
            mode_id = stored_id(modes.create(session, member(session), f"mode {number}"))
            kinds = (
                _note(person, trace_id),
                _verdict(person, trace_id),
                _label(trace_id, mode_id),
                _rename(person, mode_id),
            )
            writers.append(Writer(person, kinds[number % len(kinds)]))
    return writers


class Crowd:
    """Writers at work in threads of their own, until the block ends."""

    def __init__(self, url: str, writers: Sequence[Writer]) -> None:
        self._stopped = threading.Event()
        self._acknowledged = threading.Semaphore(0)
        self._last = time.monotonic()
        self._failed: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._run, args=(url, writer)) for writer in writers
        ]

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(timeout=120)
            assert not thread.is_alive()
        if self._failed:
            raise self._failed[0]

    def _run(self, url: str, writer: Writer) -> None:
        try:
            writer.write(url, self._stopped, self._acknowledged.release)
        except BaseException as error:
            self._failed.append(error)
            self._acknowledged.release(1_000_000)

    def wait_for(self, count: int) -> None:
        """Wait until so many more decisions were acknowledged."""
        for _ in range(count):
            assert self._acknowledged.acquire(timeout=120), "nothing is acknowledged any more"

    def forget(self) -> None:
        """Count from here on."""
        while self._acknowledged.acquire(blocking=False):
            pass


class Found(NamedTuple):
    acknowledged: int
    lost: int
    doubled: int


def compare(sent: Sequence[Decided], marks: Sequence[str]) -> tuple[int, int]:
    """How many of what was sent are lost, and how many are there too often.

    >>> compare([Decided("a", True), Decided("b", False), Decided("c", True)], ["a", "c"])
    (0, 0)
    >>> compare([Decided("a", True), Decided("b", True)], ["b", "b"])
    (1, 1)
    >>> compare([Decided("a", True), Decided("b", True)], ["a", "a", "b"])
    (0, 1)
    """
    place = lost = doubled = 0
    for decided in sent:
        while 0 < place < len(marks) and decided.mark != marks[place] == marks[place - 1]:
            place, doubled = place + 1, doubled + 1
        if place < len(marks) and marks[place] == decided.mark:
            place += 1
        elif decided.is_acknowledged:
            lost += 1
    return lost, doubled + len(marks) - place


def examine(database: Database, writers: Sequence[Writer]) -> Found:
    """Hold the log against what was acknowledged, and the tables against the log."""
    lost = doubled = 0
    with database.reading() as session:
        if database.takes_turns:
            assert session.execute(sa.text("PRAGMA integrity_check")).scalars().all() == ["ok"]
        for writer in writers:
            missing, too_many = compare(writer.decided, _marks(session, writer.person))
            lost, doubled = lost + missing, doubled + too_many
    with Session(database.engine) as session:
        check_replay(session, member(session).project_id)
        session.rollback()
    acknowledged = sum(sent.is_acknowledged for writer in writers for sent in writer.sent)
    return Found(acknowledged, lost, doubled)


def _marks(session: Session, person: Person) -> list[str]:
    """Of each event of a person, oldest first, what it wrote."""
    statement = (
        select(Event.payload)
        .join(Annotator, col(Annotator.id) == col(Event.actor_id))
        .join(User, col(User.id) == col(Annotator.user_id))
        .where(User.name == person.name)
        .order_by(col(Event.id))
    )
    return [_mark(payload["changes"]) for payload in session.exec(statement)]


def _mark(changes: Sequence[dict[str, Any]]) -> str:
    tables = ("note", "verdict", "label", FailureMode.__tablename__)
    change = next(change for change in changes if change["table"] in tables)
    after = change["after"] or {}
    return str(after.get("text") or after.get("value") or after.get("name"))
