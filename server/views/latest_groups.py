"""The last finished run that suggested groups, with its artefact."""

from pathlib import Path
from typing import NamedTuple

from sqlmodel import Session

from server.artefacts import GroupArtefact, read_groups
from server.models.project import Member
from server.models.run import AnalysisRun
from server.queries import suggestions as queries


class LatestGroups(NamedTuple):
    run: AnalysisRun
    artefact: GroupArtefact


def latest_groups(session: Session, member: Member, data: Path) -> LatestGroups | None:
    """Return the run whose suggestions can be shown; None until there is one."""
    run = session.exec(queries.finished_group_runs(member.project_id).limit(1)).first()
    if run is None:
        return None
    try:
        return LatestGroups(run, read_groups(data / run.artefact))
    except FileNotFoundError:
        # A restored backup brings the rows without the files: suggest anew.
        return None
