"""Answers where they are: computed at once, kept by a run, under way, or still to be asked for."""

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.pool import Pool
from sqlmodel import Session

from server.errors import NotFound
from server.models.project import Member
from server.models.run import AnalysisRun, RunStatus
from server.queries import lens_populations as queries
from server.settings import Settings
from server.views.filter_bar import url
from server.views.freshness import why_pending
from server.views.lenses import kept_answers
from server.views.lenses.answering import HIDDEN, part_of, put
from server.views.lenses.asking import asked
from server.views.lenses.base import Change, Lens, LensAnswer, Question, not_enough
from server.views.lenses.plain_values import plain
from server.views.lenses.population import LensPopulation, Progress
from server.views.lenses.registry import AT_ONCE, lens_named
from server.views.lenses.states import digest, question_digest, state_of

_REMEMBERED = 16
_LENS, _QUERY = "lens", "query"

_answers: WeakKeyDictionary[Pool, OrderedDict[tuple[int, str], LensAnswer]] = WeakKeyDictionary()
"""The latest answers by database: a page asks for its charts after its words."""
_lock = threading.Lock()


@dataclass(frozen=True)
class Computed:
    """An answer that a job has computed, as its run keeps it."""

    digest: str
    result: dict[str, Any]
    answer: LensAnswer

    def write(self, path: Path) -> None:
        """Write the whole answer."""
        kept_answers.write(path, self.answer)


class AtHand:
    """A question of a member, and whatever answer there is for the data as they are now."""

    def __init__(
        self, session: Session, member: Member, settings: Settings, question: Question
    ) -> None:
        self.session = session
        self.member = member
        self.question = question
        self.lens: Lens = lens_named(question.lens)
        self._data = settings.data

    @cached_property
    def population(self) -> LensPopulation:
        """The traces that the question is about."""
        return LensPopulation(self.session, self.member, part_of(self.question))

    @cached_property
    def state(self) -> dict[str, Any]:
        """What an answer rests on now."""
        return state_of(self.population, self.lens)

    @cached_property
    def digest(self) -> str:
        """What names the question about the data as they are now."""
        return digest(self.question, self.member, self.state)

    @cached_property
    def is_light(self) -> bool:
        """Whether the answer is computed while the page waits."""
        if self.lens.is_light is not None:
            return self.lens.is_light(self.population, self.question)
        return not self.lens.is_heavy and self.population.n <= AT_ONCE

    @property
    def path(self) -> str:
        """Where the page of the question is, inside the project."""
        return path_of(self.question)

    @property
    def parameters(self) -> dict[str, Any]:
        """What a run needs to ask the same."""
        return {_LENS: self.question.lens, _QUERY: self.question.to_query()}

    @cached_property
    def run(self) -> AnalysisRun | None:
        """The latest run of the question about the data as they are now."""
        if self.is_light:
            return None
        return self.session.exec(queries.runs_for(self.member.project_id, self.digest)).first()

    @cached_property
    def answer(self) -> LensAnswer | None:
        """The answer; None where it is still to be computed, or failed."""
        if not self.population.n:
            return None
        if self.is_light:
            return self._computed(uncorrected=False)
        return self._filed(self.run)

    @cached_property
    def earlier(self) -> AnalysisRun | None:
        """The latest kept answer of the same question about other data."""
        asked = question_digest(self.question, self.member)
        found = self.session.exec(queries.answers(self.member.project_id, asked))
        return next((run for run in found if run.input_digest != self.digest), None)

    @cached_property
    def old_answer(self) -> LensAnswer | None:
        """The whole of an earlier answer, to look at while a new one is computed."""
        return self._filed(self.earlier)

    @property
    def is_pending(self) -> bool:
        """Whether the answer takes longer than a request may, and is not there yet."""
        return bool(self.population.n) and not self.is_light and self.answer is None

    @property
    def why_pending(self) -> str:
        """What to do where there is no answer yet."""
        return why_pending(self.run, f"{self.population.n:,} traces take", "answer")

    @property
    def told(self) -> LensAnswer:
        """The answer as it is told where nobody sees a page.

        Raises:
            NotFound: It is pending.
        """
        if not self.population.n:
            nothing = "No trace matches: nothing can be said."
            if self.population.hidden:
                nothing = f"Left out: {HIDDEN.format(count=self.population.hidden)}."
            return not_enough(self.question, 0, nothing)
        return self.shown_answer

    @property
    def shown_answer(self) -> LensAnswer:
        """The answer, or the earlier one that is shown until there is a new one.

        Raises:
            NotFound: There is none yet.
        """
        found = self.answer or self.old_answer
        if found is None:
            raise NotFound("There is no answer yet: open the lens, which computes it.")
        return found

    @cached_property
    def is_kept(self) -> bool:
        """Whether the reading of the data as they are now is kept already."""
        found = self.session.exec(queries.answers_for(self.member.project_id, self.digest))
        return found.first() is not None

    @cached_property
    def uncorrected(self) -> tuple[Change, ...]:
        """The headline as it would be had nobody corrected an outcome; empty where nobody has."""
        if self.answer is None or not self.population.corrected:
            return ()
        if self.is_light:
            return self._computed(uncorrected=True).told.headline
        return headline_of(self.run.result, "uncorrected") if self.run else ()

    @property
    def result(self) -> dict[str, Any]:
        """What is kept of the answer beside the answer itself."""
        if self.answer is None:
            return {}
        return result_of(self.answer, self.state, self.uncorrected, self.path)

    def _computed(self, *, uncorrected: bool) -> LensAnswer:
        name = f"{self.digest}{':uncorrected' if uncorrected else ''}"
        key = (self.member.project_id, name)
        pool = self.session.connection().engine.pool
        with _lock:
            known = _answers.setdefault(pool, OrderedDict())
            if key in known:
                known.move_to_end(key)
                return known[key]
        about = _as_imported(self.population) if uncorrected else self.population
        found = put(about, self.question)
        with _lock:
            known[key] = found
            while len(known) > _REMEMBERED:
                known.popitem(last=False)
        return found

    def _filed(self, run: AnalysisRun | None) -> LensAnswer | None:
        if run is None or run.status is not RunStatus.DONE or not run.artefact:
            return None
        path = self._data / run.artefact
        return kept_answers.read(path) if path.is_file() else None


