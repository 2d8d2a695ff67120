"""What leaves as a file: no formula in tables, no line break in headers, no name outside."""

import csv
import io
import zipfile
from urllib.parse import quote

import pytest
from openpyxl import load_workbook

from server.exporters.csv_table import FORMULA
from tests.attack.conftest import Attacked
from tests.attack.hostile_project import SLUG

TABLES = (
    "exports/csv",
    "agreement/csv",
    "prevalence/csv",
    "regression/csv",
    "saturation/csv",
    "lenses/hazard/files/csv?facet_by=model_family",
    "lenses/surface/files/csv?group_by=model&facet_by=task",
    "lenses/compression/files/csv",
    "cold-start/export/csv",
    "judges/1/csv",
)


def neutral(cell: object) -> bool:
    """Whether no spreadsheet takes a cell for a formula; numbers are none."""
    text = str(cell)
    if not text.startswith(FORMULA):
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("path", TABLES)
def test_no_cell_of_a_table_is_a_formula(attacked: Attacked, path: str) -> None:
    answer = attacked.client.get(f"/projects/{SLUG}/{path}")
    assert answer.status_code == 200, answer.text[-500:]
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert [cell for row in rows for cell in row if not neutral(cell)] == []


def test_no_cell_and_no_sheet_of_a_workbook_is_a_formula(attacked: Attacked) -> None:
    answer = attacked.client.get(f"/projects/{SLUG}/exports/xlsx")
    assert answer.status_code == 200
    book = load_workbook(io.BytesIO(answer.content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert len(cells) > 100
    assert [cell.value for cell in cells if cell.data_type == "f"] == []
    # What is marked by a quote prefix is text to every spreadsheet, as it stands.
    assert [c.value for c in cells if not neutral(c.value) and not c.quotePrefix] == []
    assert all(neutral(name) for name in book.sheetnames)
    assert [cell.hyperlink.target for cell in cells if cell.hyperlink] == []
    with zipfile.ZipFile(io.BytesIO(answer.content)) as parts:
        assert not [name for name in parts.namelist() if "externalLink" in name]


@pytest.mark.parametrize("path", ["exports/csv", "report/html", "lenses/hazard/files/csv"])
def test_a_download_is_named_in_one_plain_line(attacked: Attacked, path: str) -> None:
    named = attacked.client.get(f"/projects/{SLUG}/{path}").headers["content-disposition"]
    assert named.isascii()
    assert named.startswith("attachment; filename=")
    assert named.count('"') == 2
    assert not set("\r\n/\\;<>") & set(named.partition("=")[2])


@pytest.mark.parametrize(
    "path",
    [
        "..%2fpyproject.toml",
        "%2e%2e/%2e%2e/etc/passwd",
        "..%5c..%5cpyproject.toml",
        "css/..%2f..%2ftemplates/base.html",
        "%2fetc%2fpasswd",
        "css/base.css%00.png",
    ],
)
def test_static_files_end_at_their_folder(attacked: Attacked, path: str) -> None:
    assert attacked.client.get(f"/static/{path}").status_code in (400, 404)


@pytest.mark.parametrize("digest", ["..%2f..%2ffaultbook.sqlite", "%2fetc%2fpasswd", "a" * 64])
def test_attached_files_are_named_by_nothing_but_a_digest_that_is_kept(
    attacked: Attacked, digest: str
) -> None:
    answer = attacked.client.get(f"/projects/{SLUG}/read/1/attachments/{digest}")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "slug", ["..", "%2e%2e", "hostile%2f..", quote("hostile\r\nX: y", safe="")]
)
def test_a_project_is_found_by_its_own_slug_alone(attacked: Attacked, slug: str) -> None:
    answer = attacked.client.get(f"/projects/{slug}/traces")
    assert answer.status_code == 404
    assert "x" not in answer.headers
