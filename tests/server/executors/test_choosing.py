"""Who computes: how it is written, and what is said where nobody can."""

import socket

import pytest

from server.errors import Unavailable, WrongArgument
from server.executors.choosing import address_of, current, offered, opened
from server.executors.versions import checked, difference, facts


@pytest.mark.parametrize(
    ("where", "address"),
    [
        ("local", None),
        ("dask://scheduler.internal:8786", "tcp://scheduler.internal:8786"),
        ("dask://[::1]:8786", "tcp://[::1]:8786"),
        ("tls://10.0.0.7:8786/", "tls://10.0.0.7:8786"),
    ],
)
def test_an_executor_is_local_or_a_scheduler(where: str, address: str | None) -> None:
    assert address_of(where) == address


@pytest.mark.parametrize(
    "where",
    ["", "here", "dask://host", "dask://:1", "ray://host:1", "dask://host:x", "dask://a:b@host:1"],
)
def test_another_executor_is_refused_with_the_ones_there_are(where: str) -> None:
    with pytest.raises(WrongArgument, match="use local, dask://HOST:PORT, or tls://HOST:PORT"):
        address_of(where)


def test_a_scheduler_that_does_not_listen_is_told_at_once() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        where = f"dask://127.0.0.1:{probe.getsockname()[1]}"
        with (
            pytest.raises(Unavailable, match=r"can't be reached: Connection refused\. Start it"),
            opened(where),
        ):
            pass


def test_whoever_is_offered_is_called_only_when_something_asks() -> None:
    with offered("dask://127.0.0.1:1"):
        pass
    with pytest.raises(Unavailable), offered("dask://127.0.0.1:1"):
        current()
    assert current() is None


def test_a_computer_with_other_versions_is_named_with_what_differs() -> None:
    own = {"Python": "3.12", "numpy": "2.4.6"}
    told = difference({"Python": "3.12", "numpy": "2.3.1"}, own, "The worker tcp://10.0.0.8:4000")
    assert told.startswith(
        "The worker tcp://10.0.0.8:4000 has numpy 2.3.1, this computer has 2.4.6: numbers could"
    )
    assert difference(own, own, "A worker") == ""


def test_a_worker_like_whoever_asks_calls_the_function_by_its_name() -> None:
    assert checked(dict(facts()), "math", "gcd", 12, 18) == 6
    with pytest.raises(Unavailable, match="has zlib"):
        checked({**facts(), "zlib": "1.0"}, "math", "gcd", 12, 18)
