"""Diagnoses on the screen and as files: what a person wrote, and what it rests on."""

import base64
import gzip
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from server.errors import Invalid, NotFound
from server.markdown import to_html
from server.models.base import stored_id, utc_now
from server.models.project import Diagnosis, Member
from server.queries import diagnoses as queries
from server.queries import events as event_queries
from server.queries.diagnoses import SIGNED
from server.render import part
from server.views.annotators import annotator_names
from server.views.filter_bar import url
from server.views.lenses import drawing, kept_answers
from server.views.lenses.at_hand import AtHand
from server.views.lenses.base import ROWS_SHOWN, LensAnswer
from server.views.lenses.foreign import harmless
from server.views.lenses.page import ShownFigure, shown_figures

_ANSWER = "answer"
_LARGEST_ANSWER = 64 * 1024**2
_TAKEN_BACK = {event_queries.UNDO: "undone: ", event_queries.REDO: "redone: "}
_TOLD = ("title", "hypothesis", "text")


class DiagnosisFormat(StrEnum):
    """What a diagnosis may be written as."""

    MARKDOWN = "md"
    HTML = "html"
    JSON = "json"

    @property
    def media_type(self) -> str:
        return {
            DiagnosisFormat.MARKDOWN: "text/markdown; charset=utf-8",
            DiagnosisFormat.HTML: "text/html; charset=utf-8",
            DiagnosisFormat.JSON: "application/json",
        }[self]


@dataclass(frozen=True)
class DiagnosisLine:
    """One diagnosis in a list."""

    id: int
    title: str
    hypothesis: str
    is_signed: bool
    author: str
    signed_by: str
    signed_at: datetime | None
    n: int
    href: str

    @property
    def words(self) -> str:
        """Return it in one line."""
        signature = ""
        if self.signed_at is not None:
            signature = f" Signed by {self.signed_by}, {self.signed_at:%Y-%m-%d}."
        about = f"{self.hypothesis}, " if self.hypothesis else ""
        return f"{self.title}: {about}n = {self.n:,}.{signature}"

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        at = self.signed_at.isoformat() if self.signed_at else None
        told = {"title": self.title, "hypothesis": self.hypothesis, "n": self.n}
        return {"id": self.id, **told, "signed_by": self.signed_by, "signed_at": at}


@dataclass(frozen=True)
class DiagnosesPage:
    lines: tuple[DiagnosisLine, ...]
    hidden: int
    diagnose_url: str


@dataclass(frozen=True)
class VersionLine:
    """One event of a diagnosis, and what it said after it."""

    at: datetime
    who: str
    summary: str
    told: Mapping[str, str]
    """Empty where the event left what is said as it was."""


@dataclass(frozen=True)
class DiagnosisPage:
    line: DiagnosisLine
    text: str
    html: str
    """Sanitised."""
    kept_at: str
    answer: LensAnswer
    figures: tuple[ShownFigure, ...]
    versions: tuple[VersionLine, ...]
    url: str
    question_url: str
    may_change: bool
    error: str = ""


def rests_on(hand: AtHand) -> tuple[dict[str, Any], dict[str, Any], list[Any]]:
    """Return population, baseline and findings of the answer at hand, to be kept.

    Raises:
        NotFound: There is no answer yet.
    """
    answer = hand.shown_answer
    packed = gzip.compress(json.dumps(kept_answers.to_json(answer)).encode(), 6, mtime=0)
    findings = [
        {
            "kept_at": utc_now().isoformat(timespec="seconds"),
            "sentence": answer.told.sentence,
            _ANSWER: base64.b64encode(packed).decode(),
        }
    ]
    filters = hand.question.filters.to_json()
    population = {"filters": filters, "query": hand.question.to_query(), "n": answer.n}
    return population, dict(answer.results.get("baseline") or {}), findings


def answer_kept(found: Diagnosis) -> LensAnswer:
    """Return what the lenses said when a diagnosis was written.

    Raises:
        Invalid: It unpacks to more than an answer can have.
    """
    packed = base64.b64decode(found.findings[0][_ANSWER])
    with gzip.open(io.BytesIO(packed)) as file:
        kept = file.read(_LARGEST_ANSWER + 1)
    if len(kept) > _LARGEST_ANSWER:
        raise Invalid(f"What this diagnosis rests on has more than {_LARGEST_ANSWER:,} bytes.")
    return kept_answers.from_json(harmless(json.loads(kept)))


def find(session: Session, member: Member, diagnosis_id: int) -> Diagnosis:
    """Return a diagnosis that a member may read.

    Raises:
        NotFound: There is none.
    """
    found = session.exec(queries.one(member, diagnosis_id)).first()
    if found is None:
        raise NotFound(f"There is no diagnosis {diagnosis_id}.")
    return found


