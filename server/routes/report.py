"""The report of the round, to read, print and pass on."""

from fastapi import APIRouter, Response

from server.routes.analysis_files import seeing_modes
from server.routes.long_pages import page_at_hand, show_long
from server.routes.screen import Reader
from server.views.report_files import ReportFormat, file_name, written

router = APIRouter(prefix="/projects/{slug}/report", tags=["report"])


@router.get("")
def show_report(screen: Reader) -> Response:
    """Sample, failure modes, rates, saturation, agreement, changes and decisions on one page."""
    if not screen.member.sees_modes:
        return screen.show("saturation/early.html", "Report", section="overview")
    return show_long(screen, "report", "report/show.html")


@router.get("/{kind}")
def download_report(screen: Reader, kind: ReportFormat) -> Response:
    """The same as a file."""
    seeing_modes(screen)
    made = page_at_hand(screen, "report").report
    disposition = f'attachment; filename="{file_name(made, kind)}"'
    headers = {"Content-Disposition": disposition, "Cache-Control": "no-store"}
    return Response(written(made, kind), media_type=kind.media_type, headers=headers)
