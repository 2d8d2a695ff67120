"""Group: draft groups of notes become failure modes, by a lead's decision each."""

from dataclasses import replace
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Form, Query, Response
from pydantic import BaseModel, Field, ValidationError, field_validator

from server.routes.screen import LeadScreen, Reader, Screen
from server.services import (
    assistant_runs,
    group_splits,
    group_standing,
    groupings,
    note_maps,
    runs,
    suggestions,
)
from server.services.assistant_runs import Taken
from server.services.groupings import Offer
from server.services.modes import Wording
from server.services.suggestion_answers import ShownModes
from server.services.suggestions import Engine
from server.views.assistance import model_to_ask
from server.views.group_news import Seen, group_news
from server.views.group_notes import Asked, notes_of_group, notes_of_mode
from server.views.groups import group_page

router = APIRouter(prefix="/projects/{slug}/groups", tags=["groups"])

Granularity = Annotated[float | None, Query(ge=0, le=1)]
SeenEvent = Annotated[int | None, Query(alias="seen", ge=0)]
Pages = Annotated[int, Query(ge=1, le=1000)]
_BLOCKS = ("counts", "board", "overview", "tools")
_MORE = ("more-groups", "more-singles")


class ChosenNotes(BaseModel):
    """Notes that a decision is about, and the draft group it answers, if any."""

    notes: list[int] = []
    run: int | None = None
    offered: int | None = None
    score: float | None = None
    suggested: str = ""
    """Modes that were suggested for the note, best first, with commas."""

    @field_validator("notes", mode="before")
    @classmethod
    def split(cls, notes: list[str]) -> list[str]:
        """Read both repeated fields and one with commas, as dragging sends it."""
        return [part for field in notes for part in str(field).split(",") if part.strip()]

    def offer(self, screen: Screen) -> Offer | None:
        """Return what the group was offered as; None for notes chosen by hand."""
        if self.run is None or self.suggested:
            return None
        runs.find(screen.session, screen.member, self.run)
        return Offer(self.run, ({"mode": self.offered, "score": self.score},))

    def shown(self, screen: Screen) -> ShownModes | None:
        """Return the modes that were suggested for a single note."""
        if self.run is None or not self.suggested:
            return None
        runs.find(screen.session, screen.member, self.run)
        modes = tuple(int(part) for part in self.suggested.split(",") if part.isdecimal())
        return ShownModes(self.run, modes)


class ListedNotes(BaseModel):
    """Which notes a list holds and where it goes on."""

    mode: int | None = None
    group: str = ""
    granularity: float | None = Field(None, ge=0, le=1)
    start: int = Field(0, ge=0)
    seen: int = Field(0, ge=0)


class ShownBoard(BaseModel):
    """What an address of the page says of its board."""

    granularity: float | None = Field(None, ge=0, le=1)
    pages: int = Field(1, ge=1, le=1000)


class NewMode(ChosenNotes):
    name: str = ""
    definition: str = ""
    proposal: int | None = None
    """The run in which a language model proposed name and definition."""

    def taken(self, screen: Screen) -> Taken | None:
        """Return the machine's proposal that was taken or edited."""
        if self.proposal is None:
            return None
        told = (self.name, self.definition)
        return assistant_runs.taken(screen.session, screen.member, self.proposal, *told)


class TakenOut(ChosenNotes):
    note: int | None = None

    @property
    def all_notes(self) -> list[int]:
        return self.notes if self.note is None else [*self.notes, self.note]


class Target(ChosenNotes):
    mode: int


@router.get("")
def show_groups(
    screen: Reader,
    granularity: Granularity = None,
    pages: Pages = 1,
) -> Response:
    """Draft groups beside the map and the modes; notes of others are not for blind annotators."""
    if screen.member.is_blind or not screen.member.sees_modes:
        return screen.show("groups/hidden.html", None, section="groups")
    return _board(screen, granularity, pages)


@router.get("/notes")
def show_notes(
    screen: Reader,
    asked: Annotated[ListedNotes, Query()],
) -> Response:
    """More notes of a draft group or a mode than the page lists."""
    if screen.member.is_blind or not screen.member.sees_modes:
        return screen.show("groups/hidden.html", None, section="groups")
    where = Asked(asked.granularity, asked.start, asked.seen)
    if asked.mode is not None:
        view = notes_of_mode(screen.session, screen.member, asked.mode, where)
    else:
        data = screen.settings.data
        view = notes_of_group(screen.session, screen.member, data, asked.group, where)
    # A page of its own has no board that answers a decision: it is for reading.
    view = replace(view, can_decide=view.can_decide and screen.wants_fragment)
    return screen.show("groups/notes.html", view, section="groups", blocks=("rows",))


@router.post("/suggestions")
def suggest(
    screen: LeadScreen,
    again: Annotated[bool, Form()] = False,
    engine: Annotated[Engine | None, Form()] = None,
) -> Response:
    """Ask for draft groups of the notes as they stand."""
    suggestions.request_groups(
        screen.session, screen.jobs, screen.member, screen.settings, again=again, engine=engine
    )
    if not screen.wants_fragment:
        return screen.redirect("/groups", message="Suggestions are being made.")
    page = group_page(screen.session, screen.member, screen.settings.data)
    return screen.show("groups/show.html", page, section="groups", blocks=("status",))


@router.get("/news")
def news(screen: Reader, seen: str = "", told: str = "") -> Response:
    """What others did since the page was built; 204 while there is nothing more to tell."""
    if screen.member.is_blind or not screen.member.sees_modes:
        return Response(status_code=204)
    found = group_news(
        screen.session,
        screen.member,
        screen.settings.data,
        Seen.read(seen),
        Seen.read(told),
    )
    if found is None:
        return Response(status_code=204)
    return screen.show("groups/news.html", found, section="groups", blocks=("news",))


