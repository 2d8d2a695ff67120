"""What people found stands in the indexes that lists go through: labels, gold labels, verdicts."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_INDEXES = (
    (
        "label",
        ("ix_label_mode_id_trace_id", ["mode_id", "trace_id"]),
        ("ix_label_by_mode", ["mode_id", "trace_id", "annotator_id", "value"]),
    ),
    (
        "gold_label",
        ("ix_gold_label_mode_id", ["mode_id"]),
        ("ix_gold_label_by_mode", ["mode_id", "trace_id", "value", "decided_by"]),
    ),
    (
        "verdict",
        ("ix_verdict_annotator_id", ["annotator_id"]),
        (
            "ix_verdict_by_annotator",
            ["annotator_id", "trace_id", "round_id", "value", "submitted_at"],
        ),
    ),
)


def upgrade() -> None:
    for table, (before, _), (now, columns) in _INDEXES:
        op.drop_index(before, table_name=table)
        op.create_index(now, table, columns)


def downgrade() -> None:
    for table, (before, columns), (now, _) in _INDEXES:
        op.drop_index(now, table_name=table)
        op.create_index(before, table, columns)
