"""Questions to a language model as runs: asked by a lead, logged before they leave, cancellable."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col

from server.assistant import judging, naming
from server.assistant.protocol import Assistant, AssistantStopped, Message
from server.errors import Conflict, Invalid, NotFound
from server.exporters.choices import Choices
from server.exporters.evaluators.criteria import read_criteria
from server.exporters.evaluators.judge_prompts import examples
from server.exporters.reading import Source
from server.jobs import Jobs
from server.models.base import stored_id
from server.models.note import Note
from server.models.project import Annotator, Member, Project
from server.models.run import AnalysisRun, RunKind, RunStatus
from server.queries import notes as note_queries
from server.queries import runs as run_queries
from server.queries.events import ASKED_ASSISTANT
from server.queries.filters import Filters
from server.search import matching
from server.services import assistance, modes, runs
from server.services.events import note_event
from server.services.runs import Cancelled, RunContext
from server.settings import Settings

NAME, JUDGE_PROMPT = "name", "judge_prompt"


@dataclass(frozen=True)
class _Asked:
    """What leaves the server, how it is told, and how the answer is read."""

    messages: tuple[Message, ...]
    characters: int
    about: str
    told: Mapping[str, Any]
    max_tokens: int
    read: Callable[[str], dict[str, Any]]


@dataclass(frozen=True)
class Taken:
    """A machine's proposal that a person took as it was, or edited."""

    run_id: int
    model: str
    name: str
    definition: str
    is_edited: bool
    taken_by: str

    @property
    def words(self) -> str:
        """How the log says it."""
        how = "edited" if self.is_edited else "taken"
        return f", suggested by {self.model}, {how} by {self.taken_by}"


def request_name(
    session: Session,
    jobs: Jobs,
    member: Member,
    settings: Settings,
    note_ids: Sequence[int],
    offered: Mapping[str, Any] | None = None,
    *,
    again: bool = False,
) -> AnalysisRun:
    """Ask for a name of a group of notes; the same notes are asked about once unless `again`.

    Raises:
        NotFound: The server asks no model, or a note is gone.
        Forbidden: No lead allowed it, or the member is no lead.
        Invalid: No notes were chosen.
        TooMany: The project asked as often as it may today.
    """
    wanted = sorted(set(note_ids))
    if not wanted:
        raise Invalid("No notes chosen: select at least one.")
    notes = _notes(session, member.project_id, wanted)
    if len(notes) != len(wanted):
        raise NotFound("Some of these notes are gone meanwhile. Nothing was asked.")
    parameters = {"task": NAME, "notes": wanted, "offered": dict(offered or {})}
    state = {"task": NAME, "notes": [(note.id, note.version) for note in notes]}
    return _request(session, jobs, member, settings, parameters, state, again=again)


def request_judge_prompt(
    session: Session, jobs: Jobs, member: Member, settings: Settings, mode_id: int
) -> AnalysisRun:
    """Ask for the draft of a judge's prompt.

    Raises:
        NotFound: The server asks no model, or there is no such failure mode.
        Forbidden: No lead allowed it, or the member is no lead.
        Conflict: The mode was merged or retired, or such a question is under way.
        TooMany: The project asked as often as it may today.
    """
    modes.find_in_use(session, member, mode_id)
    parameters = {"task": JUDGE_PROMPT, "mode": mode_id}
    return _request(session, jobs, member, settings, parameters, parameters, again=True)


def _request(
    session: Session,
    jobs: Jobs,
    member: Member,
    settings: Settings,
    parameters: Mapping[str, Any],
    state: Mapping[str, Any],
    *,
    again: bool,
) -> AnalysisRun:
    assistant = assistance.allowed(member, settings)
    asked = runs.digest({**state, "model": assistant.model, "host": assistant.host})
    kind = RunKind.ASSISTANT
    known = session.exec(run_queries.same_question(member.project_id, kind, asked)).first()
    if known is not None and (known.result or not known.status.is_over):
        if not again:
            return known
        if not known.status.is_over:
            raise Conflict("The model is being asked this already: wait for its answer.")
    assistance.count_question(session, member, settings)
    run = runs.request(session, jobs, member, kind, parameters)
    run.input_digest = asked
    session.add(run)
    return run


