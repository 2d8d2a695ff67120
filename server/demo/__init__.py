"""The demo projects' data: real traces, packed, each folder with SOURCE.md and licences."""

from pathlib import Path

_HERE = Path(__file__).parent

MISGUIDED_ATTENTION = _HERE / "misguided_attention"
FINISHED_EXAMPLE = _HERE / "finished_example"
MANY_MODELS = _HERE / "many_models"

TRACES = MISGUIDED_ATTENTION / "traces.jsonl.zst"
