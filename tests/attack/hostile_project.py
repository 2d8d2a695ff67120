"""A project in which every text that somebody outside could have written is an attack."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import sqlalchemy as sa
from sqlmodel import Session, SQLModel, select

from server.db import Database
from server.models.base import stored_id, utc_now
from server.models.batch import Split, SplitItem, SplitPart
from server.models.grouping import Suggestion, SuggestionKind
from server.models.judge import Judge, JudgeVerdict
from server.models.label import LabelValue
from server.models.note import Anchor
from server.models.otlp import OtlpTrace
from server.models.project import LEAD, Member, Project, Role, SavedView, View
from server.models.run import AnalysisRun, RunKind, RunStatus
from server.models.taxonomy import FrozenTaxonomy
from server.models.trace import Import, ImportStatus, InputTuple, Outcome, Step, StepKind, Trace
from server.models.user import User, Webhook
from server.models.verdict import VerdictValue
from server.models.webhook import WebhookDelivery
from server.services import (
    accounts,
    batches,
    comments,
    groupings,
    labels,
    modes,
    notes,
    projects,
    tokens,
    verdicts,
)
from server.services.modes import Wording
from server.services.tokens import Scope
from tests.attack.corpus import MARKUP, PAYLOADS, POLYGLOT, TEXT, payload

SLUG = "hostile"
ITEMS, MODELS = 12, 3
PASSWORD = "correct horse battery"

OURS = {
    "analysis_run": "kind artefact input_digest",
    "batch": "strategy",
    "batch_trace": "sampled_by",
    "diagnosis": "status",
    "embedding": "embedder text_hash",
    "event": "kind caused_by",
    "event_row": "table_name row_key",
    "failure_mode": "guid",
    "import": "stored_path origin_path sha256 refused_file format",
    "input_tuple": "values_key",
    "invitation": "token_hash email",
    "lease": "token",
    "otlp_span": "trace_key span_key",
    "otlp_trace": "trace_key",
    "project": "slug",
    "saved_view": "screen query",
    "signal": "name computed_with",
    "sketch": "content_hash text_hash",
    "step": "role state call_id",
    "token_features": "computed_with",
    "tokenizer": "key template",
    "trace": "content_hash",
    "user": "email password_hash",
    "user_session": "token_hash",
    "view": "x_dimension y_dimension",
    "webhook": "url secret",
    "webhook_delivery": "topics",
    "api_token": "token_hash",
    "attachment": "media_type sha256",
}
"""Columns in words of our own, ids that we made, and what no page shows (secrets, hashes)."""


@dataclass(frozen=True)
class Hostile:
    """Where to look."""

    trace: int
    model: str
    mode: int
    annotator_secret: str
    """Session of an annotator; the lead's account is `lead@example.org`."""


def fill(database: Database) -> Hostile:
    """Fill a migrated database."""
    with database.writing() as session:
        project = projects.create(session, SLUG, description=TEXT)
        lead = projects.local_member(session, project, LEAD)
        ids = _traces(session, project)
        mode = _work(session, lead, ids)
        secret = _people(session, lead, ids)
        _rest(session, lead, ids, mode)
    with database.writing() as session:
        poison(session)
        return Hostile(ids[0], session.get_one(Trace, ids[0]).model, mode, secret)


def _traces(session: Session, project: Project) -> list[int]:
    made = Import(
        project_id=stored_id(project),
        file_name=POLYGLOT,
        format="messages",
        mapping={POLYGLOT: POLYGLOT},
        status=ImportStatus.DONE,
        counts={"files": [], "read": 36},
    )
    session.add(made)
    session.flush()
    found = []
    for item in range(ITEMS):
        for model in range(MODELS):
            number = item * MODELS + model
            trace = Trace(
                project_id=stored_id(project),
                import_id=stored_id(made),
                external_id=f"{number} {payload(number)}",
                item_id=f"{item} {payload(item)}",
                model=f"{MARKUP[model]} {model}",
                model_family=f"{MARKUP[model + 3]} family",
                task=f"{MARKUP[6 + item % 2]} task",
                eval_id=payload(number + 5),
                session_id=f"{POLYGLOT} {item // 3}",
                tags=[payload(item), POLYGLOT],
                outcome=Outcome.CORRECT if (item + model) % 3 else Outcome.INCORRECT,
                score=float((item + model) % 2),
                completion_tokens=100 + 10 * number,
                reasoning_tokens=number,
                finish_reason=payload(number),
                source_url="javascript:alert(1)" if number % 2 else f'https://x/"><b>{number}',
                answer=payload(number),
                target=payload(number + 1),
                pipeline_version=POLYGLOT,
                duration_s=float(number),
                started_at=utc_now() - timedelta(days=number),
                dimensions={POLYGLOT: payload(item % 4), "length": item, "depth": model},
                metadata_={POLYGLOT: {POLYGLOT: PAYLOADS[:3]}},
                step_count=4,
                search_text=TEXT,
            )
            session.add(trace)
            session.flush()
            _steps(session, stored_id(trace), number)
            found.append(stored_id(trace))
    return found


