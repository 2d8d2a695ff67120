"""What usually goes wrong with a codebook, said while it can still be mended."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from server.models.mode import FailureMode

MANY_MODES = 10
GENERIC_NAMES = frozenset({"hallucination", "helpfulness", "quality", "error", "other"})
_PLURALS = {f"{name}s": name for name in GENERIC_NAMES}


@dataclass(frozen=True)
class CodebookWarning:
    """One sentence, and the mode it is about (None: the whole codebook)."""

    text: str
    mode: int | None = None


def codebook_warnings(
    modes: Sequence[FailureMode],
    *,
    with_example: Collection[int],
    first_failure_at: datetime | None,
) -> tuple[CodebookWarning, ...]:
    """Warn of too many modes, generic names, and modes nobody has observed.

    Args:
        modes: Modes in use.
        with_example: Modes with a note or a positive example.
        first_failure_at: When the first note on a failed trace was written.
    """
    found = []
    if len(modes) > MANY_MODES:
        found.append(
            CodebookWarning(
                f"{len(modes)} failure modes are more than one keeps in mind while labelling: "
                f"merge down to {MANY_MODES} or fewer."
            )
        )
    for mode in modes:
        about = [
            (is_generic(mode.name), "fits any failure: name what exactly goes wrong."),
            (mode.id not in with_example, "has no example yet: put a note under it."),
            (
                first_failure_at is None or mode.created_at < first_failure_at,
                "was made before any note on a failed trace: check that the traces show it.",
            ),
        ]
        found += [
            CodebookWarning(f"“{mode.name}” {text}", mode.id) for applies, text in about if applies
        ]
    return tuple(found)


def is_generic(name: str) -> bool:
    """Whether a name says no more than that something is bad."""
    word = name.strip().casefold()
    return _PLURALS.get(word, word) in GENERIC_NAMES
