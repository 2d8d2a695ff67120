"""What the documentation lists is what there is: settings, commands, options, formats, files."""

import json
import re
from pathlib import Path

import pytest
import typer.main

from server.cli import app
from server.importers.registry import importers
from server.settings import Settings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # it is a group
GLOBAL = {"--data", "--database", "--json", "--help"}


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def documented_settings() -> dict[str, str]:
    rows = re.findall(r"^\| `FAULTBOOK_(\w+)` \| `?(.*?)`? \|", page("settings.md"), re.M)
    return {name.lower(): default for name, default in rows}


def test_every_setting_is_documented_with_its_default() -> None:
    declared = {}
    for name, field in Settings.model_fields.items():
        default = field.default
        plain = default if isinstance(default, str) else None
        text = str(default) if isinstance(default, Path) else plain
        declared[name] = json.dumps(default) if text is None else text or "empty"
    assert documented_settings() == declared


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_is_documented(name: str) -> None:
    text = page("command-line.md")
    assert f"`faultbook {name}" in text
    options = {option for p in COMMANDS[name].params for option in p.opts if option[:2] == "--"}
    assert {option for option in options - GLOBAL if f"`{option}" not in text} == set()


@pytest.mark.parametrize("name", sorted(importers()))
def test_every_format_is_documented_with_its_example(name: str) -> None:
    text = page("importing.md")
    assert f"`{name}`" in text
    first = importers()[name].example.splitlines()[0]
    assert first[:60] in text


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_paths_named_in_contributing_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:server|docs|tests|templates|static|analysis)/[\w/.-]+)`", text)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
