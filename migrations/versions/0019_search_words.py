"""PostgreSQL keeps the words of a trace beside it: they were read anew for each trace looked at."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# As the index has read them since the first version.
_WORDS = (
    "to_tsvector('simple', translate(left(search_text, 600000), '<>/_.@-=&?#+~', '             '))"
)
# How often which words occur decides the way in which traces are looked for.
_KNOWN_WORDS = 1000


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("DROP INDEX trace_text_gin")
    op.execute(
        f"ALTER TABLE trace ADD COLUMN search_words tsvector GENERATED ALWAYS AS ({_WORDS}) STORED"
    )
    op.execute(f"ALTER TABLE trace ALTER COLUMN search_words SET STATISTICS {_KNOWN_WORDS}")
    op.execute("CREATE INDEX trace_text_gin ON trace USING gin (search_words)")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("DROP INDEX trace_text_gin")
    op.execute("ALTER TABLE trace DROP COLUMN search_words")
    op.execute(f"CREATE INDEX trace_text_gin ON trace USING gin ({_WORDS})")
