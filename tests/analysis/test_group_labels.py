import numpy as np

from analysis.group_labels import key_terms


def test_terms_tell_the_groups_apart():
    texts = [
        "The agent sends the refund twice",
        "Refund issued twice by the agent",
        "The agent answers in the wrong language",
        "Replies in the wrong language to the agent",
    ]
    refund, language = key_terms(texts, np.array([0, 0, 1, 1]))
    # "twice" and "refund" stand in both notes of their group and nowhere else; "agent" everywhere.
    assert set(refund[:2]) == {"refund", "twice"}
    assert language[0] == "language"
    assert "wrong" in language or "wrong language" in language


def test_a_negation_does_not_become_a_term():
    texts = ["The agent did not count shirts", "It didn’t count shirts, doesn't count"]
    (terms,) = key_terms(texts, np.array([0, 0]))
    assert terms[0] in {"count shirts", "count", "shirts"}
    assert not {"did", "didn", "didn't", "doesn't", "agent did"} & set(terms)


def test_words_apart_by_a_stop_word_make_no_pair():
    (terms,) = key_terms(["count of shirts", "count of shirts"], np.array([0, 0]))
    assert "count shirts" not in terms
    assert set(terms) == {"count", "shirts"}


def test_a_term_is_not_repeated_in_another_form():
    texts = ["address addresses order", "addresses address order"]
    (terms,) = key_terms(texts, np.array([0, 0]))
    assert len([term for term in terms if "address" in term]) == 1


def test_tool_names_are_words():
    texts = ["calls get_order_details again", "get_order_details once more"]
    assert key_terms(texts, np.array([0, 0]))[0][0] == "get_order_details"


def test_without_any_shared_word_the_words_of_one_note_stand_in():
    (terms,) = key_terms(["zebra", "tiger"], np.array([0, 0]))
    assert terms == ["tiger", "zebra"]


def test_ungrouped_notes_count_only_as_background():
    texts = ["refund late", "refund late", "late train", "late plane", "late bus"]
    (terms,) = key_terms(texts, np.array([0, 0, -1, -1, -1]))
    assert terms[0] == "refund"


def test_notes_without_words():
    assert key_terms(["", "???", "the"], np.array([0, 0, 0])) == [[]]
    assert key_terms(["", "?", "refund", "refund"], np.array([0, 0, 1, 1])) == [[], ["refund"]]
    assert key_terms([], np.array([], dtype=np.int64)) == []


def test_at_most_five_terms(notes: list[str]):
    (terms,) = key_terms(notes, np.zeros(len(notes), dtype=np.int64))
    assert len(terms) == 5