def _steps(session: Session, trace_id: int, number: int) -> None:
    short = payload(number)
    told = TEXT if number < 2 else short
    session.add_all(
        Step(
            trace_id=trace_id,
            position=position,
            role=role,
            kind=kind,
            name=short if kind is StepKind.TOOL_CALL else "",
            text=text,
            data={POLYGLOT: [short, {short: POLYGLOT}]} if position > 1 else None,
        )
        for position, (role, kind, text) in enumerate(
            (
                ("user", StepKind.MESSAGE, told),
                ("assistant", StepKind.MESSAGE, f"# {told}\n\n```html\n{told}\n```"),
                ("assistant", StepKind.TOOL_CALL, json.dumps({short: told})),
                (POLYGLOT, StepKind.TOOL_RESULT, json.dumps({POLYGLOT: [told]})),
            )
        )
    )


def _work(session: Session, lead: Member, ids: list[int]) -> int:
    """Read, note, group and label; returns the mode."""
    batches.create(session, lead, size=12, name=POLYGLOT)
    written = [notes.add_note(session, lead, ids[0], TEXT, anchor=Anchor(1, 0, 40))]
    for number, trace_id in enumerate(ids[:8]):
        written.append(notes.add_note(session, lead, trace_id, payload(number)))
        verdicts.decide(session, lead, trace_id, VerdictValue.FAIL)
        verdicts.choose_first_failure_step(session, lead, trace_id, 1)
        verdicts.describe(session, lead, trace_id, reason=TEXT, minimal_repro=TEXT)
        verdicts.submit(session, lead, trace_id)
    comments.add_comment(session, lead, ids[0], TEXT)
    wording = Wording(TEXT, apply_when=TEXT, not_when=TEXT)
    kept = [
        stored_id(
            groupings.accept_as_mode(
                session, lead, [stored_id(written[n])], MARKUP[n][:100], wording=wording
            )
        )
        for n in range(3)
    ]
    modes.add_example(session, lead, kept[0], stored_id(written[0]), positive=True)
    for number, trace_id in enumerate(ids[:8]):
        values = {kept[0]: LabelValue.PRESENT, kept[number % 2 + 1]: LabelValue.ABSENT}
        labels.label(session, lead, trace_id, values)
    return kept[0]


def _people(session: Session, lead: Member, ids: list[int]) -> str:
    """A lead with an account, and an annotator whose name is an attack and who disagrees."""
    secret = ""
    for name, role in ((MARKUP[0], Role.ANNOTATOR), (MARKUP[1], Role.LEAD)):
        user = User(
            name=name,
            email=f"{role}@example.org",
            is_admin=role is Role.LEAD,
            password_hash=accounts.hashed_password(PASSWORD),
        )
        session.add(user)
        session.flush()
        annotator = accounts.take_part(session, lead.project_id, user, role)
        tokens.create_token(session, user, POLYGLOT, [Scope.READ])
        opened = accounts.open_session(session, user, user_agent=POLYGLOT)
        if role is Role.ANNOTATOR:
            secret = opened.secret
        other = Member(lead.project, annotator)
        verdicts.decide(session, other, ids[0], VerdictValue.DEFER)
        verdicts.describe(session, other, ids[0], reason=TEXT, minimal_repro=TEXT)
        verdicts.submit(session, other, ids[0])
        notes.add_note(session, other, ids[0], TEXT, anchor=Anchor(1, 0, 20))
        comments.add_comment(session, other, ids[0], TEXT)
    return secret


