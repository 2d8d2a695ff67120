"""Looking after an installation: is everything as it should be, and what to do where it is not."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa

from server import schema
from server.assistant.check import check_assistant
from server.db import Database
from server.embedder import embedder_in_use
from server.jobs import Jobs
from server.oidc.check import check_oidc
from server.services import runs
from server.settings import Settings


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    NOTICE = "notice"
    """It works, and could work better."""
    FAILED = "failed"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, and what was found."""

    name: str
    state: State
    finding: str


def examine(database: Database, settings: Settings, jobs: Jobs) -> list[Check]:
    """Look at everything; runs that their worker abandoned are queued again."""
    return [
        _revision(database),
        _integrity(database),
        _data_directory(settings.data),
        _embedding_model(settings),
        _abandoned_runs(database, jobs),
        *_asked_elsewhere(settings),
    ]


def _revision(database: Database) -> Check:
    current, head = schema.current_revision(database), schema.head_revision()
    state = State.OK if current == head else State.FAILED
    return Check("database revision", state, f"{current}, this version works with {head}")


def _integrity(database: Database) -> Check:
    if not database.takes_turns:
        return Check("database integrity", State.OK, "left to PostgreSQL")
    with database.engine.connect() as connection:
        found = [str(row[0]) for row in connection.execute(sa.text("PRAGMA quick_check"))]
    if found == ["ok"]:
        return Check("database integrity", State.OK, "no damage found")
    return Check(
        "database integrity", State.FAILED, f"{'; '.join(found)}. Restore the latest backup."
    )


def _data_directory(folder: Path) -> Check:
    resolved = folder.resolve()
    if os.access(resolved, os.W_OK):
        return Check("data directory", State.OK, f"{resolved} can be written")
    return Check(
        "data directory", State.FAILED, f"{resolved} cannot be written: change its permissions."
    )


def _embedding_model(settings: Settings) -> Check:
    chosen = embedder_in_use(settings.embedding_model)
    state = State.NOTICE if chosen.embedder.corpus_bound else State.OK
    return Check("embedding model", state, chosen.reason)


def _asked_elsewhere(settings: Settings) -> list[Check]:
    """Look at the provider that people sign in with and at the language model, where there are."""
    found = []
    if (provider := check_oidc(settings)) is not None:
        works = State.NOTICE if provider.advice else State.OK
        told = f"{provider.told}. {provider.advice}" if provider.advice else provider.told
        found.append(Check("sign-in provider", works if provider.is_usable else State.FAILED, told))
    if (model := check_assistant(settings)) is not None:
        state = State.OK if model.is_usable else State.NOTICE
        found.append(Check("language model", state, model.told))
    return found


def _abandoned_runs(database: Database, jobs: Jobs) -> Check:
    with database.writing() as session:
        count = runs.recover(session, jobs)
    if count == 0:
        return Check("background jobs", State.OK, "none abandoned")
    return Check("background jobs", State.NOTICE, f"{count} abandoned, queued again")
