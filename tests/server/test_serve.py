"""Processes that stay: they answer once they say so, and end cleanly when told to."""

import signal
import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from server.db import Database
from server.errors import StartupError
from server.jobs import Jobs
from server.models.base import stored_id
from server.models.run import AnalysisRun, RunStatus
from server.queries import traces
from server.serve import bind, url_of, wait_for_answer
from server.services import imports
from server.settings import Settings, is_loopback
from tests import databases
from tests.application import listening
from tests.factories import make_project, member
from tests.processes import Ended, running

TAU = Path(__file__).parents[1] / "data" / "tau-bench" / "trajectories.jsonl"


def answers(url: str) -> int:
    with urllib.request.urlopen(url, timeout=60) as response:
        status: int = response.status
        return status


def test_small_answers_are_sent_at_once() -> None:
    with (
        bind(Settings(host="127.0.0.1", port=0)) as listening,
        socket.create_connection(listening.getsockname()) as _,
        listening.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_when_it_prints_its_url_and_ends_cleanly(
    tmp_path: Path, ending: signal.Signals
) -> None:
    with running("serve", "--no-login", "--port", 0, "--data", tmp_path / "data") as server:
        assert server.answer["url"].startswith("http://127.0.0.1:")
        assert answers(server.answer["url"]) == 200
        assert server.end(ending) == 0


def test_a_server_where_people_sign_in_gives_a_link_for_the_first_admin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULTBOOK_NO_LOGIN", "false")
    with running("serve", "--port", 0, "--data", tmp_path / "data") as server:
        assert answers(server.answer["setup_url"]) == 200
        assert server.end(signal.SIGTERM) == 0
    with running("serve", "--port", 0, "--no-login", "--data", tmp_path / "data") as server:
        assert "setup_url" not in server.answer


def test_a_server_answers_that_it_is_there_whatever_names_it_answers_to(tmp_path: Path) -> None:
    databases.migrated(Settings(data=tmp_path).database_url)
    with listening(tmp_path, allowed_hosts=["faultbook.example.org"]) as url:
        wait_for_answer(url)
        with pytest.raises(urllib.error.HTTPError, match="400"):
            answers(url)


def test_sqlite_is_served_by_one_process(tmp_path: Path) -> None:
    options = ("--port", 0, "--no-login", "--data", tmp_path / "data")
    ended = Ended("serve", "--workers", 2, *options)
    assert ended.code == 1
    assert "Several server processes need PostgreSQL" in ended.told


def test_a_taken_port_is_told() -> None:
    with bind(Settings(host="127.0.0.1", port=0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(StartupError, match=rf"Port {port} .* --port 0"):
            bind(Settings(host="127.0.0.1", port=port))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_addresses_that_only_this_machine_reaches(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", "", "127.0.0.1.nip"])
def test_addresses_that_others_reach_need_people_to_sign_in(host: str) -> None:
    with pytest.raises(StartupError, match="nobody signs in"):
        bind(Settings(host=host, port=0, no_login=True))


def test_where_people_sign_in_others_may_reach_the_server() -> None:
    with bind(Settings(host="0.0.0.0", port=0, no_login=False)) as listening:
        assert url_of(listening).startswith("http://0.0.0.0:")


def wait_until_over(database: Database, run_id: int) -> RunStatus:
    pause = threading.Event()
    for _ in range(400):
        with database.reading() as session:
            status = session.get_one(AnalysisRun, run_id).status
        if status.is_over:
            return status
        pause.wait(0.05)
    raise AssertionError("the worker did not finish the run")


def test_a_worker_performs_what_serve_leaves_to_it(database: Database, settings: Settings) -> None:
    make_project(database, traces=0)
    settings.uploads.mkdir()
    (settings.uploads / "tau.jsonl").write_bytes(TAU.read_bytes())
    jobs = Jobs.beside(settings.database_url, settings.jobs_path)
    with database.writing() as session:
        lead = member(session)
        options = imports.options_from(settings, format_name="", mapping={}, dimensions=())
        row = imports.stage(session, lead, TAU.name, options, stored_path="uploads/tau.jsonl")
        run_id = stored_id(imports.request(session, jobs, lead, row))
        project_id = lead.project_id
    with running("worker", "--data", settings.data, "--database", settings.database_url) as worker:
        assert wait_until_over(database, run_id) is RunStatus.DONE
        assert worker.end(signal.SIGTERM) == 0
    jobs.stop()
    with database.reading() as session:
        assert session.exec(traces.count(project_id)).one() == len(TAU.read_bytes().splitlines())
