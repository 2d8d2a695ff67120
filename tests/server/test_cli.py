"""The command line: one JSON object for machines, sentences for people, exit codes for scripts."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from server.commands.console import Console, command, printable
from tests.processes import Ended

TAU = Path(__file__).parents[1] / "data" / "tau-bench" / "trajectories.jsonl"
TAU_TRACES = len(TAU.read_text(encoding="utf-8").splitlines())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def import_tau(data: Path, *more: object) -> Ended:
    return Ended("import", TAU, "--project", "Tau", "--data", data, "--json", *more)


def loaded_with(name: str) -> set[str]:
    told = f"import {name}, sys; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return {*ended.stdout.split()}


def test_the_command_line_loads_nothing_heavy_before_it_knows_what_is_asked() -> None:
    assert not {"pandas", "numpy", "sqlalchemy", "fastapi"} & loaded_with("server.cli")


def test_the_server_starts_without_what_only_an_analysis_or_an_export_needs() -> None:
    computing = {"scipy", "sklearn", "torch", "umap", "numba", "tokenizers", "dask"}
    others = {"altair", "openpyxl", "xlsxwriter", "prometheus_client"}
    assert not (computing | others) & loaded_with("server.app")


def test_import_makes_the_project_and_says_what_it_read(data: Path) -> None:
    ended = import_tau(data)
    assert ended.code == 0
    assert {name: ended.answer[name] for name in ("read", "created", "updated", "refused")} == {
        "read": TAU_TRACES,
        "created": TAU_TRACES,
        "updated": 0,
        "refused": 0,
    }
    assert ended.answer["format"] == "tau-bench"
    assert ended.answer["refused_file"] is None
    assert [file["file"] for file in ended.answer["files"]] == [TAU.name]
    assert "no project «Tau»: it is made now" in ended.told


def test_the_same_import_again_changes_nothing(data: Path) -> None:
    import_tau(data)
    again = import_tau(data)
    assert (again.answer["created"], again.answer["unchanged"]) == (0, TAU_TRACES)


def test_a_bad_record_is_told_and_kept_and_is_no_failure(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "mixed.jsonl"
    good = {"id": "a", "messages": [{"role": "user", "content": "Hi"}]}
    file.write_text(json.dumps(good) + '\n{"id": "b", "messages": 7}\n', encoding="utf-8")
    ended = Ended("import", file, "--project", "Mixed", "--data", data, "--json")
    assert ended.code == 0
    assert (ended.answer["read"], ended.answer["refused"]) == (1, 1)
    kept = Path(ended.answer["refused_file"]).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["line"] for line in kept] == [2]
    assert "mixed.jsonl, line 2" in ended.told


def test_a_folder_reports_what_it_skips(data: Path) -> None:
    ended = Ended("import", TAU.parent, "--project", "Tau", "--data", data, "--json")
    skipped = {file["file"]: file["skipped"] for file in ended.answer["files"] if "skipped" in file}
    assert "README.md" in skipped
    assert ended.answer["created"] == TAU_TRACES


def test_mapping_and_dimensions_reach_the_traces(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("said,who,tier\nIt is 3.,model-b,gold\n", encoding="utf-8")
    choice = ("--map", "output=said", "--map", "model=who", "--dimension", "tier")
    ended = Ended("import", file, "--project", "Table", "--data", data, "--json", *choice)
    assert ended.answer["created"] == 1
    evals = Ended("evals", "--project", "Table", "--search", "MODEL", "--data", data, "--json")
    assert [(row["model"], row["traces"]) for row in evals.answer["evals"]] == [("model-b", 1)]


def test_a_dry_run_needs_no_project_and_stores_nothing(data: Path) -> None:
    ended = Ended("import", TAU, "--dry-run", "--data", data, "--json")
    assert ended.code == 0
    assert (ended.answer["read"], ended.answer["created"]) == (TAU_TRACES, 0)
    assert not data.exists()


def test_an_unreadable_file_fails_with_a_sentence(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "picture.jsonl"
    file.write_bytes(b"\x00\x01\x02" * 100)
    ended = Ended("import", file, "--project", "Tau", "--data", data, "--json")
    assert ended.code == 1
    assert "picture.jsonl is not text" in ended.answer["error"]
    assert "picture.jsonl is not text" in ended.told


def test_a_file_that_cannot_be_read_makes_no_project(data: Path, tmp_path: Path) -> None:
    noise = tmp_path / "noise.jsonl"
    noise.write_bytes(bytes(range(256)))
    ended = Ended("import", noise, "--project", "Noise", "--data", data, "--json")
    assert (ended.code, ended.answer["read"]) == (1, 0)
    assert "noise.jsonl is not text" in ended.told
    assert "is made now" not in ended.told
    ended = Ended("evals", "--project", "Noise", "--data", data)
    assert "There is no project «noise». Projects: none yet." in ended.told


def test_import_says_where_to_go_on(data: Path) -> None:
    assert "faultbook serve" in import_tau(data).told
    assert "faultbook serve" not in Ended("import", TAU, "--dry-run", "--data", data).told


def test_a_missing_file_makes_no_project(data: Path, tmp_path: Path) -> None:
    ended = Ended("import", tmp_path / "gone.jsonl", "--project", "Tau", "--data", data)
    assert ended.code == 1
    assert "Nothing was imported" in ended.told
    assert not data.exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("import", TAU), "--project"),
        (("import", TAU, "-p", "x", "--format", "nix"), "Known: "),
        (("import", TAU, "-p", "x", "--map", "model"), "FIELD=PATH"),
        (("import", TAU, "-p", "x", "--map", "colour=x"), "colour"),
        (("evals",), "--project"),
        (("serve", "--port", "99999"), "--port"),
        (("nothing",), "nothing"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[-1],
)
def test_wrong_arguments_end_with_2(data: Path, arguments: tuple[object, ...], told: str) -> None:
    ended = Ended("--data", data, *arguments)
    assert ended.code == 2
    assert told in ended.told
    assert ended.stdout == ""


def test_a_wrong_setting_in_the_environment_is_named(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULTBOOK_JOB_WORKERS", "none")
    ended = Ended("migrate", "--data", data)
    assert ended.code == 2
    assert "FAULTBOOK_JOB_WORKERS" in ended.told


def test_an_unknown_project_is_answered_with_those_there_are(data: Path) -> None:
    import_tau(data)
    ended = Ended("evals", "--project", "Nix", "--data", data, "--json")
    assert ended.code == 1
    assert ended.answer == {"error": "There is no project «nix». Projects: tau."}
    assert ended.answer["error"] in ended.told


def test_global_options_stand_before_or_behind_the_command(data: Path) -> None:
    database = f"sqlite:///{data / 'other.sqlite'}"
    before = Ended("--data", data, "--database", database, "--json", "migrate")
    behind = Ended("migrate", "--data", data, "--database", database, "--json")
    assert before.answer == behind.answer
    assert (data / "other.sqlite").exists()
    assert not (data / "faultbook.sqlite").exists()


def import_runs(data: Path, folder: Path) -> None:
    file = folder / "runs.csv"
    rows = ["id,item_id,task,output,passed", "1,a,sums,x,true", "2,a,sums,y,false", "3,b,maps,z,1"]
    file.write_text("\n".join(rows), encoding="utf-8")
    assert Ended("import", file, "--project", "Runs", "--data", data).code == 0


def test_tasks_counts_items_and_traces(data: Path, tmp_path: Path) -> None:
    import_runs(data, tmp_path)
    file = tmp_path / "views.yaml"
    file.write_text("tasks: {sums: {views: [{name: By task, x: tokens, y: tier}]}}", "utf-8")
    views = Ended("views", "import", file, "--project", "runs", "--data", data, "--json")
    assert views.answer == {"added": 1, "changed": 0, "same": 0}
    maps, sums = Ended("tasks", "--project", "runs", "--data", data, "--json").answer["tasks"]
    assert (maps["task"], maps["items"], maps["traces"], maps["correct"]) == ("maps", 1, 1, 1)
    assert (sums["task"], sums["items"], sums["traces"], sums["correct"]) == ("sums", 1, 2, 1)
    # Wilson of 1 in 2: .5 and both ends as far from it.
    accuracy = {"value": 0.5, "low": 0.094531, "high": 0.905469, "n": 2}
    assert sums["accuracy"] == accuracy
    assert (maps["views"], [view["name"] for view in sums["views"]]) == ([], ["By task"])


def test_export_writes_what_the_filters_leave(data: Path, tmp_path: Path) -> None:
    import_runs(data, tmp_path)
    file = tmp_path / "labels.csv"
    filters = ("--filters", '{"task": "sums"}')
    arguments = ("--project", "Runs", "--format", "csv", "--out", file, *filters)
    ended = Ended("export", *arguments, "--data", data, "--json")
    assert ended.answer == {
        "format": "csv",
        "path": str(file),
        "traces": 2,
        "bytes": file.stat().st_size,
    }
    with file.open(encoding="utf-8", newline="") as lines:
        assert [row["trace_id"] for row in csv.DictReader(lines)] == ["1", "2"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--format", "word"), "csv"),
        (("--format", "csv", "--filters", "{"), "JSON"),
        (("--format", "csv", "--filters", '{"outcome": "great"}'), "great"),
    ],
)
def test_a_wrong_export_ends_with_2_and_writes_nothing(
    data: Path, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    import_runs(data, tmp_path)
    file = tmp_path / "labels.csv"
    ended = Ended("export", "--project", "Runs", "--out", file, *arguments, "--data", data)
    assert ended.code == 2
    assert told in ended.told
    assert not file.exists()


def test_an_export_into_a_missing_folder_says_so(data: Path, tmp_path: Path) -> None:
    import_runs(data, tmp_path)
    arguments = ("--project", "Runs", "--format", "csv", "--out", tmp_path / "no" / "labels.csv")
    ended = Ended("export", *arguments, "--data", data)
    assert ended.code == 1
    assert "make it first" in ended.told


def test_doctor_finds_a_new_installation_well(data: Path) -> None:
    ended = Ended("doctor", "--data", data, "--json")
    assert (ended.code, "data directory" in ended.answer["error"]) == (1, True)
    assert not data.exists()
    assert Ended("migrate", "--data", data).code == 0
    ended = Ended("doctor", "--fix", "--data", data, "--json")
    assert ended.code == 0, ended.told
    checks = {check["name"]: check["state"] for check in ended.answer["checks"]}
    assert checks.pop("embedding model") in ("ok", "warning")
    assert checks.pop("port") in ("ok", "warning")
    assert set(checks.values()) == {"ok"}


def test_a_folder_where_the_database_should_be_is_a_sentence(data: Path) -> None:
    (data / "faultbook.sqlite").mkdir(parents=True)
    ended = Ended("migrate", "--data", data)
    assert ended.code == 1
    assert "The database cannot be used" in ended.told


def test_an_address_that_others_reach_is_refused(data: Path) -> None:
    ended = Ended("serve", "--no-login", "--host", "0.0.0.0", "--data", data)
    assert ended.code == 1
    assert "nobody signs in" in ended.told


def test_what_a_terminal_would_obey_is_shown_instead() -> None:
    assert printable("evil\x1b[31m\x9bname\n") == "evil\\x1b[31m\\x9bname\n"
    assert printable("\u202egnp.exe") == "\\u202egnp.exe"


def test_a_pipe_gets_whole_file_names_and_companions_apart(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    name = f"{'a-long-name-of-a-run-' * 6}.csv"
    (folder / name).write_text("question,answer\nHi,Ho\n", encoding="utf-8")
    (folder / "README.md").write_text("Read me.", encoding="utf-8")
    ended = Ended("import", folder, "--dry-run", "--data", data)
    assert f"{name} table 1" in ended.told
    assert "Skipped, a companion, not traces: README.md." in ended.told


def test_ctrl_c_is_told_to_people_and_machines_whatever_went_on() -> None:
    app = typer.Typer()

    @command(app, "wait")
    def wait(console: Console) -> None:
        raise KeyboardInterrupt

    ended = CliRunner().invoke(app, ["--json"])
    assert (ended.exit_code, json.loads(ended.stdout)["cancelled"]) == (130, True)
    assert ended.stderr.startswith("Stopped")


@pytest.mark.parametrize("group", [(), ("analyze",), ("project",), ("user",), ("views",)])
def test_lists_of_commands_break_off_in_no_sentence(group: tuple[str, ...]) -> None:
    _, found, commands = Ended(*group, "-h").stdout.partition("Commands:")
    assert found
    assert "..." not in commands
