"""How the list of traces is sorted: by a column, or by a signal's number."""

from dataclasses import dataclass

from server.errors import Invalid
from server.models.project import Member
from server.queries import trace_lists as queries
from server.queries.filters import SIGNAL
from server.views.facts import Facts
from server.views.trace_signals import offered


@dataclass(frozen=True)
class Sorting:
    """How a list is sorted: the name of an order, and whether it runs downwards."""

    name: str = "imported"
    descending: bool = False

    @classmethod
    def read(cls, written: str, facts: Facts) -> "Sorting":
        """Read `tokens`, `-tokens` or `signal.growth_ratio`.

        Raises:
            Invalid: There is no such order, or it would tell what the member may not see.
        """
        name = written.removeprefix("-") or "imported"
        if name.startswith(SIGNAL):
            _check_signal(facts, name.removeprefix(SIGNAL))
        elif name not in (allowed := sortable(facts.member)):
            raise Invalid(f"«{name}» can't be sorted by; use {', '.join(allowed)} or signal.NAME.")
        return cls(name, written.startswith("-"))

    @property
    def signal(self) -> str:
        """The signal that it sorts by; empty for another order."""
        return self.name.removeprefix(SIGNAL) if self.name.startswith(SIGNAL) else ""

    def order(self, project_id: int) -> queries.Order:
        """Return what the statement sorts by."""
        if self.signal:
            return queries.by_signal(self.signal, project_id)
        return queries.ORDERS[self.name]

    def written(self) -> str:
        return f"{'-' if self.descending else ''}{self.name}"

    def fields(self) -> list[tuple[str, str]]:
        return [] if self == Sorting() else [("sort", self.written())]


def _check_signal(facts: Facts, name: str) -> None:
    numbers = [known for known, one in offered(facts).items() if not one.is_label]
    if name not in numbers:
        known = ", ".join(SIGNAL + number for number in numbers) or "no signals yet"
        raise Invalid(f"«{SIGNAL}{name}» can't be sorted by. There is: {known}.")


def sortable(member: Member) -> tuple[str, ...]:
    """Return the orders a member may choose: the outcome's would tell what the list hides."""
    return tuple(name for name in queries.ORDERS if name != "outcome" or not member.is_blind)
