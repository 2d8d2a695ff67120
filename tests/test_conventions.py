"""The house rules that a machine can check, each with the reason in its failure."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from server.assets import shipped
from tests import one_database

ROOT = Path(__file__).parents[1]
FILE_LINES = 400
FUNCTION_LINES = 50
ROUTE_LINES = 12
Check = Callable[[Path], object]
PYTHON = sorted(
    path
    for folder in ("server", "analysis", "tests", "docs", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if ".environments" not in path.parts
)
CODE = [path for path in PYTHON if path.relative_to(ROOT).parts[0] in ("server", "analysis")]
ROUTES = sorted(
    path for layer in ("routes", "api") for path in (ROOT / "server" / layer).glob("*.py")
)
HAND_WRITTEN = [
    *PYTHON,
    *sorted(shipped("templates").rglob("*.html")),
    *sorted((shipped("static") / "css").glob("*.css")),
    *sorted((shipped("static") / "js").glob("*.js")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile")),
]
NAMELESS = {"utils", "helpers", "common", "manager", "managers", "misc", "tools", "shared"}
CATCH_ALL = ("Exception", "BaseException")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(parsed(path)) if isinstance(node, Function))


def length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def called_methods(path: Path) -> set[str]:
    return {
        node.func.attr
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }


def called_names(path: Path) -> set[str]:
    return {
        node.func.id
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def offenders(paths: Iterable[Path], check: Check) -> dict[str, object]:
    """Return what a check finds, by file; nothing for files that keep the rule."""
    found = {name_of(path): check(path) for path in paths}
    return {name: problem for name, problem in found.items() if problem}


def test_there_is_something_to_check() -> None:
    assert len(CODE) > 50
    assert len(ROUTES) > 3


def test_a_file_is_read_in_one_sitting() -> None:
    def too_long(path: Path) -> int:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        return lines if lines > FILE_LINES else 0

    assert not offenders(PYTHON, too_long), "split it by subject"


def test_a_function_fits_on_a_screen() -> None:
    def too_long(path: Path) -> dict[str, int]:
        return {f.name: length(f) for f in functions(path) if length(f) > FUNCTION_LINES}

    assert not offenders(CODE, too_long)


def body_lines(function: Function) -> int:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_a_route_parses_calls_and_renders() -> None:
    def too_long(path: Path) -> dict[str, int]:
        routes = [
            f for f in functions(path) if any(isinstance(d, ast.Call) for d in f.decorator_list)
        ]
        return {f.name: body_lines(f) for f in routes if body_lines(f) > ROUTE_LINES}

    assert not offenders(ROUTES, too_long), "a route's work belongs into a service or a view"


def test_routes_ask_no_database() -> None:
    def asks(path: Path) -> set[str]:
        statements = called_names(path) & {"select", "insert", "update", "delete", "text"}
        return statements | (called_methods(path) & {"exec", "execute", "scalars", "flush"})

    assert not offenders(ROUTES, asks), "statements belong into server/queries"


def test_no_html_in_python() -> None:
    tag = re.compile(r"</?(a|b|div|form|p|span|table|td|tr|ul|li|button|svg)[ >]")

    def markup(path: Path) -> list[str]:
        return [
            node.value
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and tag.search(node.value)
        ]

    shown = [*ROUTES, *(ROOT / "server" / "views").glob("*.py")]
    assert not offenders(shown, markup), "markup belongs into templates/"


def test_only_the_database_commits() -> None:
    def commits(path: Path) -> set[str]:
        return called_methods(path) & {"commit", "rollback"}

    elsewhere = [path for path in CODE if name_of(path) not in ("server/db.py", "server/turns.py")]
    assert not offenders(elsewhere, commits), "SessionDep and Database.writing() commit"


def test_modules_have_names_of_the_field() -> None:
    assert not [name_of(path) for path in CODE if path.stem in NAMELESS]


def test_only_jobs_knows_the_queue() -> None:
    def imports_huey(path: Path) -> bool:
        return any(
            (isinstance(node, ast.Import) and any(a.name.startswith("huey") for a in node.names))
            or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("huey"))
            for node in ast.walk(parsed(path))
        )

    assert list(offenders(CODE, imports_huey)) == ["server/jobs.py"]


def test_no_exception_is_swallowed() -> None:
    def swallowed(path: Path) -> list[int]:
        return [
            node.lineno
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.ExceptHandler)
            and (node.type is None or getattr(node.type, "id", "") in CATCH_ALL)
            and not any(isinstance(inner, ast.Raise | ast.Call) for inner in ast.walk(node))
        ]

    assert not offenders(CODE, swallowed), "these lines catch everything and do nothing with it"


def test_markup_is_trusted_in_one_place_only() -> None:
    trusting = [
        path.relative_to(shipped("templates")).as_posix()
        for path in shipped("templates").rglob("*.html")
        if re.search(r"\|\s*safe\b|autoescape false", path.read_text(encoding="utf-8"))
    ]
    assert trusting in ([], ["ui/markdown.html"])


def test_python_marks_no_text_as_safe_markup() -> None:
    def marks(path: Path) -> bool:
        return "Markup" in called_names(path)

    elsewhere = [path for path in CODE if name_of(path) != "server/render.py"]
    assert not offenders(elsewhere, marks), "server/render.py sanitises and marks"


def test_nothing_is_left_to_do_later() -> None:
    marks = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")
    assert not offenders(HAND_WRITTEN, lambda path: marks.findall(path.read_text("utf-8")))


def test_tests_mirror_the_sources() -> None:
    """A test package stands for each source package that has code of its own."""
    for folder in ("analysis", "server", "importers", "migrations", "browser"):
        assert list((ROOT / "tests" / folder).glob("test_*.py")), f"tests/{folder} is empty"


def test_files_that_one_database_suffices_for_are_there() -> None:
    assert {name for name in one_database.FILES if not (ROOT / "tests" / name).is_file()} == set()
