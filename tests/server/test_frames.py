"""Frames hold people's values of trace × mode, marked by where they come from."""

import pandas as pd
import pytest
from sqlmodel import Session

from analysis.frames import ANNOTATOR, MODE, NOTE_ID, SOURCE, TEXT, TRACE_ID, VALUE
from analysis.prevalence import combine_labels, prevalence
from analysis.saturation import incidence
from server import frames
from server.models.base import stored_id
from server.models.label import GoldLabel, Label, LabelSource, LabelValue
from server.models.project import AnnotatorKind, Member, Project
from server.models.verdict import VerdictValue
from server.services import batches, groupings, labels, modes, notes, projects, verdicts
from server.views.facts import Facts
from tests.factories import make_trace

PRESENT, ABSENT = LabelValue.PRESENT, LabelValue.ABSENT


@pytest.fixture
def traces(session: Session, project: Project) -> list[int]:
    return [stored_id(make_trace(session, project, f"t{n}")) for n in range(4)]


def read(
    session: Session, member: Member, trace_id: int, value: VerdictValue, step: int | None = None
) -> None:
    verdicts.decide(session, member, trace_id, value)
    if step is not None:
        verdicts.choose_first_failure_step(session, member, trace_id, step)
    verdicts.submit(session, member, trace_id)


def reviewed(session: Session, project_id: int, *, with_drafts: bool = False) -> pd.DataFrame:
    return frames.modes_on_reviewed(
        frames.verdict_frame(session, project_id),
        combine_labels(frames.label_frame(session, project_id)),
        frames.sampling_frame(session, project_id),
        drafts=frames.draft_frame(session, project_id) if with_drafts else None,
    )


