"""The third demo: many models on the same items, for the lenses; some with whole conversations."""

from contextlib import nullcontext

from sqlmodel import Session

from server import demo
from server.models.base import stored_id
from server.models.project import Member
from server.queries import traces
from server.services import batches
from server.services.demo_project import DemoFile, DemoProject

ITEMS_OF_A_TASK = 5
_MAPPING = {"finish_reason": "terminate_reason"}
_DIMENSIONS = ("assistant_turns", "use_tool", "propose_solution", "invalid_action")


def _batch_conversations(session: Session, lead: Member) -> None:
    """Put a few items with all their models' conversations where Read begins."""
    items: dict[str, dict[str, list[int]]] = {}
    for trace in session.exec(traces.with_steps(lead.project_id)):
        items.setdefault(trace.task, {}).setdefault(trace.item_id, []).append(stored_id(trace))
    chosen = [
        trace_id
        for by_item in items.values()
        for ids in list(by_item.values())[:ITEMS_OF_A_TASK]
        for trace_id in ids
    ]
    batches.create_from(session, lead, chosen, "Five items a task, six models each", by_system=True)


PROJECT = DemoProject(
    name="Many models",
    description=(
        "31,699 runs of 55 models on 586 items of eight tasks (MINT): agents that may run Python "
        "and tools, in at most five turns. All have their outcome, their turns and how they ended; "
        "720 have their whole conversation (6 models on 40 items each of MATH, MBPP and ALFWorld), "
        "the others came as outcomes only. To look at, not to change. It can't show what people "
        "think of these runs: nobody wrote notes, so there is no codebook and no prevalence. Token "
        "counts are missing for chat-bison-001, claude-2 and claude-instant-1 and for some runs of "
        "one other model, and the models are those of 2023 and 2024."
    ),
    files=(
        DemoFile(
            "openai-messages",
            lambda: nullcontext(demo.MANY_MODELS / "traces.jsonl.zst"),
            _MAPPING,
            _DIMENSIONS,
        ),
        DemoFile(
            "outcomes",
            lambda: nullcontext(demo.MANY_MODELS / "outcomes.csv.zst"),
            _MAPPING,
            _DIMENSIONS,
        ),
    ),
    finish=_batch_conversations,
)
