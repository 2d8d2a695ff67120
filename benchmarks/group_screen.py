"""How many actions the Group screen takes to reach the categories that were published for notes.

The 39 notes of AgentRx's retail runs, through the services and the page that a lead uses. A
scripted lead, who knows the published category of every note, looks at the cut that the screen
shows first: a draft group goes as a whole under the category that most of its notes have, and the
others are moved out one by one; a group is split first where that saves actions; what is in no
group is placed note by note. One action: a press or drop that places, moves or splits, and each
name typed. From scratch, each note is placed by itself, and each category is named.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlmodel import Session

from analysis.splitting import split_group
from benchmarks import measure
from server import schema
from server.db import Database
from server.jobs import Jobs
from server.models.base import stored_id
from server.models.grouping import Grouping
from server.models.project import LEAD, Member
from server.models.trace import Step, StepKind, Trace
from server.models.verdict import VerdictValue
from server.queries import notes as note_queries
from server.services import group_splits, groupings, notes, projects, runs, suggestions, verdicts
from server.services.groupings import Offer
from server.settings import Settings
from server.tasks import HANDLERS
from server.views.groups import GroupPage, group_page
from server.views.latest_groups import latest_groups

NOTES = measure.ROOT / "tests" / "data" / "agentrx-notes" / "annotations.jsonl"
SLUG = "agentrx"


@dataclass
class Lead:
    """Somebody who knows where each note belongs, and counts what it takes to say so."""

    session: Session
    member: Member
    data: Path
    category: dict[int, str]
    modes: dict[str, int] = field(default_factory=dict)
    actions: Counter[str] = field(default_factory=Counter)

    def page(self, granularity: float | None) -> GroupPage:
        return group_page(self.session, self.member, self.data, granularity=granularity, pages=None)

    def saved(self, members: Collection[int]) -> int:
        """How many actions placing a group at once saves against note by note."""
        return max(Counter(self.category[note] for note in members).values()) - 1

    def place(self, members: Sequence[int], why: str, offer: Offer | None = None) -> None:
        """Put notes under the category that most of them have."""
        ((name, _),) = Counter(self.category[note] for note in members).most_common(1)
        self.actions[why] += 1
        if name in self.modes:
            groupings.place(self.session, self.member, members, self.modes[name], offer=offer)
            return
        self.actions["names typed"] += 1
        mode = groupings.accept_as_mode(self.session, self.member, members, name, offer=offer)
        self.modes[name] = stored_id(mode)

    def worth_splitting(self, members: Sequence[int]) -> bool:
        latest = latest_groups(self.session, self.member, self.data)
        if latest is None or len(members) < 2:
            return False
        row = {note: row for row, note in enumerate(latest.artefact.note_ids)}
        parts = split_group(latest.artefact.vectors[[row[note] for note in sorted(members)]])
        found = [[sorted(members)[at] for at in part] for part in parts]
        return sum(map(self.saved, found)) - 1 > self.saved(members)

    def split_what_is_mixed(self, granularity: float | None) -> None:
        done = False
        while not done:
            page, done = self.page(granularity), True
            for card in page.suggestions.groups if page.suggestions else ():
                members = [note.id for note in card.notes]
                if self.worth_splitting(members):
                    run = page.suggestions.run_id if page.suggestions else 0
                    group_splits.split(self.session, self.member, self.data, run, members)
                    self.actions["groups split"] += 1
                    done = False
                    break

    def place_groups(self, granularity: float | None) -> None:
        suggested = self.page(granularity).suggestions
        for card in suggested.groups if suggested else ():
            members = [note.id for note in card.notes]
            if self.saved(members) and suggested:
                self.place(members, "groups placed", Offer(suggested.run_id))

    def place_the_rest(self) -> None:
        placed = {g.note_id: g.mode_id for g in self._groupings()}
        for note, name in self.category.items():
            if note not in placed:
                self.place([note], "single notes placed")
            elif placed[note] != self.modes.get(name):
                self.place([note], "notes moved")

    def is_right(self) -> bool:
        placed = {g.note_id: g.mode_id for g in self._groupings()}
        return placed == {note: self.modes[name] for note, name in self.category.items()}

    def _groupings(self) -> Sequence[Grouping]:
        return self.session.exec(note_queries.groupings_of_project(self.member.project_id)).all()


def count_actions(granularity: float | None = None) -> Counter[str]:
    """Reach the published categories once, and return what it took.

    Args:
        granularity: Where the slider is put first, which is an action, too; None leaves it.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder), note_map="pca")
        database = Database.from_url(settings.database_url)
        schema.upgrade(database)
        category = _fill(database)
        _suggest(database, settings)
        with database.writing() as session:
            lead = Lead(session, _member(session), settings.data, category)
            if granularity is not None:
                lead.actions["slider moved"] += 1
            lead.split_what_is_mixed(granularity)
            lead.place_groups(granularity)
            lead.place_the_rest()
            if not lead.is_right():
                raise RuntimeError("the scripted lead did not reach the published categories")
        database.dispose()
    return lead.actions


def _member(session: Session) -> Member:
    return projects.local_member(session, projects.find(session, SLUG), LEAD)


def _fill(database: Database) -> dict[int, str]:
    """A failed trace with a note for each annotation; returns the published categories."""
    with NOTES.open(encoding="utf-8") as lines:
        annotations = [json.loads(line) for line in lines]
    category = {}
    with database.writing() as session:
        project = projects.create(session, SLUG)
        for number, annotation in enumerate(annotations):
            trace = Trace(project_id=stored_id(project), external_id=str(number), step_count=1)
            session.add(trace)
            session.flush()
            trace_id = stored_id(trace)
            session.add(
                Step(trace_id=trace_id, position=0, role="assistant", kind=StepKind.MESSAGE)
            )
            verdicts.decide(session, _member(session), trace_id, VerdictValue.FAIL)
            note = notes.add_note(session, _member(session), trace_id, annotation["note"])
            category[stored_id(note)] = annotation["category"]
    return category


def _suggest(database: Database, settings: Settings) -> None:
    jobs = Jobs.immediate()

    def perform(run_id: int) -> None:
        runs.perform(database, settings, HANDLERS, run_id)

    jobs.performed_by(perform)
    with database.writing() as session:
        suggestions.request_groups(session, jobs, _member(session), settings)


def main() -> None:
    """Print what it takes from scratch and with suggestions, at the first cut and at others."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks group-screen")
    parser.add_argument("--quick", action="store_true", help="the first cut alone")
    options = parser.parse_args(sys.argv[1:])
    with NOTES.open(encoding="utf-8") as lines:
        names = [json.loads(line)["category"] for line in lines]
    scratch = len(names) + len(set(names))
    print(f"{measure.machine()}\n")
    print("| | actions | of which |\n| --- | ---: | --- |")
    print(
        f"| from scratch | {scratch} | {len(names)} notes placed, {len(set(names))} names typed |"
    )
    positions = [None] if options.quick else [None, 0.0, 0.25, 0.5, 0.75, 1.0]
    for position in positions:
        actions = count_actions(position)
        where = "the cut shown first" if position is None else f"slider at {position:g}"
        parts = ", ".join(f"{number} {what}" for what, number in sorted(actions.items()))
        print(f"| {where} | {actions.total()} | {parts} |", flush=True)


if __name__ == "__main__":
    main()
