"""The notebook counts the same reports in the wards of that day and of today, and maps both."""

import html
import json
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from reformed import OLD_WARDS, TODAYS_WARDS, reform

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "wards_then_and_today.ipynb"


def executed(url, monkeypatch):
    """The notebook with its outputs, run in a kernel of its own."""
    monkeypatch.setenv("PINWARD_DATABASE_URL", url)
    monkeypatch.setenv("PINWARD_YEAR", "2024")
    # No tile server and no CDN may be needed to run it.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3")
    return client.execute(cwd=str(NOTEBOOK.parent))


def table_of(notebook, source):
    """The rows of the table that the cell of this source shows, as text, by column."""
    (cell,) = [cell for cell in notebook.cells if cell.source.endswith(source)]
    (data,) = [o.data["text/html"] for o in cell.outputs if "text/html" in o.get("data", {})]
    rows = re.findall(r"<tr.*?>(.*?)</tr>", data, re.DOTALL)
    cells = [re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row, re.DOTALL) for row in rows]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]


def layers_of(notebook):
    """Received by name of ward, by the layer's name in the switch."""
    cell = notebook.cells[-1]
    (shown,) = [o.data["text/html"] for o in cell.outputs if "text/html" in o.get("data", {})]
    (frame,) = re.findall(r'srcdoc="(.*?)"', shown, re.DOTALL)
    page = html.unescape(frame)
    features = {
        variable: json.loads(text)["features"]
        for variable, text in re.findall(r"(geo_json_\w+)_add\((\{.*?\})\);", page, re.DOTALL)
    }
    (choices,) = re.findall(r"base_layers\s*:\s*\{(.*?)\}", page, re.DOTALL)
    return {
        json.loads(f'"{name}"'): {
            each["properties"]["name"]: each["properties"]["received"]
            for each in features[variable]
        }
        for name, variable in re.findall(r'"(.*?)"\s*:\s*(\w+)', choices)
    }


@pytest.fixture
def told(city_url, tmp_path, monkeypatch):
    reform(city_url, tmp_path)
    return executed(city_url, monkeypatch)


def by_code(rows):
    return sorted(
        ((row["mã · code"] or None, int(row["đã nhận · received"])) for row in rows),
        key=lambda row: (row[0] is None, row),
    )


def test_both_tables_and_both_layers_hold_every_report_once(told):
    assert by_code(table_of(told, "table(then)")) == OLD_WARDS
    assert by_code(table_of(told, "table(now)")) == TODAYS_WARDS
    (received,) = [row for row in table_of(told, "sums") if row[""] == "received"]
    assert received == {"": "received", "ngày ấy · then": "21", "hiện nay · today": "21"}
    then, today = layers_of(told).items()
    assert then == (
        "2024: phường ngày ấy · wards then",
        {"Bến Thử": 5, "Chợ Nhỏ": 7, "Đa Mẫu": 2, "Tân Mẫu": 6, "Thạnh Mẫu": 0, "Vĩnh Thử": 0},
    )
    assert today == (
        "phường hiện nay · wards today",
        {"Tân Hợp": 8, "Đa Mẫu": 6, "Tân Mẫu": 6, "Thạnh Mẫu": 0, "Vĩnh Thử": 0},
    )
    printed = "".join(o.get("text", "") for o in told.cells[-1].outputs)
    assert printed.count("1 phản ánh không có trên lớp này") == 2


def test_it_runs_on_a_database_without_wards_and_reports(url, monkeypatch):
    notebook = executed(url, monkeypatch)
    assert "0 phường" in notebook.cells[-1].outputs[0]["text"]


def test_it_is_kept_without_outputs():
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
