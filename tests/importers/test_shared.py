"""The whole published sets, where they are present."""

from collections import Counter

import pytest

pytestmark = pytest.mark.needs_shared

FILES = [
    ("tau-bench-airline-gpt4o/trajectories.jsonl", "tau-bench", 200),
    ("agentrx-tau-retail/trajectories.jsonl", "agentrx", 102),
    ("misguided-attention/traces.jsonl", "judged-runs", 3273),
    ("lrm-token-economy/traces.jsonl", "judged-runs", 1495),
    ("mint-agents/traces.jsonl", "openai-messages", 720),
    ("import-formats/openai-chat/chat_tools.jsonl", "openai-messages", 24),
    ("import-formats/openai-chat/chat_plain.jsonl", "openai-messages", 24),
]


@pytest.mark.parametrize(("path", "format_name", "count"), FILES)
def test_every_record_is_read(path, format_name, count, read_file, shared):
    result = read_file(shared / path)
    assert (result.format, len(result.drafts), result.refused) == (format_name, count, [])
    assert len({draft.external_id for draft in result.drafts}) == count


def test_agentrx_annotations_are_all_there_and_stand_on_assistant_or_user_turns(read_file, shared):
    drafts = read_file(shared / "agentrx-tau-retail/trajectories.jsonl").drafts
    noted = [(d, note) for d in drafts for a in d.annotations for note in a.notes]
    assert len(noted) == 39
    assert sum(bool(draft.annotations) for draft in drafts) == 29
    assert {draft.steps[note.step].role for draft, note in noted} == {"assistant", "user"}
    assert len({note.category for _, note in noted}) == 7


def test_half_of_misguided_attention_fails_as_its_readme_says(read_file, shared):
    drafts = read_file(shared / "misguided-attention/traces.jsonl").drafts
    assert Counter(draft.outcome for draft in drafts) == {"incorrect": 1953, "correct": 1320}
