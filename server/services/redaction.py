"""A project's redaction rules: changed as a decision, tried on a text before that."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlmodel import Session

from server.errors import Invalid
from server.importers.redaction import Redacted, Redactor, Rule, check
from server.models.project import Member
from server.services.events import Decision

MOST_RULES = 50


def change(session: Session, member: Member, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Replace the project's rules; traces that are in already stay as they are.

    Raises:
        Invalid: A rule is no pattern, matches nothing at all, or may take too long.
    """
    _check(rules)
    settings = {**member.project.settings, "redaction_rules": [asdict(rule) for rule in rules]}
    decision = Decision(session, member, "redaction.changed")
    decision.change(member.project, settings=settings)
    count = "1 redaction rule" if len(rules) == 1 else f"{len(rules)} redaction rules"
    decision.record(count)
    return tuple(rules)


def try_on(rules: Sequence[Rule], text: str) -> Redacted:
    """Return what would be stored of a text.

    Raises:
        Invalid: A rule does not do, or takes too long on it.
    """
    _check(rules)
    return Redactor(rules).text(text)


def _check(rules: Sequence[Rule]) -> None:
    """Refuse rules that do not do.

    Raises:
        Invalid: With the name of the rule and what to change.
    """
    if len(rules) > MOST_RULES:
        raise Invalid(f"{len(rules)} rules are too many: {MOST_RULES} at most.")
    names = [rule.name for rule in rules]
    for rule in rules:
        if not rule.name:
            raise Invalid(f"The pattern {rule.pattern} needs a name.")
        if names.count(rule.name) > 1:
            raise Invalid(f"There are two rules called «{rule.name}»: rename one.")
        check(rule)
