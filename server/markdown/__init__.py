"""Trace text on the screen: every visible character knows its place in the stored text.

Texts are hostile. Prose goes through markdown-it-py without HTML, through a writer that knows
fewer than twenty tags, and through nh3. Links stay text: their address is shown, nothing can be
clicked or fetched.
"""

from server.markdown.json_tree import JsonKind, JsonNode, parse_json
from server.markdown.prose import to_html
from server.markdown.runs import Mark, Run, Runs

__all__ = ["JsonKind", "JsonNode", "Mark", "Run", "Runs", "parse_json", "to_html"]
