"""What `benchmarks/duplicates.py` prints: the service's own scores; figures that can be wrong."""

import importlib
from pathlib import Path

import pytest

from geo.reports.duplicates.similar import OFFERED_FROM, WEIGHTS

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def bench():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module("duplicates")


def test_planted_repetitions_are_found_and_more_is_asked_the_lower_the_threshold(bench, url):
    """`evaluate` itself compares each score with that of the database."""
    questions = bench.evaluate(url, "demo", bench.demo(1200))
    recall, precision, vain = bench.judged(questions, dict(WEIGHTS), OFFERED_FROM)
    assert recall > 0.5
    assert precision > 0.1
    assert vain < 0.3
    low = bench.judged(questions, dict(WEIGHTS), 0.3)
    assert low[0] > recall or low[2] > vain
    assert bench.judged(questions, dict(WEIGHTS), 1.01) == (0, 0, 0)


@pytest.mark.shared_data
def test_bostons_notes_name_reports_that_are_the_same(bench):
    path = Path(__file__).resolve().parents[3] / "shared/data/boston_311_2015.csv.gz"
    if not path.exists():
        pytest.skip("needs ../shared/data")
    noted, planted = bench.boston(path, 4500, 0.08)
    asked = [one for one in noted if one.asked]
    assert len({one.group for one in asked}) < len(asked)
    assert len(planted) > len(noted)
