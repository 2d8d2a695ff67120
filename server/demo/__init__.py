"""The demo's data: real traces, packed. Where they come from: SOURCE.md; licence: LICENSE.txt."""

from pathlib import Path

TRACES = Path(__file__).with_name("traces.jsonl.zst")
