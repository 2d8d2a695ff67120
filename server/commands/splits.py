"""`splits`: items divided into train, dev and test, and opening the sealed test part."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.percentages import percent
from server.commands.console import Console, opened
from server.commands.projects import ProjectOption

if TYPE_CHECKING:
    from server.views.item_splits import SplitsPage


def splits(
    console: Console,
    project: ProjectOption,
    make: Annotated[
        bool, typer.Option("--make", help="Split the items; where they are, add new ones.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**31 - 1, help="Fixed once the project is split.")
    ] = None,
    train: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Of new items, for train; else 0.15.")
    ] = None,
    dev: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Of new items, for dev; else 0.4.")
    ] = None,
    open_test: Annotated[
        str, typer.Option(metavar="WHY", help="Open the sealed test part; counted and logged.")
    ] = "",
) -> None:
    """Show or make the split of items, or open its test part."""
    from server.services import projects
    from server.services import splits as service
    from server.views.item_splits import splits_page

    if not make and (seed, train, dev) != (None, None, None):
        raise typer.BadParameter("--seed, --train and --dev go with --make.")
    with opened(console) as database, database.writing() as session:
        member = projects.local_member(session, projects.find(session, projects.slug_of(project)))
        if make:
            held = splits_page(session, member)
            service.make(
                session,
                member,
                seed=held.seed if seed is None else seed,
                train=held.shares.train if train is None else train,
                dev=held.shares.dev if dev is None else dev,
            )
        if open_test:
            service.open_test(session, member, open_test)
        page = splits_page(session, member)
    _tell(console, page)
    console.answer(_answer(page))


def _tell(console: Console, page: "SplitsPage") -> None:
    if not page.is_split:
        console.say(f"{page.items:,} items, not split yet: --make does it.")
        return
    rows = [
        (part.name, part.items, percent(part.share, 1), percent(part.wanted, 1), part.traces)
        for part in page.parts
    ]
    console.table(("part", "items", "share", "wanted", "traces"), rows)
    balances = [
        (mode.name, *(f"{mode.counts[part][0]} / {mode.counts[part][1]}" for part in mode.counts))
        for mode in page.modes
    ]
    if balances:
        console.table(("present / absent", *page.modes[0].counts), balances)
    for part in page.parts:
        if not part.is_by_chance:
            console.say(f"{part.name} differs from its share by more than chance explains.")
    if page.without_item:
        console.say(f"Traces that are about no item, and so in no part: {page.without_item:,}.")
    console.say(f"Seed {page.seed}. Uses of the sealed test part: {page.test_uses}.")
    for judge in page.contaminated:
        version = f" {judge.version}" if judge.version else ""
        console.say(f"Contaminated, changed after that: {judge.name}{version} ({judge.mode}).")


def _answer(page: "SplitsPage") -> dict[str, Any]:
    return {
        "is_split": page.is_split,
        "seed": page.seed if page.is_split else None,
        "items": page.items,
        "waiting": page.waiting,
        "without_item": page.without_item,
        "parts": {
            part.name: {
                "items": part.items,
                "traces": part.traces,
                "share": part.share,
                "wanted": part.wanted,
                "is_by_chance": part.is_by_chance,
            }
            for part in page.parts
        },
        "modes": {
            mode.name: {p: {"present": n, "absent": m} for p, (n, m) in mode.counts.items()}
            for mode in page.modes
        },
        "test_uses": page.test_uses,
        "contaminated": [
            {"name": judge.name, "version": judge.version, "mode": judge.mode}
            for judge in page.contaminated
        ],
    }
