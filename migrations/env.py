"""Alembic environment: runs migrations on the connection it is handed."""

from alembic import context
from sqlmodel import SQLModel

import server.models  # noqa: F401  # fills the metadata

connection = context.config.attributes["connection"]


def is_ours(_object: object, name: str | None, kind: str, *_rest: object) -> bool:
    """Leave out what no model describes: full text, the list's index, the job queue's."""
    hidden = ("trace_text", "trace_list", "huey_", "search_words")
    kinds = ("table", "index", "column")
    return not (kind in kinds and name is not None and name.startswith(hidden))


context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    include_object=is_ours,
    compare_type=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
