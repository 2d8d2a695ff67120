"""Judges: bringing their verdicts back, and how far each can be trusted."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Response

from server.errors import Invalid
from server.queries.filters import Filters
from server.routes.analysis_files import as_file, seeing_modes
from server.routes.multipart import BODY_LIMIT, ReceivedFiles
from server.routes.screen import LeadScreen, Reader, Screen
from server.services import judge_files, judge_tests
from server.services.judge_verdicts import Kept
from server.views.answers import FileFormat
from server.views.assistance import model_to_ask
from server.views.judge_page import PAGE_FIELDS, judge_answer_of, judge_page, method_of
from server.views.judges import Typed, judges_page

router = APIRouter(prefix="/projects/{slug}/judges", tags=["judges"])

Against = Annotated[str, Query(alias="with")]


@router.get("")
def show_judges(screen: Reader) -> Response:
    """Every judge beside people, and where verdicts are brought back."""
    if not screen.member.sees_modes:
        return screen.show("saturation/early.html", "Judges", section="exports")
    return _page(screen)


@router.post("", max_body_size=BODY_LIMIT)
def bring_back(files: ReceivedFiles, screen: LeadScreen) -> Response:
    """Take in files of verdicts, all of them for the judge that the form names."""
    fields: dict[str, str] = screen.request.state.form_fields
    try:
        kept = judge_files.receive(
            screen.session, screen.member, screen.settings, files, judge_files.asked_of(fields)
        )
    except Invalid as problem:
        return _page(screen, Typed(problem.message, fields), status=problem.status)
    told = " ".join(one.sentence() for one in kept)
    if any(one.refused for one in kept):
        return _page(screen, Typed(told, fields), kept=kept)
    return screen.redirect("/judges", message=told)


@router.get("/{judge_id}")
def show_judge(
    screen: Reader, judge_id: int, part: str = "", against: Against = "", method: str = ""
) -> Response:
    """TPR, TNR, mistakes, drift and the corrected prevalence of one judge."""
    if not screen.member.sees_modes:
        return screen.show("saturation/early.html", "Judges", section="exports")
    wanted = {"part": part, "against": against, "method": method, "base": screen.url()}
    view = judge_page(screen.session, screen.member, judge_id, _filters(screen), **wanted)
    return screen.show("judges/show.html", view, section="exports")


@router.post("/{judge_id}/test")
def measure_on_test(
    screen: LeadScreen, judge_id: int, why: Annotated[str, Form()] = ""
) -> Response:
    """Open the sealed test part for this judge, which counts as a use."""
    split = judge_tests.measure(screen.session, screen.member, judge_id, why)
    told = f"Measured on the test part: use {split.test_uses}, which the log keeps"
    return screen.redirect(f"/judges/{judge_id}?part=test", message=told)


@router.get("/{judge_id}/{kind}")
def download_judge(
    screen: Reader, judge_id: int, kind: FileFormat, part: str = "", method: str = ""
) -> Response:
    """The same as a file; csv has a row for each trace."""
    seeing_modes(screen)
    wanted = (part, method_of(method))
    answer = judge_answer_of(screen.session, screen.member, judge_id, _filters(screen), *wanted)
    return as_file(screen, answer, kind)


def _filters(screen: Screen) -> Filters:
    return Filters.from_query(screen.request.query_params.multi_items(), ignoring=PAGE_FIELDS)


def _page(
    screen: Screen, typed: Typed | None = None, *, kept: list[Kept] | None = None, status: int = 200
) -> Response:
    view = judges_page(
        screen.session,
        screen.member,
        base=screen.url(),
        limit_bytes=screen.settings.upload_limit_bytes,
        may_draft=bool(model_to_ask(screen.member, screen.settings)),
        typed=typed,
        refused=tuple(
            (one.line, one.field, one.reason) for file in kept or () for one in file.refused
        ),
    )
    return screen.show("judges/list.html", view, section="exports", status=status)
