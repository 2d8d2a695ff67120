"""One thing worth a look."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One sentence: its subject in bold, the rest, and a link that does something about it."""

    subject: str
    text: str
    action: str
    path: str