def perform(context: RunContext) -> dict[str, Any]:
    """Send a question and read the answer; what leaves is logged before it does.

    Raises:
        AssistantFailed: The model gave no answer that can be used.
        Forbidden: It is no longer allowed.
        Cancelled: Somebody asked for that.
    """
    with context.database.reading() as session:
        member = _asker(session, context)
        assistant = assistance.allowed(member, context.settings)
        build = {NAME: _for_name, JUDGE_PROMPT: _for_judge}[context.parameters["task"]]
        asked = build(session, member, context)
    with context.database.writing() as session:
        _log(session, context, assistant, asked)
    context.progress(0, None, f"Waiting for {assistant.model} at {assistant.host}")
    try:
        reply = assistant.complete(
            asked.messages, max_tokens=asked.max_tokens, is_over=_cancelled(context)
        )
    except AssistantStopped as stopped:
        raise Cancelled from stopped
    found = {"task": context.parameters["task"], "model": reply.model, "host": assistant.host}
    return {**found, **asked.told, **asked.read(reply.text)}


def taken(session: Session, member: Member, run_id: int, name: str, definition: str) -> Taken:
    """Return which proposal a name and definition come from, and whether they were edited.

    Raises:
        NotFound: The project has no such proposal.
    """
    run = runs.find(session, member, run_id)
    if run.kind != RunKind.ASSISTANT or run.result.get("task") != NAME:
        raise NotFound(f"This project has no proposal {run_id}.")
    proposed = run.result
    typed = (" ".join(name.split()), " ".join(definition.split()))
    return Taken(
        run_id,
        proposed["model"],
        proposed["name"],
        proposed["definition"],
        is_edited=typed != (proposed["name"], proposed["definition"]),
        taken_by=member.annotator.name,
    )


def forget(session: Session, project_id: int, external_id: str, note_ids: Sequence[int]) -> None:
    """Drop what models said of a trace that is erased, or of its notes."""
    for run in session.exec(run_queries.of_kind(project_id, RunKind.ASSISTANT)):
        of_notes = not set(note_ids).isdisjoint(run.parameters.get("notes", ()))
        if of_notes or external_id in run.result.get("traces", ()):
            run.result, run.input_digest = {}, ""
            session.add(run)


def _for_name(session: Session, member: Member, context: RunContext) -> _Asked:
    notes = _notes(session, member.project_id, context.parameters["notes"])
    most = context.settings.assistant_text_characters
    question = naming.question([note.text for note in notes], most)
    sent = [stored_id(note) for note in notes[: question.sent]]
    return _Asked(
        question.messages,
        question.characters,
        f"a name: {len(sent)} of {len(notes)} notes",
        {"notes": sent, "left_out": len(notes) - len(sent)},
        naming.ANSWER_TOKENS,
        lambda text: vars(naming.read(text)),
    )


def _for_judge(session: Session, member: Member, context: RunContext) -> _Asked:
    mode = modes.find_in_use(session, member, context.parameters["mode"])
    choices = Choices(for_mode=(mode.guid,))
    source = Source(session, member, matching(session, member, Filters()))
    criterion = read_criteria(source, choices)[0]
    chosen = examples(source, choices, criterion)
    shown = [
        judging.Shown(one.case.input, one.case.output, one.critique, one.result) for one in chosen
    ]
    most = context.settings.assistant_text_characters
    question = judging.question(criterion.text, shown, most)
    traces = [one.case.trace.trace_id for one in chosen]
    return _Asked(
        question.messages,
        question.characters,
        f"a judge's prompt for «{mode.name}»: its definition and {len(traces)} train examples",
        {
            "mode": stored_id(mode),
            "mode_version": criterion.mode.version,
            "traces": traces,
            "is_shortened": question.is_shortened,
        },
        judging.ANSWER_TOKENS,
        lambda text: {"prompt": judging.read(text)},
    )


def _log(session: Session, context: RunContext, assistant: Assistant, asked: _Asked) -> None:
    summary = (
        f"asked {assistant.model} at {assistant.host} for {asked.about} "
        f"({asked.characters:,} characters)"
    )
    payload = {
        "run": context.run_id,
        "model": assistant.model,
        "host": assistant.host,
        "characters": asked.characters,
        **asked.told,
    }
    note_event(session, _asker(session, context), ASKED_ASSISTANT, summary, payload)


def _asker(session: Session, context: RunContext) -> Member:
    run = session.get_one(AnalysisRun, context.run_id)
    project = session.get_one(Project, context.project_id)
    return Member(project=project, annotator=session.get_one(Annotator, run.created_by))


def _cancelled(context: RunContext) -> Callable[[], bool]:
    def asked_to_end() -> bool:
        with context.database.reading() as session:
            run = session.get(AnalysisRun, context.run_id)
            return run is None or run.cancel_requested or run.status is RunStatus.CANCELLED

    return asked_to_end


def _notes(session: Session, project_id: int, note_ids: Sequence[int]) -> list[Note]:
    statement = note_queries.of_project(project_id).where(col(Note.id).in_(note_ids))
    return list(session.exec(statement))
