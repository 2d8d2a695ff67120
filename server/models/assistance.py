"""Whether a project may ask a language model: a lead allows the host that text then goes to."""

from server.models.project import Project

SETTING = "assistant"
"""Key of `Project.settings`; its value is the host that was allowed, so that another asks anew."""


def is_allowed(project: Project, host: str) -> bool:
    """Whether a lead allowed that text of the project goes to this host."""
    return bool(host) and project.settings.get(SETTING) == host
