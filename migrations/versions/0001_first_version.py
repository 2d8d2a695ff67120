"""Tables of the first version, and full-text search over traces."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)

SQLITE_SEARCH = (
    """CREATE VIRTUAL TABLE trace_text USING fts5(
        search_text, content='trace', content_rowid='id', tokenize='unicode61')""",
    """CREATE TRIGGER trace_text_insert AFTER INSERT ON trace BEGIN
        INSERT INTO trace_text(rowid, search_text) VALUES (new.id, new.search_text); END""",
    """CREATE TRIGGER trace_text_delete AFTER DELETE ON trace BEGIN
        INSERT INTO trace_text(trace_text, rowid, search_text)
        VALUES ('delete', old.id, old.search_text); END""",
    """CREATE TRIGGER trace_text_update AFTER UPDATE OF search_text ON trace BEGIN
        INSERT INTO trace_text(trace_text, rowid, search_text)
        VALUES ('delete', old.id, old.search_text);
        INSERT INTO trace_text(rowid, search_text) VALUES (new.id, new.search_text); END""",
)
# Lists filter, sort and count on this narrow copy: the rows themselves carry whole conversations.
# SQLite only: PostgreSQL keeps long texts out of the rows, and limits the size of index entries.
SQLITE_LIST = """CREATE INDEX trace_list ON trace (
    project_id, id, external_id, item_id, model, task, eval_id, outcome, finish_reason, import_id,
    completion_tokens, step_count, tags, dimensions)"""
# PostgreSQL refuses a tsvector past 1 MB, so the index covers the first 600,000 characters. Its
# parser takes tags, paths and addresses for one word each: blanks in them make their words count.
POSTGRESQL_SEARCH = (
    "CREATE INDEX trace_text_gin ON trace USING gin (to_tsvector('simple', "
    "translate(left(search_text, 600000), '<>/_.@-=&?#+~', '             ')))",
)


def upgrade() -> None:
    op.create_table(
        "embedding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("embedder", sa.String(), nullable=False),
        sa.Column("text_hash", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_embedding")),
        sa.UniqueConstraint("embedder", "text_hash", name=op.f("uq_embedding_embedder_text_hash")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "project",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.Column("archived_at", TIME, nullable=True),
        sa.Column("display_profile", JSON, nullable=False),
        sa.Column("outcome_rules", JSON, nullable=False),
        sa.Column("step_state_rules", JSON, nullable=False),
        sa.Column("settings", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        sa.UniqueConstraint("slug", name=op.f("uq_project_slug")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("disabled_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "annotator",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_annotator_project_id_project")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_annotator_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotator")),
        sa.UniqueConstraint("project_id", "user_id", name=op.f("uq_annotator_project_id_user_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("annotator", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_annotator_project_id"), ["project_id"], unique=False)
        batch_op.create_index(
            "uq_annotator_without_user",
            ["project_id", "name", "version"],
            unique=True,
            sqlite_where=sa.text("user_id IS NULL"),
            postgresql_where=sa.text("user_id IS NULL"),
        )

    op.create_table(
        "api_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("last_used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_api_token_project_id_project")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_api_token_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_token_user_id"), ["user_id"], unique=False)

    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("accepted_by", sa.Integer(), nullable=True),
        sa.Column("accepted_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["accepted_by"], ["user.id"], name=op.f("fk_invitation_accepted_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["user.id"], name=op.f("fk_invitation_created_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_invitation_project_id_project")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_invitation_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "round",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("goal", sa.String(), nullable=False),
        sa.Column("opened_at", TIME, nullable=True),
        sa.Column("closed_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_round_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round")),
        sa.UniqueConstraint("project_id", "number", name=op.f("uq_round_project_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "split",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("test_opened_at", TIME, nullable=True),
        sa.Column("test_uses", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_split_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_split")),
        sa.UniqueConstraint("project_id", name=op.f("uq_split_project_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "user_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("last_seen_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("user_agent", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_user_session_user_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_user_session_token_hash")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("user_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_session_user_id"), ["user_id"], unique=False)

    op.create_table(
        "webhook",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("events", JSON, nullable=False),
        sa.Column("disabled_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_webhook_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_webhook_project_id"), ["project_id"], unique=False)

    op.create_table(
        "analysis_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("parameters", JSON, nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("input_digest", sa.String(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("progress_done", sa.Integer(), nullable=False),
        sa.Column("progress_total", sa.Integer(), nullable=True),
        sa.Column("progress_text", sa.String(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("heartbeat_at", TIME, nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("result", JSON, nullable=False),
        sa.Column("artefact", sa.String(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["annotator.id"], name=op.f("fk_analysis_run_created_by_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_analysis_run_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_analysis_run")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("analysis_run", schema=None) as batch_op:
        batch_op.create_index(
            "ix_analysis_run_project_id_kind", ["project_id", "kind"], unique=False
        )
        batch_op.create_index("ix_analysis_run_status", ["status"], unique=False)

    op.create_table(
        "batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("parameters", JSON, nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("reviews_per_trace", sa.Integer(), nullable=False),
        sa.Column("overlap", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["annotator.id"], name=op.f("fk_batch_created_by_annotator")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_batch_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_batch_round_id"), ["round_id"], unique=False)

    op.create_table(
        "diagnosis",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("population", JSON, nullable=False),
        sa.Column("baseline", JSON, nullable=False),
        sa.Column("findings", JSON, nullable=False),
        sa.Column("hypothesis", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("signed_by", sa.Integer(), nullable=True),
        sa.Column("signed_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["annotator.id"], name=op.f("fk_diagnosis_created_by_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_diagnosis_project_id_project")
        ),
        sa.ForeignKeyConstraint(
            ["signed_by"], ["annotator.id"], name=op.f("fk_diagnosis_signed_by_annotator")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diagnosis")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("diagnosis", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_diagnosis_project_id"), ["project_id"], unique=False)

    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("undoes", sa.Integer(), nullable=True),
        sa.Column("caused_by", sa.String(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["annotator.id"], name=op.f("fk_event_actor_id_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_event_project_id_project")
        ),
        sa.ForeignKeyConstraint(["undoes"], ["event.id"], name=op.f("fk_event_undoes_event")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(
            "ix_event_project_id_actor_id_id", ["project_id", "actor_id", "id"], unique=False
        )
        batch_op.create_index("ix_event_undoes", ["undoes"], unique=False)

    op.create_table(
        "failure_mode",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("colour", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(length=32), nullable=True),
        sa.Column("impact", sa.Integer(), nullable=True),
        sa.Column("guid", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["annotator.id"], name=op.f("fk_failure_mode_created_by_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["merged_into"],
            ["failure_mode.id"],
            name=op.f("fk_failure_mode_merged_into_failure_mode"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["annotator.id"], name=op.f("fk_failure_mode_owner_id_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["failure_mode.id"], name=op.f("fk_failure_mode_parent_id_failure_mode")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_failure_mode_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failure_mode")),
        sa.UniqueConstraint("project_id", "guid", name=op.f("uq_failure_mode_project_id_guid")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("failure_mode", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_failure_mode_project_id"), ["project_id"], unique=False
        )

    op.create_table(
        "saved_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("screen", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["annotator.id"], name=op.f("fk_saved_view_created_by_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_saved_view_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("saved_view", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_saved_view_project_id"), ["project_id"], unique=False)

    op.create_table(
        "split_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("split_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("part", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_split_item_project_id_project")
        ),
        sa.ForeignKeyConstraint(
            ["split_id"], ["split.id"], name=op.f("fk_split_item_split_id_split")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_split_item")),
        sa.UniqueConstraint("project_id", "item_id", name=op.f("uq_split_item_project_id_item_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("x_dimension", sa.String(), nullable=False),
        sa.Column("y_dimension", sa.String(), nullable=False),
        sa.Column("filters", JSON, nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["annotator.id"], name=op.f("fk_view_created_by_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_view_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_view")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("view", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_view_project_id"), ["project_id"], unique=False)

    op.create_table(
        "event_row",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("row_key", sa.String(), nullable=False),
        sa.Column("changed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name=op.f("fk_event_row_event_id_event")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_row")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("event_row", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_row_event_id"), ["event_id"], unique=False)
        batch_op.create_index(
            "ix_event_row_table_name_row_key", ["table_name", "row_key"], unique=False
        )

    op.create_table(
        "import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("stored_path", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("mapping", JSON, nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("counts", JSON, nullable=False),
        sa.Column("refused_file", sa.String(), nullable=False),
        sa.Column("is_random_sample", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("pipeline_version", sa.String(), nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["annotator.id"], name=op.f("fk_import_created_by_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_import_project_id_project")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["analysis_run.id"], name=op.f("fk_import_run_id_analysis_run")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("import", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_import_project_id"), ["project_id"], unique=False)

    op.create_table(
        "judge",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=True),
        sa.Column("mode_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("prompt_hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["annotator_id"], ["annotator.id"], name=op.f("fk_judge_annotator_id_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["mode_id"], ["failure_mode.id"], name=op.f("fk_judge_mode_id_failure_mode")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_judge_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judge")),
        sa.UniqueConstraint(
            "project_id",
            "name",
            "version",
            "mode_id",
            name=op.f("uq_judge_project_id_name_version_mode_id"),
        ),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("judge", schema=None) as batch_op:
        batch_op.create_index(
            "uq_judge_of_whole_trace",
            ["project_id", "name", "version"],
            unique=True,
            sqlite_where=sa.text("mode_id IS NULL"),
            postgresql_where=sa.text("mode_id IS NULL"),
        )

    op.create_table(
        "mode_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("mode_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("apply_when", sa.Text(), nullable=False),
        sa.Column("not_when", sa.Text(), nullable=False),
        sa.Column("pass_rule", sa.Text(), nullable=False),
        sa.Column("fail_rule", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["annotator.id"], name=op.f("fk_mode_version_created_by_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["mode_id"], ["failure_mode.id"], name=op.f("fk_mode_version_mode_id_failure_mode")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mode_version")),
        sa.UniqueConstraint("mode_id", "number", name=op.f("uq_mode_version_mode_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "suggestion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("target", JSON, nullable=False),
        sa.Column("candidates", JSON, nullable=False),
        sa.Column("decision", sa.String(length=32), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["annotator.id"], name=op.f("fk_suggestion_decided_by_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_suggestion_project_id_project")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["analysis_run.id"], name=op.f("fk_suggestion_run_id_analysis_run")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("suggestion", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_suggestion_project_id"), ["project_id"], unique=False)

    op.create_table(
        "trace",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=True),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("trial", sa.Integer(), nullable=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("model_family", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("eval_id", sa.String(), nullable=False),
        sa.Column("tags", JSON, nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("outcome_source", sa.String(length=32), nullable=False),
        sa.Column("executed_outcome", sa.String(length=32), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("target", sa.String(), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("completion_tokens", sa.Integer(), nullable=True),
        sa.Column("reasoning_tokens", sa.Integer(), nullable=True),
        sa.Column("token_limit", sa.Integer(), nullable=True),
        sa.Column("finish_reason", sa.String(), nullable=False),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("duration_s", sa.Float(), nullable=True),
        sa.Column("cost", sa.Float(), nullable=True),
        sa.Column("pipeline_version", sa.String(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("source_url", sa.String(), nullable=False),
        sa.Column("dimensions", JSON, nullable=False),
        sa.Column("metadata", JSON, nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("step_count", sa.Integer(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import.id"], name=op.f("fk_trace_import_id_import")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_trace_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trace")),
        sa.UniqueConstraint(
            "project_id", "external_id", name=op.f("uq_trace_project_id_external_id")
        ),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("trace", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_trace_import_id"), ["import_id"], unique=False)
        batch_op.create_index("ix_trace_project_id_id", ["project_id", "id"], unique=False)
        batch_op.create_index(
            "ix_trace_project_id_item_id", ["project_id", "item_id"], unique=False
        )
        batch_op.create_index("ix_trace_project_id_model", ["project_id", "model"], unique=False)
        batch_op.create_index(
            "ix_trace_project_id_outcome", ["project_id", "outcome"], unique=False
        )
        batch_op.create_index("ix_trace_project_id_task", ["project_id", "task"], unique=False)

    op.create_table(
        "batch_trace",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("trace_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sampled_by", sa.String(), nullable=False),
        sa.Column("inclusion_weight", sa.Float(), nullable=False),
        sa.Column("assigned_to", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["assigned_to"], ["annotator.id"], name=op.f("fk_batch_trace_assigned_to_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batch.id"], name=op.f("fk_batch_trace_batch_id_batch")
        ),
        sa.ForeignKeyConstraint(
            ["trace_id"], ["trace.id"], name=op.f("fk_batch_trace_trace_id_trace")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_trace")),
        sa.UniqueConstraint("batch_id", "trace_id", name=op.f("uq_batch_trace_batch_id_trace_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("batch_trace", schema=None) as batch_op:
        batch_op.create_index(
            "ix_batch_trace_batch_id_position", ["batch_id", "position"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_batch_trace_trace_id"), ["trace_id"], unique=False)

    op.create_table(
        "gold_label",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("trace_id", sa.Integer(), nullable=False),
        sa.Column("mode_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.String(length=32), nullable=False),
        sa.Column("mode_version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["annotator.id"], name=op.f("fk_gold_label_decided_by_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["mode_id"], ["failure_mode.id"], name=op.f("fk_gold_label_mode_id_failure_mode")
        ),
        sa.ForeignKeyConstraint(
            ["trace_id"], ["trace.id"], name=op.f("fk_gold_label_trace_id_trace")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gold_label")),
        sa.UniqueConstraint("trace_id", "mode_id", name=op.f("uq_gold_label_trace_id_mode_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("gold_label", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_gold_label_mode_id"), ["mode_id"], unique=False)

    op.create_table(
        "input_tuple",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("values", JSON, nullable=False),
        sa.Column("values_key", sa.String(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("input_text", sa.String(), nullable=False),
        sa.Column("trace_id", sa.Integer(), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["annotator.id"], name=op.f("fk_input_tuple_created_by_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_input_tuple_project_id_project")
        ),
        sa.ForeignKeyConstraint(
            ["trace_id"], ["trace.id"], name=op.f("fk_input_tuple_trace_id_trace")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_input_tuple")),
        sa.UniqueConstraint(
            "project_id", "values_key", name=op.f("uq_input_tuple_project_id_values_key")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "judge_verdict",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("judge_id", sa.Integer(), nullable=False),
        sa.Column("trace_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.String(length=32), nullable=False),
        sa.Column("critique", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["judge_id"], ["judge.id"], name=op.f("fk_judge_verdict_judge_id_judge")
        ),
        sa.ForeignKeyConstraint(
            ["trace_id"], ["trace.id"], name=op.f("fk_judge_verdict_trace_id_trace")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judge_verdict")),
        sa.UniqueConstraint(
            "judge_id", "trace_id", name=op.f("uq_judge_verdict_judge_id_trace_id")
        ),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("judge_verdict", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_judge_verdict_trace_id"), ["trace_id"], unique=False)

    op.create_table(
        "label",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("trace_id", sa.Integer(), nullable=False),
        sa.Column("mode_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.String(length=32), nullable=False),
        sa.Column("mode_version", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["annotator_id"], ["annotator.id"], name=op.f("fk_label_annotator_id_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["mode_id"], ["failure_mode.id"], name=op.f("fk_label_mode_id_failure_mode")
        ),
        sa.ForeignKeyConstraint(["trace_id"], ["trace.id"], name=op.f("fk_label_trace_id_trace")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
        sa.UniqueConstraint(
            "trace_id",
            "mode_id",
            "annotator_id",
            name=op.f("uq_label_trace_id_mode_id_annotator_id"),
        ),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("label", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_label_annotator_id"), ["annotator_id"], unique=False)
        batch_op.create_index("ix_label_mode_id_trace_id", ["mode_id", "trace_id"], unique=False)

    op.create_table(
        "note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("trace_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("is_first_failure", sa.Boolean(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=True),
        sa.Column("start", sa.Integer(), nullable=True),
        sa.Column("end", sa.Integer(), nullable=True),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["annotator_id"], ["annotator.id"], name=op.f("fk_note_annotator_id_annotator")
        ),
        sa.ForeignKeyConstraint(["trace_id"], ["trace.id"], name=op.f("fk_note_trace_id_trace")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("note", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_note_annotator_id"), ["annotator_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_note_trace_id"), ["trace_id"], unique=False)

    op.create_table(
        "signal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("trace_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("computed_with", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["trace_id"], ["trace.id"], name=op.f("fk_signal_trace_id_trace"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signal")),
        sa.UniqueConstraint("trace_id", "name", name=op.f("uq_signal_trace_id_name")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("signal", schema=None) as batch_op:
        batch_op.create_index("ix_signal_name_value", ["name", "value"], unique=False)

    op.create_table(
        "step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("trace_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("data", JSON, nullable=True),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("parent", sa.Integer(), nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("duration_s", sa.Float(), nullable=True),
        sa.Column("tokens", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["trace_id"], ["trace.id"], name=op.f("fk_step_trace_id_trace"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step")),
        sa.UniqueConstraint("trace_id", "position", name=op.f("uq_step_trace_id_position")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "verdict",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("trace_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.String(length=32), nullable=False),
        sa.Column("first_failure_step", sa.Integer(), nullable=True),
        sa.Column("minimal_repro", sa.String(), nullable=False),
        sa.Column("submitted_at", TIME, nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["annotator_id"], ["annotator.id"], name=op.f("fk_verdict_annotator_id_annotator")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_verdict_round_id_round")),
        sa.ForeignKeyConstraint(["trace_id"], ["trace.id"], name=op.f("fk_verdict_trace_id_trace")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict")),
        sa.UniqueConstraint(
            "trace_id",
            "annotator_id",
            "round_id",
            name=op.f("uq_verdict_trace_id_annotator_id_round_id"),
        ),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("verdict", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_verdict_annotator_id"), ["annotator_id"], unique=False)

    op.create_table(
        "attachment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("byte_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["step_id"], ["step.id"], name=op.f("fk_attachment_step_id_step"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        sa.UniqueConstraint("step_id", "sha256", name=op.f("uq_attachment_step_id_sha256")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "grouping",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("note_id", sa.Integer(), nullable=False),
        sa.Column("mode_id", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("suggestion_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["annotator.id"], name=op.f("fk_grouping_created_by_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["mode_id"], ["failure_mode.id"], name=op.f("fk_grouping_mode_id_failure_mode")
        ),
        sa.ForeignKeyConstraint(["note_id"], ["note.id"], name=op.f("fk_grouping_note_id_note")),
        sa.ForeignKeyConstraint(
            ["suggestion_id"], ["suggestion.id"], name=op.f("fk_grouping_suggestion_id_suggestion")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grouping")),
        sa.UniqueConstraint("note_id", name=op.f("uq_grouping_note_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("grouping", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_grouping_mode_id"), ["mode_id"], unique=False)

    op.create_table(
        "lease",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("batch_trace_id", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["annotator_id"], ["annotator.id"], name=op.f("fk_lease_annotator_id_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["batch_trace_id"], ["batch_trace.id"], name=op.f("fk_lease_batch_trace_id_batch_trace")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lease")),
        sa.UniqueConstraint("batch_trace_id", "slot", name=op.f("uq_lease_batch_trace_id_slot")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "mode_example",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("mode_id", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("note_id", sa.Integer(), nullable=True),
        sa.Column("trace_id", sa.Integer(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=True),
        sa.Column("start", sa.Integer(), nullable=True),
        sa.Column("end", sa.Integer(), nullable=True),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("positive", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["annotator.id"], name=op.f("fk_mode_example_created_by_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["mode_id"], ["failure_mode.id"], name=op.f("fk_mode_example_mode_id_failure_mode")
        ),
        sa.ForeignKeyConstraint(
            ["note_id"], ["note.id"], name=op.f("fk_mode_example_note_id_note")
        ),
        sa.ForeignKeyConstraint(
            ["trace_id"], ["trace.id"], name=op.f("fk_mode_example_trace_id_trace")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mode_example")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("mode_example", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mode_example_mode_id"), ["mode_id"], unique=False)

    op.create_table(
        "rejection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("note_id", sa.Integer(), nullable=True),
        sa.Column("mode_id", sa.Integer(), nullable=True),
        sa.Column("note_ids", JSON, nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["annotator.id"], name=op.f("fk_rejection_created_by_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["mode_id"], ["failure_mode.id"], name=op.f("fk_rejection_mode_id_failure_mode")
        ),
        sa.ForeignKeyConstraint(["note_id"], ["note.id"], name=op.f("fk_rejection_note_id_note")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_rejection_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejection")),
        sa.UniqueConstraint("note_id", "mode_id", name=op.f("uq_rejection_note_id_mode_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("rejection", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rejection_project_id"), ["project_id"], unique=False)

    op.create_table(
        "token_series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("top_k", sa.Integer(), nullable=True),
        sa.Column("values", sa.LargeBinary(), nullable=False),
        sa.Column("offsets", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["step_id"], ["step.id"], name=op.f("fk_token_series_step_id_step"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token_series")),
        sa.UniqueConstraint("step_id", "name", name=op.f("uq_token_series_step_id_name")),
        sqlite_autoincrement=True,
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in (*SQLITE_SEARCH, SQLITE_LIST) if sqlite else POSTGRESQL_SEARCH:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE trace_text")
    op.drop_table("token_series")
    with op.batch_alter_table("rejection", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rejection_project_id"))

    op.drop_table("rejection")
    with op.batch_alter_table("mode_example", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mode_example_mode_id"))

    op.drop_table("mode_example")
    op.drop_table("lease")
    with op.batch_alter_table("grouping", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_grouping_mode_id"))

    op.drop_table("grouping")
    op.drop_table("attachment")
    with op.batch_alter_table("verdict", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_verdict_annotator_id"))

    op.drop_table("verdict")
    op.drop_table("step")
    with op.batch_alter_table("signal", schema=None) as batch_op:
        batch_op.drop_index("ix_signal_name_value")

    op.drop_table("signal")
    with op.batch_alter_table("note", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_note_trace_id"))
        batch_op.drop_index(batch_op.f("ix_note_annotator_id"))

    op.drop_table("note")
    with op.batch_alter_table("label", schema=None) as batch_op:
        batch_op.drop_index("ix_label_mode_id_trace_id")
        batch_op.drop_index(batch_op.f("ix_label_annotator_id"))

    op.drop_table("label")
    with op.batch_alter_table("judge_verdict", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_judge_verdict_trace_id"))

    op.drop_table("judge_verdict")
    op.drop_table("input_tuple")
    with op.batch_alter_table("gold_label", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_gold_label_mode_id"))

    op.drop_table("gold_label")
    with op.batch_alter_table("batch_trace", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_batch_trace_trace_id"))
        batch_op.drop_index("ix_batch_trace_batch_id_position")

    op.drop_table("batch_trace")
    with op.batch_alter_table("trace", schema=None) as batch_op:
        batch_op.drop_index("ix_trace_project_id_task")
        batch_op.drop_index("ix_trace_project_id_outcome")
        batch_op.drop_index("ix_trace_project_id_model")
        batch_op.drop_index("ix_trace_project_id_item_id")
        batch_op.drop_index("ix_trace_project_id_id")
        batch_op.drop_index(batch_op.f("ix_trace_import_id"))

    op.drop_table("trace")
    with op.batch_alter_table("suggestion", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_suggestion_project_id"))

    op.drop_table("suggestion")
    op.drop_table("mode_version")
    with op.batch_alter_table("judge", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_judge_of_whole_trace",
            sqlite_where=sa.text("mode_id IS NULL"),
            postgresql_where=sa.text("mode_id IS NULL"),
        )

    op.drop_table("judge")
    with op.batch_alter_table("import", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_import_project_id"))

    op.drop_table("import")
    with op.batch_alter_table("event_row", schema=None) as batch_op:
        batch_op.drop_index("ix_event_row_table_name_row_key")
        batch_op.drop_index(batch_op.f("ix_event_row_event_id"))

    op.drop_table("event_row")
    with op.batch_alter_table("view", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_view_project_id"))

    op.drop_table("view")
    op.drop_table("split_item")
    with op.batch_alter_table("saved_view", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_saved_view_project_id"))

    op.drop_table("saved_view")
    with op.batch_alter_table("failure_mode", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_failure_mode_project_id"))

    op.drop_table("failure_mode")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index("ix_event_undoes")
        batch_op.drop_index("ix_event_project_id_actor_id_id")

    op.drop_table("event")
    with op.batch_alter_table("diagnosis", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_diagnosis_project_id"))

    op.drop_table("diagnosis")
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_batch_round_id"))

    op.drop_table("batch")
    with op.batch_alter_table("analysis_run", schema=None) as batch_op:
        batch_op.drop_index("ix_analysis_run_status")
        batch_op.drop_index("ix_analysis_run_project_id_kind")

    op.drop_table("analysis_run")
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhook_project_id"))

    op.drop_table("webhook")
    with op.batch_alter_table("user_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_session_user_id"))

    op.drop_table("user_session")
    op.drop_table("split")
    op.drop_table("round")
    op.drop_table("invitation")
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_token_user_id"))

    op.drop_table("api_token")
    with op.batch_alter_table("annotator", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_annotator_without_user",
            sqlite_where=sa.text("user_id IS NULL"),
            postgresql_where=sa.text("user_id IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_annotator_project_id"))

    op.drop_table("annotator")
    op.drop_table("user")
    op.drop_table("project")
    op.drop_table("embedding")
