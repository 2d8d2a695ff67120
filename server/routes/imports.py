"""Import: files dropped in the browser, looked at, imported, reported on."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, model_validator

from server.importers.recognition import Looked, Origin, Reading
from server.models.base import stored_id
from server.models.trace import Import, TraceSource
from server.routes.multipart import BODY_LIMIT, ReceivedFiles
from server.routes.rule_choices import RuleChoices
from server.routes.screen import STOP_POLLING, KeeperScreen, LeadScreen, Reader
from server.services import (
    import_look,
    imports,
    outcome_rules,
    rereading,
    sampling_frames,
    uploads,
)
from server.views.import_page import import_page
from server.views.imports import import_list

router = APIRouter(prefix="/projects/{slug}/imports", tags=["imports"])


class Frame(BaseModel):
    """Where the traces of an import come from."""

    source: TraceSource = TraceSource.UNKNOWN
    is_random_sample: bool = False
    pipeline_version: str = ""
    source_url_template: str = ""

    @property
    def origin(self) -> Origin:
        return Origin(
            self.source, self.is_random_sample, self.pipeline_version, self.source_url_template
        )


class Choices(Frame, RuleChoices):
    """How a file is to be read and where it comes from; `field[i]` is read from `column[i]`."""

    chosen: bool = False
    """Whether somebody chose, if only what is guessed; else a file is read as last time."""
    format: str = ""
    field: list[str] = []
    column: list[str] = []
    dimension: list[str] = []

    @model_validator(mode="after")
    def _paired(self) -> "Choices":
        if len(self.field) != len(self.column):
            raise ValueError("each field needs one column")
        return self

    @property
    def reading(self) -> Reading | None:
        if not (self.chosen or self.format or self.field or self.dimension):
            return None
        mapping = dict(zip(self.field, self.column, strict=True))
        return Reading(self.format, mapping, tuple(self.dimension))


@router.get("")
def list_imports(screen: Reader) -> Response:
    """Where files are dropped, which formats are known, what was imported."""
    server_url = str(screen.request.base_url).rstrip("/")
    view = import_list(screen.session, screen.member, screen.settings, server_url)
    return screen.show("imports/list.html", view, section="imports")


@router.post("", max_body_size=BODY_LIMIT)
def upload(files: ReceivedFiles, screen: LeadScreen) -> Response:
    """Keep the files and go on to look at them; nothing is imported yet."""
    rows = uploads.stage(screen.session, screen.member, screen.settings, files)
    if len(rows) == 1:
        return screen.redirect(f"/imports/{stored_id(rows[0])}")
    return screen.redirect("/imports", message=f"{len(rows)} files wait to be looked at")


Chosen = Annotated[Choices, Query()]
Sent = Annotated[Choices, Form()]


@router.get("/{import_id}")
def show_import(screen: KeeperScreen, import_id: int, choices: Chosen) -> Response:
    """A staged file as it will be read, an import under way, or its report."""
    row = imports.find(screen.session, screen.member, import_id)
    asked = (screen.session, screen.member, row, screen.settings, choices.reading)
    return _show(screen, row, import_look.staged(*asked), choices)


@router.get("/{import_id}/mapping")
def show_mapping(screen: KeeperScreen, import_id: int, choices: Chosen) -> Response:
    """The file of a finished import as it would be read again."""
    row = imports.find(screen.session, screen.member, import_id)
    looked = import_look.again(screen.member, row, screen.settings, choices.reading)
    return _show(screen, row, looked, choices)


@router.post("/{import_id}/mapping")
def change_mapping(screen: LeadScreen, import_id: int, choices: Sent) -> Response:
    """Read the file of a finished import again, as a job."""
    asked = (screen.session, screen.jobs, screen.member, screen.settings, import_id)
    rereading.request(*asked, choices.reading or Reading())
    return screen.redirect(f"/imports/{import_id}")


@router.post("/{import_id}/mapping/{number}")
def go_back(screen: LeadScreen, import_id: int, number: int) -> Response:
    """Read the file again with a mapping of the import's history."""
    asked = (screen.session, screen.jobs, screen.member, screen.settings, import_id)
    rereading.go_back(*asked, number)
    return screen.redirect(f"/imports/{import_id}")


@router.post("/{import_id}/forget")
def forget_file(screen: LeadScreen, import_id: int) -> Response:
    """Delete the uploaded file of an import; its traces stay."""
    name = uploads.forget(screen.session, screen.member, screen.settings, import_id)
    return screen.redirect(f"/imports/{import_id}", message=f"{name} forgotten; its traces stay")


@router.post("/{import_id}/start")
def start_import(screen: LeadScreen, import_id: int, choices: Sent) -> Response:
    """Import a staged file as a job, or go on with an import that stopped."""
    asked = (screen.session, screen.jobs, screen.member, screen.settings, import_id)
    uploads.start(*asked, choices.reading, choices.origin, choices.rule_set)
    return screen.redirect(f"/imports/{import_id}")


@router.post("/{import_id}/frame")
def correct_frame(screen: LeadScreen, import_id: int, told: Annotated[Frame, Form()]) -> Response:
    """Correct where the traces of an import come from."""
    sampling_frames.correct(screen.session, screen.member, import_id, told.origin)
    return screen.redirect(f"/imports/{import_id}", message="Saved")


@router.post("/{import_id}/discard")
def discard_import(screen: LeadScreen, import_id: int) -> Response:
    """Forget a staged file."""
    name = uploads.discard(screen.session, screen.member, screen.settings, import_id)
    return screen.redirect("/imports", message=f"{name} discarded; nothing was imported")


@router.get("/{import_id}/refused")
def download_refused(screen: KeeperScreen, import_id: int) -> Response:
    """The refused records with line, field and reason, as JSON lines."""
    row = imports.find(screen.session, screen.member, import_id)
    path = uploads.refused_path(row, screen.settings)
    return FileResponse(
        path, media_type="application/x-ndjson", filename=f"refused-{row.file_name}.jsonl"
    )


def _show(screen: Reader, row: Import, looked: Looked | None, choices: Choices) -> Response:
    rules = choices.rule_set or outcome_rules.rules_of(screen.member)
    refused = uploads.first_refused(row, screen.settings)
    about = (looked, rules, choices.origin, refused, screen.settings.data)
    page = import_page(screen.session, screen.member, row, *about)
    status = 200
    if page.report is not None and screen.wants_fragment:
        status = STOP_POLLING
        screen.announce(page.report.sentence)
    return screen.show(
        "imports/show.html", page, section="imports", blocks=("import",), status=status
    )