@router.post("/map")
def lay_out_map(screen: LeadScreen) -> Response:
    """Ask for a map that keeps neighbours together; the page tells when it is there."""
    note_maps.request_map(screen.session, screen.jobs, screen.member, screen.settings)
    if screen.wants_fragment:
        return Response(status_code=204)
    return screen.back(message="The map is being laid out.")


@router.post("/accept")
def accept(
    screen: LeadScreen,
    form: Annotated[NewMode, Form()],
    granularity: Granularity = None,
    seen: SeenEvent = None,
) -> Response:
    """Make a failure mode of notes."""
    group_standing.check(screen.session, screen.member, seen, form.notes)
    mode = groupings.accept_as_mode(
        screen.session,
        screen.member,
        form.notes,
        form.name,
        wording=Wording(definition=form.definition.strip()),
        offer=form.offer(screen),
        shown=form.shown(screen),
        taken=form.taken(screen),
    )
    return _decided(screen, f"New failure mode «{mode.name}»", granularity)


@router.post("/place")
def place(
    screen: LeadScreen,
    form: Annotated[Target, Form()],
    granularity: Granularity = None,
    seen: SeenEvent = None,
) -> Response:
    """Put notes under a mode chosen in a form."""
    return _place(screen, form, form.mode, granularity, seen)


@router.post("/modes/{mode_id}")
def drop(
    screen: LeadScreen,
    mode_id: int,
    form: Annotated[ChosenNotes, Form()],
    granularity: Granularity = None,
    seen: SeenEvent = None,
) -> Response:
    """Put notes under the mode they were dropped on."""
    return _place(screen, form, mode_id, granularity, seen)


@router.post("/dismiss")
def dismiss(
    screen: LeadScreen,
    form: Annotated[ChosenNotes, Form()],
    granularity: Granularity = None,
    seen: SeenEvent = None,
) -> Response:
    """Refuse a draft group for good."""
    group_standing.check(screen.session, screen.member, seen, form.notes)
    groupings.dismiss(screen.session, screen.member, form.notes, offer=form.offer(screen))
    return _decided(screen, "Dismissed: this group is not suggested again", granularity)


@router.post("/split")
def split(
    screen: LeadScreen,
    form: Annotated[ChosenNotes, Form()],
    granularity: Granularity = None,
    seen: SeenEvent = None,
) -> Response:
    """Split a draft group in two for good; nothing is assigned by it."""
    group_standing.check(screen.session, screen.member, seen, form.notes)
    larger, smaller = group_splits.split(
        screen.session, screen.member, screen.settings.data, form.run or 0, form.notes
    )
    return _decided(screen, f"Split into {larger} and {smaller} notes", granularity)


@router.post("/keep")
def keep(
    screen: LeadScreen, mode: Annotated[int, Form()], granularity: Granularity = None
) -> Response:
    """Keep a mode that was seen in one trace only."""
    kept = group_splits.keep_singleton(screen.session, screen.member, mode)
    return _decided(screen, f"«{kept.name}» stays", granularity)


@router.post("/take-out")
def take_out(
    screen: LeadScreen,
    form: Annotated[TakenOut, Form()],
    granularity: Granularity = None,
    seen: SeenEvent = None,
) -> Response:
    """Take notes out of their modes."""
    group_standing.check(screen.session, screen.member, seen, form.all_notes)
    number = groupings.take_all_out(screen.session, screen.member, form.all_notes)
    words = "Note" if number == 1 else f"{number} notes"
    return _decided(screen, f"{words} taken out; not suggested for that mode again", granularity)


def _place(
    screen: Screen,
    form: ChosenNotes,
    mode_id: int,
    granularity: float | None,
    seen: int | None,
) -> Response:
    group_standing.check(screen.session, screen.member, seen, form.notes, mode_id)
    mode = groupings.place(
        screen.session,
        screen.member,
        form.notes,
        mode_id,
        offer=form.offer(screen),
        shown=form.shown(screen),
    )
    number = len(set(form.notes))
    words = "1 note" if number == 1 else f"{number} notes"
    return _decided(screen, f"{words} to «{mode.name}»", granularity)


def _decided(screen: Screen, message: str, granularity: float | None) -> Response:
    if not screen.wants_fragment:
        return screen.back(message=message, undo=True)
    screen.announce(message, undo=True)
    screen.save()
    shown, pages = _shown(screen)
    return _board(screen, granularity if shown is None else shown, pages)


def _board(screen: Screen, granularity: float | None, pages: int) -> Response:
    # The slider that asks is being dragged and must not be swapped; a cut moves nothing beside it.
    is_slider = screen.request.headers.get("HX-Trigger") in ("granularity", *_MORE)
    page = group_page(
        screen.session,
        screen.member,
        screen.settings.data,
        granularity=granularity,
        pages=pages,
        is_opening=not screen.wants_fragment,
        board_only=is_slider,
    )
    page = replace(page, assistant=model_to_ask(screen.member, screen.settings))
    blocks = ("board",) if is_slider else _BLOCKS
    return screen.show("groups/show.html", page, section="groups", blocks=blocks)


def _shown(screen: Screen) -> tuple[float | None, int]:
    """Where the slider stands by now, and how many pages are open: what asks may be older."""
    address = screen.request.headers.get("HX-Current-URL", "")
    shown = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    try:
        asked = ShownBoard.model_validate(shown)
    except ValidationError:
        return None, 1
    return asked.granularity, asked.pages
