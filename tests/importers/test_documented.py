"""Every format stands in docs/importing.md, with the example that the tests read."""

from pathlib import Path

import pytest

from server.importers.registry import importers
from server.importers.values import TRACE_FIELDS

DOCUMENT = (Path(__file__).parents[2] / "docs" / "importing.md").read_text()


@pytest.mark.parametrize("name", importers())
def test_a_format_is_documented_with_its_example(name):
    assert f"### {importers()[name].title} (`{name}`)" in DOCUMENT
    assert importers()[name].example.strip() in DOCUMENT


@pytest.mark.parametrize("field", TRACE_FIELDS)
def test_a_field_one_can_map_is_documented(field):
    assert f"`{field}`" in DOCUMENT
