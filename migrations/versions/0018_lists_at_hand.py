"""Lists at hand: people's traces by index alone, the last events of a project, further filters."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# The narrow copy that lists filter on, as before, now with what was not in it.
_LISTED = """project_id, id, external_id, item_id, model, task, eval_id, outcome, finish_reason,
    import_id, completion_tokens, step_count, tags, dimensions, source, pipeline_version"""


# PostgreSQL goes through these in the order of a list instead of sorting all that matches. SQLite
# sorts the narrow copy.
_ORDERS = {"tokens": "coalesce(completion_tokens, -1)", "steps": "step_count"}
_SORTED = ("model", "task", "outcome")


def upgrade() -> None:
    op.create_index("ix_event_project_id_id", "event", ["project_id", "id"])
    op.drop_index("ix_label_annotator_id", table_name="label")
    op.create_index(
        "ix_label_annotator_id_trace_id",
        "label",
        ["annotator_id", "trace_id", "mode_id", "mode_version"],
    )
    op.drop_index("ix_note_annotator_id", table_name="note")
    op.create_index("ix_note_annotator_id_trace_id", "note", ["annotator_id", "trace_id"])
    for column in _SORTED:
        op.drop_index(f"ix_trace_project_id_{column}", table_name="trace")
        name = f"ix_trace_project_id_{column}_id"
        op.create_index(name, "trace", ["project_id", column, "id"])
    _list_index(f"{_LISTED}, outcome_source, model_family")
    if op.get_bind().dialect.name == "postgresql":
        for order, key in _ORDERS.items():
            op.execute(f"CREATE INDEX trace_list_{order} ON trace (project_id, ({key}), id)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for order in _ORDERS:
            op.execute(f"DROP INDEX trace_list_{order}")
    _list_index(_LISTED)
    for column in _SORTED:
        op.drop_index(f"ix_trace_project_id_{column}_id", table_name="trace")
        op.create_index(f"ix_trace_project_id_{column}", "trace", ["project_id", column])
    op.drop_index("ix_note_annotator_id_trace_id", table_name="note")
    op.create_index("ix_note_annotator_id", "note", ["annotator_id"])
    op.drop_index("ix_label_annotator_id_trace_id", table_name="label")
    op.create_index("ix_label_annotator_id", "label", ["annotator_id"])
    op.drop_index("ix_event_project_id_id", table_name="event")


def _list_index(columns: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP INDEX trace_list")
        op.execute(f"CREATE INDEX trace_list ON trace ({columns})")