def answered(
    session: Session, member: Member, parameters: Mapping[str, Any], progress: Progress
) -> Computed:
    """Answer what the parameters of a run ask, corrected and (where that differs) uncorrected."""
    lens = lens_named(parameters[_LENS])
    base = f"/projects/{member.project.slug}"
    question = asked(lens, [(name, value) for name, value in parameters[_QUERY]], base=base)
    population = LensPopulation(session, member, part_of(question), progress=progress)
    state = state_of(population, lens)
    found = put(population, question)
    before = put(_as_imported(population), question).told.headline if population.corrected else ()
    path = path_of(question)
    return Computed(digest(question, member, state), result_of(found, state, before, path), found)


def path_of(question: Question) -> str:
    """Return where the page of a question is, inside the project."""
    return url(f"/lenses/{question.lens}", question.to_query())


def result_of(
    answer: LensAnswer, state: Mapping[str, Any], uncorrected: tuple[Change, ...], path: str
) -> dict[str, Any]:
    """Return what the row of a run keeps: enough for before and after."""
    kept: dict[str, Any] = plain(
        {
            "sentence": answer.told.sentence,
            "pattern": answer.told.pattern,
            "n": answer.n,
            "headline": [dataclasses.asdict(change) for change in answer.told.headline],
            "uncorrected": [dataclasses.asdict(change) for change in uncorrected],
            "state": state,
            "path": path,
        }
    )
    return kept


def headline_of(result: Mapping[str, Any], name: str = "headline") -> tuple[Change, ...]:
    """Return the headline that a run keeps."""
    return tuple(Change(**change) for change in result.get(name, ()))


def _as_imported(population: LensPopulation) -> LensPopulation:
    return LensPopulation(
        population.session,
        population.member,
        population.filters,
        uncorrected=True,
        progress=population.progress,
    )
