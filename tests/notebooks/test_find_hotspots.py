"""The notebook tells the planner's story on a database with trouble in it, and on an empty one."""

import html
import re
from pathlib import Path

import nbformat
import pytest
from conftest import command
from nbclient import NotebookClient
from planted import AS_OF, put_life, put_trouble

from builders import middle

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "find_hotspots.ipynb"


def executed(url, monkeypatch):
    monkeypatch.setenv("PINWARD_DATABASE_URL", url)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=180, kernel_name="python3")
    return client.execute(cwd=str(NOTEBOOK.parent))


def table_of(notebook, heading):
    """The rows of the table below a heading, as text."""
    cells = notebook.cells
    start = next(i for i, cell in enumerate(cells) if heading in cell.source)
    shown = next(cell for cell in cells[start:] if cell.get("outputs"))
    data = [
        output.data["text/html"] for output in shown.outputs if "text/html" in output.get("data", {})
    ]
    found = re.findall(r"<tr.*?>(.*?)</tr>", data[0], re.DOTALL)
    rows = [re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row, re.DOTALL) for row in found]
    return [[html.unescape(cell) for cell in row] for row in rows[1:]]


@pytest.fixture
def told(city_url, tmp_path, monkeypatch):
    put_life(city_url)
    put_trouble(city_url, *middle(0))
    put_trouble(city_url, *middle(4), n=25, radius_m=350, days=(0, 5))
    done = command(tmp_path)("hotspots", "run", "--as-of", str(AS_OF), url=city_url)
    assert done.returncode == 0, done.stderr
    return executed(city_url, monkeypatch)


def test_it_goes_from_the_data_to_the_decision(told):
    (people,) = [row for row in table_of(told, "One broken lamp") if row[0] == "Flooding"]
    assert int(people[1]) >= int(people[2]) > 0
    chance = table_of(told, "Why a map of clusters")
    assert len(chance) == 6
    assert int(chance[0][3]) >= 1
    # Dealt out anew there is nothing to find; one run in twenty may err.
    assert sum(int(row[3]) for row in chance[1:]) <= 1
    hotspots = table_of(told, "What the test says")
    assert len(hotspots) == int(chance[0][3])
    (known,) = [row for row in table_of(told, "What is remembered") if "trong vòng" in row[6]][:1]
    assert re.fullmatch(r"H-[0-9A-Z]{4}-[0-9A-Z]{4}", known[1])
    (began,) = table_of(told, "Did something begin")
    assert began[2] == "square"
    decision = table_of(told, "The decision")
    assert len(decision) == len(hotspots)
    (output,) = told.cells[-1].outputs
    page = html.unescape(output.data["text/html"])
    for layer in ("wards", "short list", "began lately"):
        assert f'"{layer}"' in page


def test_it_runs_on_a_city_without_reports(city_url, monkeypatch):
    notebook = executed(city_url, monkeypatch)
    assert table_of(notebook, "The decision") == []


def test_it_is_kept_without_outputs():
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
