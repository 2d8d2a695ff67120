"""What docs/deploy holds fits the tools that read it, and this version's settings and commands."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer.main
import yaml

from server.cli import app
from server.settings import Settings

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "docs" / "deploy"
UNITS = ["faultbook.service", "faultbook-worker@.service"]
ENVIRONMENTS = ["faultbook.env.example", "faultbook.env.systemd"]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # it is a group


def found(name: str) -> str:
    """A tool's path; tests of files that only it can read are left out where it is missing."""
    beside = Path(sys.executable).with_name(name)
    path = str(beside) if beside.exists() else shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def ran(*command: object) -> str:
    """What a tool complains about."""
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60)
    return result.stdout + result.stderr + ("" if result.returncode == 0 else " failed")


def assert_understood(words: list[str]) -> None:
    """Command and options are there."""
    name, *rest = words
    options = {option for p in COMMANDS[name].params for option in p.opts}
    assert [word for word in rest if word.startswith("--") and word not in options] == []


def test_the_dockerfile_is_clean() -> None:
    assert ran(found("hadolint"), ROOT / "Dockerfile") == ""


def test_the_image_is_built_from_what_is_packed_and_runs_as_nobody_in_particular() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    packed = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    folders = set(re.findall(r'^"(\w+)" = "server/_shipped', packed, re.M))
    assert folders
    needed = {"server", "analysis", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"}
    assert allowed == folders | needed
    assert "*" in lines
    last = (ROOT / "Dockerfile").read_text(encoding="utf-8").rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.M)


@pytest.mark.parametrize("unit", UNITS)
def test_units_are_those_systemd_reads_and_start_what_there_is(unit: str, tmp_path: Path) -> None:
    text = (DEPLOY / unit).read_text(encoding="utf-8")
    (started,) = re.findall(r"^ExecStart=/opt/faultbook/bin/faultbook (.*)$", text, re.M)
    assert_understood(shlex.split(started))
    instance = tmp_path / unit.replace("@.", "@1.")
    instance.write_text(text.replace("/opt/faultbook/bin/faultbook", sys.executable))
    assert ran(found("systemd-analyze"), "verify", instance) == ""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return read


def test_the_compose_file_fits_its_specification(compose: dict[str, Any]) -> None:
    path = ROOT / "tests" / "data" / "schemas" / "compose-spec.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    known = {name: value for name, value in compose.items() if name != "name"}  # came in later
    jsonschema.Draft7Validator(schema).validate(known)


def test_the_compose_file_starts_what_there_is(compose: dict[str, Any]) -> None:
    own = {name: s for name, s in compose["services"].items() if s.get("image") == "faultbook"}
    assert set(own) == {"migrate", "serve", "worker"}
    for service in own.values():
        assert_understood(service["command"])
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
    for service in compose["services"].values():
        for name in service.get("depends_on", {}):
            assert name in compose["services"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_settings_of_the_examples_are_taken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (DEPLOY / name).read_text(encoding="utf-8").splitlines()
    pairs = dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
    ours = {name: value for name, value in pairs.items() if name.startswith("FAULTBOOK_")}
    ours.pop("FAULTBOOK_SITE", None)  # for the proxy
    assert {name.removeprefix("FAULTBOOK_").lower() for name in ours} <= set(Settings.model_fields)
    for variable, value in ours.items():
        monkeypatch.setenv(variable, value)
    settings = Settings()
    assert settings.database_url.startswith("postgresql+psycopg://")
    assert settings.allowed_hosts == ["faultbook.example.org"]
    assert settings.trusted_proxies
