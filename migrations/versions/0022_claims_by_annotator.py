"""What somebody holds is found by their claims, however many traces the batches of a round have."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_lease_annotator_id", "lease", ["annotator_id"])


def downgrade() -> None:
    op.drop_index("ix_lease_annotator_id", table_name="lease")
