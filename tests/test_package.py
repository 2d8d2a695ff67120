"""The wheel: what it holds, and that it works away from the checkout."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest

from server.assets import shipped

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the files of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "from hatchling.build import build_wheel; import sys; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def faultbook(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, installed from the wheel, with the dependencies of this environment."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    (packages,) = folder.glob("lib/python*/site-packages")
    (theirs,) = Path(sys.prefix).glob("lib/python*/site-packages")
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    # Ours come first. An editable install names the checkout in a .pth file, which this one skips.
    (packages / "dependencies.pth").write_text(f"{theirs}\n")
    return folder / "bin" / "faultbook"


def run(command: Path, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(
        [str(command), *(str(argument) for argument in arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_it_installs_two_packages_and_nothing_else(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"server", "analysis"}


@pytest.mark.parametrize("folder", ["templates", "static", "migrations"])
def test_every_shipped_file_is_in_it(names: set[str], folder: str) -> None:
    files = [
        path.relative_to(shipped(folder)).as_posix()
        for path in shipped(folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert files
    assert {f"server/_shipped/{folder}/{file}" for file in files} <= names


def test_the_demo_comes_with_source_and_licence(names: set[str]) -> None:
    projects = {
        "misguided_attention": {"traces.jsonl.zst", "LICENSE.txt"},
        "finished_example": {
            *(f"{name}.jsonl.zst" for name in ("trajectories", "annotations", "summaries")),
            "LICENSE-MIT-AgentRx.txt",
            "LICENSE-MIT-tau-bench.txt",
        },
        "many_models": {
            "traces.jsonl.zst",
            "outcomes.csv.zst",
            "LICENSE-Apache-2.0-MINT.txt",
            "LICENSE-MIT-tasks.txt",
        },
    }
    for project, parts in projects.items():
        wanted = {f"server/demo/{project}/{part}" for part in (*parts, "SOURCE.md")}
        assert {name for name in names if f"/{project}/" in name} == wanted


def test_no_test_and_no_puzzle_as_text_is_in_it(names: set[str]) -> None:
    assert not [name for name in names if "test" in Path(name).stem.split("_")]
    assert not [name for name in names if name.endswith((".jsonl", ".csv"))]


def test_no_dependency_takes_the_names_of_our_packages() -> None:
    taken = {
        (distribution.name, file.parts[0])
        for distribution in distributions()
        if distribution.name != "faultbook"
        for file in distribution.files or ()
        if file.parts[0] in ("server", "analysis", "server.py", "analysis.py")
    }
    assert taken == set()


def test_it_runs_from_elsewhere(faultbook: Path, tmp_path: Path) -> None:
    ended = run(faultbook, "--help", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "demo" in ended.stdout


def test_it_migrates_and_loads_the_demo_from_elsewhere(faultbook: Path, tmp_path: Path) -> None:
    load = (
        "from server import assets, demo\n"
        "from server.db import Database\n"
        "from server.schema import upgrade\n"
        "from server.services import demo as service\n"
        "from server.settings import Settings\n"
        "settings = Settings()\n"
        "settings.data.mkdir()\n"
        "database = Database.from_url(settings.database_url)\n"
        "upgrade(database)\n"
        "assert service.load(database, settings, lambda *_: None)\n"
        "print(assets.__file__)\n"
    )
    ended = run(faultbook.with_name("python"), "-c", load, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert not Path(ended.stdout.strip()).is_relative_to(ROOT), "the checkout was imported"
    evals = run(faultbook, "evals", "--project", "misguided-attention", "--json", cwd=tmp_path)
    assert sum(row["traces"] for row in json.loads(evals.stdout)["evals"]) == 416
