"""Tests that look at pages and files: `--db both` runs them on SQLite alone.

What they assert is made of rows after these have been read: markup, columns of a file, who may open
a page, numbers of an analysis. The statements underneath run on both databases in the tests of
services, queries, frames, events and the queue; `test_blindness.py` opens every page on both, and
`test_crash.py` kills a server on both.
`--db postgres` leaves none of them out.
"""

from pathlib import Path

HERE = Path(__file__).parent
FILES = frozenset(
    {
        "attack/test_sign_in.py",
        "server/api/test_access.py",
        "server/api/test_failures.py",
        "server/assistance/test_judge_drafts.py",
        "server/assistance/test_names.py",
        "server/cohorts/test_cohort_pages.py",
        "server/cohorts/test_evaluation_sets.py",
        "server/cohorts/test_judges_link.py",
        "server/lenses/test_diagnose.py",
        "server/lenses/test_pages.py",
        "server/oidc/test_attacks.py",
        "server/oidc/test_people.py",
        "server/oidc/test_provider.py",
        "server/test_authorisation.py",
        "server/test_codebook_pages.py",
        "server/test_cold_start.py",
        "server/test_compare.py",
        "server/test_conversation.py",
        "server/test_demo.py",
        "server/test_display_profile.py",
        "server/test_draw_pages.py",
        "server/test_evaluator_exports.py",
        "server/test_export_page.py",
        "server/test_exports_page.py",
        "server/test_first_turns.py",
        "server/test_hand_offs.py",
        "server/test_import_interrupted.py",
        "server/test_imports_page.py",
        "server/test_judges.py",
        "server/test_lens_join.py",
        "server/test_lifecycle_page.py",
        "server/test_live_page.py",
        "server/test_modes_wait.py",
        "server/test_otlp_senders.py",
        "server/test_parquet.py",
        "server/test_pitfalls.py",
        "server/test_platform_exports.py",
        "server/test_prevalence_page.py",
        "server/test_queue_board.py",
        "server/test_read_as_stored.py",
        "server/test_regression.py",
        "server/test_report.py",
        "server/test_request_log.py",
        "server/test_saturation_page.py",
        "server/test_security.py",
        "server/test_settings_page.py",
        "server/test_surface_views.py",
        "server/test_token_track.py",
        "server/test_transitions.py",
        "server/test_workbook.py",
        "test_api_docs.py",
    }
)


def suffices(path: Path) -> bool:
    """Return whether one database shows all that the tests of a file are about."""
    return path.is_relative_to(HERE) and path.relative_to(HERE).as_posix() in FILES
