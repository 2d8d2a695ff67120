"""What few traces have is found by indexes on PostgreSQL: tags, and labels that say present."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("CREATE INDEX trace_list_tags ON trace USING gin (tags jsonb_path_ops)")
    op.execute(
        "CREATE INDEX trace_list_present ON label (mode_id, trace_id) WHERE value = 'present'"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("DROP INDEX trace_list_present")
    op.execute("DROP INDEX trace_list_tags")
