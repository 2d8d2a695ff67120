"""A data directory on a disk that is mounted read-only: a sentence, and nothing is changed."""

import signal
from pathlib import Path

import pytest

from tests.factories import SLUG
from tests.processes import running
from tests.torture import test_disk_full as full
from tests.torture.disks import Disk

pytestmark = pytest.mark.sqlite
data, disk = full.data, full.disk


@pytest.mark.parametrize("ending", ["SIGTERM", "SIGKILL"])
def test_a_disk_that_is_mounted_read_only_is_said_and_nothing_is_changed(
    disk: Disk, data: Path, tmp_path: Path, ending: str
) -> None:
    with running("serve", "--no-login", "--port", 0, "--data", data) as server:
        note = {"text": "is there"}
        assert full.asked(server.answer["url"], "POST", "/read/1/notes", note)[0] == 303
        server.end(signal.Signals[ending])
    before = {path.name: path.stat().st_mtime_ns for path in data.iterdir()}
    disk.make_read_only()
    traces = full.traces(tmp_path / "many.jsonl", 10)
    for arguments in (
        ("import", traces, "-p", SLUG),
        ("serve", "--no-login", "--port", 0),
        ("worker",),
        ("export", "-p", SLUG, "-f", "archive", "-o", tmp_path / "archive.zip"),
    ):
        code, told = full.shell(data, *arguments)
        assert (code, "read-only" in told or "readonly" in told) == (1, True), (arguments, told)
    assert {path.name: path.stat().st_mtime_ns for path in data.iterdir()} == before
