"""Parquet files of traces, as somebody has them who has no project."""

import random
from pathlib import Path

import pandas as pd

_WORDS = ("red", "green", "blue", "left", "right", "up", "down", "so", "wait", "then")


def traces_table(path: Path, *, traces: int, row_group: int, words: int = 120) -> pd.DataFrame:
    """Write traces of two models on a few tasks, every ninth of them in a loop."""
    rng = random.Random(7)
    rows = [
        {
            "trace_id": f"t{n}",
            "model": f"model {n % 2}",
            "task": f"task {n % 3}",
            "passed": n % 9 != 0,
            "completion_tokens": 200 + n,
            "question": f"How many are {n % 20}?",
            "answer": "Once more. " * 60 if n % 9 == 0 else " ".join(rng.choices(_WORDS, k=words)),
        }
        for n in range(traces)
    ]
    frame = pd.DataFrame(rows)
    frame.to_parquet(path, row_group_size=row_group)
    return frame


def untold(done: int, total: int | None, text: str) -> None:
    """Nobody is told how far it is."""