def rows(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    return sorted(tuple(row) for row in frame.itertuples(index=False))


def test_a_pass_is_absent_for_the_modes_that_existed_when_it_was_submitted(
    session: Session, lead: Member, alice: Member, traces: list[int]
) -> None:
    early = stored_id(modes.create(session, lead, "Early"))
    read(session, alice, traces[0], VerdictValue.PASS)
    modes.create(session, lead, "Late")
    read(session, alice, traces[1], VerdictValue.FAIL)
    verdicts.decide(session, alice, traces[2], VerdictValue.PASS)  # not submitted

    frame = frames.label_frame(session, alice.project_id)

    assert list(frame.columns) == [TRACE_ID, MODE, VALUE, SOURCE, ANNOTATOR]
    assert rows(frame) == [(traces[0], early, "absent", "derived", alice.id)]


def test_retired_and_merged_modes_are_in_no_frame(
    session: Session, lead: Member, alice: Member, traces: list[int]
) -> None:
    kept, retired, merged = (
        stored_id(modes.create(session, lead, name)) for name in ("Kept", "Retired", "Merged")
    )
    labels.label(session, alice, traces[0], {kept: PRESENT, retired: PRESENT, merged: ABSENT})
    read(session, alice, traces[1], VerdictValue.PASS)
    modes.retire(session, lead, retired)
    modes.merge(session, lead, source=merged, into=kept)
    assert set(frames.label_frame(session, alice.project_id)[MODE]) == {kept}


def test_gold_human_and_derived_are_told_apart_and_machines_never_enter(
    session: Session, project: Project, lead: Member, alice: Member, bob: Member, traces: list[int]
) -> None:
    mode = stored_id(modes.create(session, lead, "Slip"))
    labels.label(session, alice, traces[0], {mode: PRESENT})
    labels.label(session, bob, traces[0], {mode: ABSENT})
    session.add(GoldLabel(trace_id=traces[0], mode_id=mode, value=PRESENT, decided_by=lead.id))
    judge = stored_id(projects.annotator(session, project, AnnotatorKind.MACHINE, "judge"))
    session.add(
        Label(
            trace_id=traces[1],
            mode_id=mode,
            annotator_id=judge,
            value=PRESENT,
            mode_version=1,
            source=LabelSource.MACHINE,
        )
    )
    read(session, alice, traces[2], VerdictValue.PASS)
    session.flush()

    frame = frames.label_frame(session, alice.project_id)

    assert rows(frame) == sorted(
        [
            (traces[0], mode, "present", "gold", lead.id),
            (traces[0], mode, "present", "human", alice.id),
            (traces[0], mode, "absent", "human", bob.id),
            (traces[2], mode, "absent", "derived", alice.id),
        ]
    )
    # Present on one of the two traces that somebody decided; the machine's trace is unseen.
    (found,) = prevalence(frame).values()
    assert (found.n_present, found.estimate.n, found.derived) == (1, 2, 1)


def test_decided_traces_are_those_of_the_labels_and_labels_in_batches_those_that_were_drawn(
    session: Session, lead: Member, alice: Member, project: Project
) -> None:
    found = [stored_id(make_trace(session, project, f"t{n}")) for n in range(6)]
    read(session, alice, found[0], VerdictValue.PASS)  # before there is a mode: decides nothing
    mode = stored_id(modes.create(session, lead, "Mode"))
    read(session, alice, found[1], VerdictValue.PASS)
    labels.label(session, alice, found[2], {mode: PRESENT})
    session.add(GoldLabel(trace_id=found[3], mode_id=mode, value=ABSENT, decided_by=lead.id))
    read(session, alice, found[4], VerdictValue.FAIL)
    batches.create_from(session, lead, [found[2], found[4]])
    facts = Facts(session, lead)
    assert facts.decided_traces == set(facts.labels[TRACE_ID]) == set(found[1:4])
    assert rows(facts.labels_in_batches) == [(found[2], mode, "present", "human", alice.id)]


def test_a_grouped_note_is_a_draft_until_the_trace_is_labelled(
    session: Session, lead: Member, alice: Member, traces: list[int]
) -> None:
    first = stored_id(notes.add_note(session, alice, traces[0], "3 is not 1+1"))
    second = stored_id(notes.add_note(session, alice, traces[1], "adds wrong"))
    mode = stored_id(groupings.accept_as_mode(session, lead, [first, second], "Slip"))
    assert frames.label_frame(session, alice.project_id).empty
    labels.label(session, alice, traces[1], {mode: ABSENT})

    drafts = frames.draft_frame(session, alice.project_id)

    assert list(drafts.columns) == [TRACE_ID, MODE, ANNOTATOR, NOTE_ID]
    assert rows(drafts) == [(traces[0], mode, alice.id, first)]


def test_notes_come_with_the_mode_they_stand_under(
    session: Session, lead: Member, alice: Member, traces: list[int]
) -> None:
    grouped = stored_id(notes.add_note(session, alice, traces[0], "3 is not 1+1"))
    loose = stored_id(notes.add_note(session, alice, traces[1], "polite"))
    mode = stored_id(groupings.accept_as_mode(session, lead, [grouped], "Slip"))

    frame = frames.note_frame(session, alice.project_id)

    assert list(frame.columns) == [NOTE_ID, TEXT, TRACE_ID, MODE]
    assert frame.set_index(NOTE_ID)[MODE].to_dict()[grouped] == mode
    assert pd.isna(frame.set_index(NOTE_ID)[MODE].to_dict()[loose])


def test_saturation_sees_the_traces_in_the_order_of_their_review(
    session: Session, lead: Member, alice: Member, traces: list[int]
) -> None:
    note = stored_id(notes.add_note(session, alice, traces[2], "3 is not 1+1"))
    slip = stored_id(groupings.accept_as_mode(session, lead, [note], "Slip"))
    refusal = stored_id(modes.create(session, lead, "Refuses"))
    read(session, alice, traces[3], VerdictValue.FAIL, step=1)
    read(session, alice, traces[2], VerdictValue.FAIL)
    read(session, alice, traces[0], VerdictValue.PASS)
    labels.label(session, alice, traces[3], {slip: PRESENT, refusal: PRESENT})
    labels.label(session, alice, traces[1], {slip: PRESENT})  # never reviewed

    frame = reviewed(session, alice.project_id)
    assert list(dict.fromkeys(frame[TRACE_ID])) == [traces[3], traces[2], traces[0]]
    assert incidence(frame).counts == {slip: 1, refusal: 1}
    assert incidence(frame).traces == 3

    with_drafts = reviewed(session, alice.project_id, with_drafts=True)
    assert incidence(with_drafts).counts == {slip: 2, refusal: 1}
    assert incidence(with_drafts).first_seen == {slip: 1, refusal: 1}


def test_verdicts_are_the_latest_submitted_one_of_each_person(
    session: Session, alice: Member, bob: Member, traces: list[int]
) -> None:
    read(session, bob, traces[0], VerdictValue.PASS)
    read(session, alice, traces[0], VerdictValue.FAIL, step=1)
    frame = frames.verdict_frame(session, alice.project_id)
    assert list(frame[ANNOTATOR]) == [bob.id, alice.id]
    assert list(frame[VALUE]) == ["pass", "fail"]
    assert frame[frames.FIRST_FAILURE_STEP].tolist()[1] == 1


def test_a_blind_annotator_sees_others_only_where_they_have_submitted(
    session: Session, alice: Member, bob: Member, lead: Member, traces: list[int]
) -> None:
    mode = stored_id(modes.create(session, lead, "Slip"))
    for trace_id in traces[:2]:
        labels.label(session, bob, trace_id, {mode: PRESENT})
        notes.add_note(session, bob, trace_id, "bob's")
        read(session, bob, trace_id, VerdictValue.FAIL)
    read(session, alice, traces[1], VerdictValue.DEFER)

    project_id = alice.project_id
    assert set(frames.label_frame(session, project_id, member=alice)[TRACE_ID]) == {traces[1]}
    assert set(frames.note_frame(session, project_id, member=alice)[TRACE_ID]) == {traces[1]}
    assert set(frames.verdict_frame(session, project_id, member=alice)[TRACE_ID]) == {traces[1]}
    assert len(frames.label_frame(session, project_id, member=lead)) == 2


def test_the_first_batch_says_how_a_trace_was_drawn(
    session: Session, lead: Member, alice: Member, traces: list[int]
) -> None:
    batches.create(session, lead, size=2, seed=1)
    frame = frames.sampling_frame(session, lead.project_id)
    assert list(frame.columns) == [TRACE_ID, "sampled_by", "inclusion_weight", "batch_id"]
    assert set(frame["sampled_by"]) == {"random"}
    assert list(frame["inclusion_weight"]) == [2.0, 2.0]  # 4 traces, 2 drawn


def test_an_empty_project_gives_empty_frames_with_their_columns(
    session: Session, project: Project
) -> None:
    project_id = stored_id(project)
    assert frames.label_frame(session, project_id).empty
    assert list(reviewed(session, project_id).columns) == [
        TRACE_ID,
        MODE,
        "sampled_by",
    ]