def _rest(session: Session, lead: Member, ids: list[int], mode: int) -> None:
    """One row at least of what takes long to come about, and which pages show."""
    project_id = lead.project_id
    judge = Judge(project_id=project_id, name=POLYGLOT, version=POLYGLOT, mode_id=mode)
    hook = Webhook(project_id=project_id, url="https://x.example/?<b>", secret="s", events=["mode"])
    split = Split(project_id=project_id, seed=1)
    session.add_all((judge, hook, split))
    session.flush()
    items = sorted(set(session.exec(select(Trace.item_id))))
    tasks = {item: number % 2 for number, item in enumerate(items)}
    models = sorted(set(session.exec(select(Trace.model))))
    session.add_all(
        (
            *(
                JudgeVerdict(
                    judge_id=stored_id(judge),
                    trace_id=trace_id,
                    value=VerdictValue.FAIL,
                    critique=TEXT,
                )
                for trace_id in ids[:8]
            ),
            WebhookDelivery(webhook_id=stored_id(hook), topics="mode", error=TEXT, status=500),
            View(
                project_id=project_id,
                name=POLYGLOT,
                task="",
                x_dimension="params.length",
                x_label=POLYGLOT,
                y_dimension="params.depth",
                y_label=MARKUP[0],
            ),
            SavedView(
                project_id=project_id,
                created_by=lead.id,
                name=POLYGLOT,
                screen="lenses/hazard",
                query="model=%22%3E%3Cscript%3E",
            ),
            FrozenTaxonomy(
                project_id=project_id,
                created_by=lead.id,
                name=POLYGLOT,
                content={
                    "models": models,
                    "names": [MARKUP[0], POLYGLOT],
                    "centres": [[0.1] * len(models), [0.9] * len(models)],
                    "tasks": tasks,
                    "verdict": "weak",
                    "reading": TEXT,
                },
            ),
            Suggestion(
                project_id=project_id,
                kind=SuggestionKind.GROUP,
                target={"notes": [1]},
                candidates=[{"mode": mode, "score": 0.5}],
            ),
            InputTuple(
                project_id=project_id,
                values={POLYGLOT: POLYGLOT},
                values_key="k",
                input_text=TEXT,
                created_by=lead.id,
            ),
            OtlpTrace(
                project_id=project_id, trace_key="0" * 32, received_at=utc_now(), problem=TEXT
            ),
            AnalysisRun(
                project_id=project_id,
                created_by=lead.id,
                kind=RunKind.GROUP,
                status=RunStatus.FAILED,
                progress_text=POLYGLOT,
                error=TEXT,
            ),
            *(
                SplitItem(
                    project_id=project_id,
                    split_id=stored_id(split),
                    item_id=item,
                    part=SplitPart.TRAIN,
                )
                for item in items[:2]
            ),
        )
    )
    settings = {
        **lead.project.settings,
        "redaction_rules": [{"name": POLYGLOT, "pattern": "x<b>", "replacement": POLYGLOT}],
    }
    lead.project.settings = settings
    session.add(lead.project)


def poison(session: Session) -> None:
    """Begin every text that is not an attack yet with one; the same text stays the same."""
    for table in SQLModel.metadata.sorted_tables:
        for column in text_columns(table):
            found = session.execute(sa.select(column).where(column != "").distinct()).scalars()
            for number, value in enumerate(list(found)):
                if not is_hostile(value):
                    new = f"{payload(len(table.name) + len(column.name) + number)} {value}"
                    statement = sa.update(table).where(column == value).values({column: new})
                    session.execute(statement)
    session.expire_all()


def text_columns(table: sa.Table) -> list[sa.Column[Any]]:
    """Return the columns in which text of others stands."""
    ours = OURS.get(table.name, "").split()
    return [
        column
        for column in table.columns
        if isinstance(column.type, sa.String)
        and not isinstance(column.type, sa.Enum)
        and column.name not in ours
    ]


def is_hostile(value: str) -> bool:
    """Whether an attack stands in a text."""
    return any(one in value for one in (POLYGLOT, *PAYLOADS))


def diagnose(client: httpx2.Client) -> None:
    """Write a diagnosis, by whoever acts on a server."""
    said = {"title": POLYGLOT[:160], "hypothesis": POLYGLOT, "text": TEXT}
    answer = client.post(f"/projects/{SLUG}/diagnoses", data=said, follow_redirects=False)
    assert answer.status_code == 303, answer.text
