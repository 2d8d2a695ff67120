"""What the documentation lists is what there is: settings, commands, options, formats, files."""

import json
import re
from pathlib import Path

import pytest
import typer.main
from fastapi.routing import APIRoute

from server.api.app import ROUTERS as API
from server.app import ROUTERS as SCREENS
from server.cli import app
from server.importers.registry import importers
from server.settings import Settings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TOP = [ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG", "SECURITY")]
PAGES = [*TOP, *sorted(DOCS.rglob("*.md"))]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # it is a group
NOT_SETTINGS = {"bench_data", "url", "token", "torture", "torture_rounds"}
"""Variables of snippets and of the tests."""
NOT_OURS = {"/api/v1/feedback", "/api/v1/openapi.json"}
"""Addresses of LangSmith, and of the schema itself."""
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


def prose(path: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)


def links_of(path: Path) -> list[tuple[Path, str]]:
    """Return the files that a page leads to or shows, with the heading that is meant, if any."""
    found = re.findall(
        r"(?:\]\(|src=\"|srcset=\")(?!https?:|mailto:)([^)\"#]*)(?:#([^)\"]+))?", prose(path)
    )
    return [((path.parent / link).resolve() if link else path, anchor) for link, anchor in found]


def headings_of(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose(path), re.M)
    plain = [re.sub(r"[^\w\- ]", "", re.sub(r"\[(.+?)\]\(.+?\)", r"\1", one)) for one in titles]
    return {one.lower().replace(" ", "-") for one in plain}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    links = links_of(path)
    assert [str(file) for file, _ in links if not file.exists()] == []
    on_pages = [(file, anchor) for file, anchor in links if anchor and file.suffix == ".md"]
    assert [
        (file.name, anchor) for file, anchor in on_pages if anchor not in headings_of(file)
    ] == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page_file = waiting.pop()
        reached.add(page_file)
        leads_to = {file for file, _ in links_of(page_file) if file in PAGES}
        waiting += leads_to - reached
    assert [path.name for path in PAGES if path not in reached] == []


def test_the_table_of_contents_lists_every_page() -> None:
    listed = {file for file, _ in links_of(DOCS / "README.md")}
    assert [
        path.name for path in DOCS.rglob("*.md") if path not in listed | {DOCS / "README.md"}
    ] == []


def test_every_picture_is_shown_and_there() -> None:
    shown = {file for path in PAGES for file, _ in links_of(path) if file.suffix == ".png"}
    assert shown == set((DOCS / "images").iterdir())
    assert sum(file.stat().st_size for file in shown) < 3_000_000


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_settings_and_commands_that_pages_name_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    settings = {name.lower() for name in re.findall(r"\bFAULTBOOK_([A-Z_]*[A-Z])\b", text)}
    assert settings - set(Settings.model_fields) - NOT_SETTINGS == set()
    commands = re.findall(r"(?:^ *|`)faultbook ((?:--\w+ \S+ )*)([a-z][a-z-]*)", text, re.M)
    assert {name for _, name in commands} - set(COMMANDS) == set()


def test_paths_named_in_contributing_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:server|docs|tests|templates|static|analysis)/[\w/.-]+)`", text)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_addresses_that_pages_name_exist() -> None:
    """A placeholder (`{slug}`, `SLUG`, `…` for a beginning) stands for any value."""
    routers = [("", one) for one in SCREENS] + [("/api/v1", one) for one in API]
    routes = [(under, route) for under, router in routers for route in router.routes]
    known = {under + route.path for under, route in routes if isinstance(route, APIRoute)}
    shapes = [re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in known]
    pattern = r"`(?:[A-Z]+ )?((?:/api/v1|(?<![\w/])/projects)/[^`?\s]+)(?:\?[^`]*)?`"
    named = {found for file in PAGES for found in re.findall(pattern, prose(file))} - NOT_OURS
    assert len(named) > 20
    plain = {one: one.replace("api/v1/…/", "api/v1/projects/any/") for one in named}
    found = {one for one, path in plain.items() if any(shape.fullmatch(path) for shape in shapes)}
    assert named - found == set()


def test_every_module_that_computes_is_in_methods() -> None:
    methods = "".join(file.read_text(encoding="utf-8") for file in DOCS.glob("methods*.md"))
    modules = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for file in (ROOT / "analysis").rglob("*.py")
        if file.parent.name != "charts" and re.search(r"^def [a-z]", file.read_text("utf-8"), re.M)
    }
    named = {name for name in modules if re.search(rf"`{re.escape(name)}[`.]", methods)}
    assert modules - named == set()
    told = re.findall(r"`(analysis(?:\.[a-z_]+)+)`", methods)
    assert [
        name
        for name in told
        if not any(
            f"{one}.".startswith(f"{name}.") or name.startswith(f"{one}.") for one in modules
        )
    ] == []


def test_what_docstrings_cite_is_cited_in_methods() -> None:
    methods = "".join(file.read_text(encoding="utf-8") for file in DOCS.glob("methods*.md"))
    cited = {
        (name, year)
        for file in (ROOT / "analysis").rglob("*.py")
        for text in re.findall(
            r"Citation: ([^\"]*)\"", re.sub(r"\s+", " ", file.read_text("utf-8"))
        )
        for name, year in re.findall(r"([A-Z][\w-]+)(?:,? [&\w.]+)* \((\d{4})\)", text)
    }
    assert len(cited) > 100
    absent = {(name, year) for name, year in cited if name not in methods or year not in methods}
    assert absent == set()