def diagnoses_page(session: Session, member: Member) -> DiagnosesPage:
    """Build the list, the latest first."""
    names = annotator_names(session, member)
    found = session.exec(queries.of_project(member)).all()
    return DiagnosesPage(
        tuple(_line(member, one, names) for one in found),
        int(session.execute(queries.hidden(member)).scalar_one()),
        f"/projects/{member.project.slug}/lenses/diagnose",
    )


def signed_lines(session: Session, member: Member) -> tuple[DiagnosisLine, ...]:
    """Return the signed diagnoses, the first one first: what a report lists."""
    found = session.exec(queries.signed(member)).all()
    names = annotator_names(session, member) if found else {}
    return tuple(_line(member, one, names) for one in found)


def diagnosis_page(
    session: Session, member: Member, found: Diagnosis, *, typed: str | None = None, error: str = ""
) -> DiagnosisPage:
    """Build the page of a diagnosis; `typed` is a text that was refused with `error`."""
    names = annotator_names(session, member)
    line, answer = _line(member, found, names), answer_kept(found)
    query = [(name, value) for name, value in found.population.get("query", ())]
    base = f"/projects/{member.project.slug}"
    return DiagnosisPage(
        line=line,
        text=found.text if typed is None else typed,
        html=to_html(found.text),
        kept_at=found.findings[0]["kept_at"],
        answer=answer,
        figures=shown_figures(line.href, [], answer),
        versions=tuple(_versions(session, member, found, names)),
        url=line.href,
        question_url=url(f"{base}/lenses/diagnose", query),
        may_change=member.may_annotate and (found.created_by == member.id or member.role.can_lead),
        error=error,
    )


def written(session: Session, member: Member, found: Diagnosis, kind: DiagnosisFormat) -> bytes:
    """Return a diagnosis as a file: the HTML page works offline, with its figures in it."""
    line, answer = _line(member, found, annotator_names(session, member)), answer_kept(found)
    if kind is DiagnosisFormat.JSON:
        return (json.dumps(_as_json(member, found, line, answer), indent=2) + "\n").encode()
    context = {
        "line": line,
        "project": member.project.name,
        "kept_at": found.findings[0]["kept_at"],
        "text": found.text,
        "html": to_html(found.text),
        "answer": answer,
        "rows_shown": ROWS_SHOWN,
    }
    if kind is DiagnosisFormat.HTML:
        context["panels"] = drawing.drawn_panels(answer.figures)
    return part(f"offline/diagnosis.{kind}", context)


def file_name(member: Member, found: Diagnosis, kind: DiagnosisFormat) -> str:
    """Return what the file is called."""
    return f"{member.project.slug}-diagnosis-{stored_id(found)}.{kind}"


def _line(member: Member, found: Diagnosis, names: Mapping[int, str]) -> DiagnosisLine:
    return DiagnosisLine(
        id=stored_id(found),
        title=found.title,
        hypothesis=found.hypothesis,
        is_signed=found.status == SIGNED,
        author=names.get(found.created_by or 0, "somebody who left"),
        signed_by=names.get(found.signed_by or 0, ""),
        signed_at=found.signed_at,
        n=int(found.population.get("n", 0)),
        href=f"/projects/{member.project.slug}/diagnoses/{stored_id(found)}",
    )


def _versions(
    session: Session, member: Member, found: Diagnosis, names: Mapping[int, str]
) -> list[VersionLine]:
    events = session.exec(queries.history(member.project_id, stored_id(found)))
    lines = []
    for event in events:
        rows = [one for one in event.payload["changes"] if one["table"] == "diagnosis"]
        before, after = (rows[0][side] or {} for side in ("before", "after")) if rows else ({}, {})
        told = {name: str(after.get(name, "")) for name in _TOLD if after}
        said = told if any(before.get(name) != text for name, text in told.items()) else {}
        summary = f"{_TAKEN_BACK.get(event.kind, '')}{event.summary}"
        who = names.get(event.actor_id or 0, "the system")
        lines.append(VersionLine(event.created_at, who, summary, said))
    return lines


def _as_json(
    member: Member, found: Diagnosis, line: DiagnosisLine, answer: LensAnswer
) -> dict[str, Any]:
    return {
        "project": member.project.slug,
        "title": found.title,
        "hypothesis": found.hypothesis,
        "text": found.text,
        "status": found.status,
        "written_by": line.author,
        "signed_by": line.signed_by or None,
        "signed_at": found.signed_at.isoformat() if found.signed_at else None,
        "kept_at": found.findings[0]["kept_at"],
        "population": found.population,
        "baseline": found.baseline,
        "findings": answer.as_json(),
    }
