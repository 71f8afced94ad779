"""`pinward statistics verify` tells wrong sums from right ones, and `rebuild` mends them."""

import json

import psycopg
import pytest
from serviced import Serviced


@pytest.fixture
def kept(city_url, pinward):
    """A city whose sums were made, and with reports that no sum has heard of yet."""
    world = Serviced(city_url, 9)
    world.insert(50)
    built = pinward("statistics", "rebuild", "--json", url=city_url)
    assert built.returncode == 0, built.stderr
    told = json.loads(built.stdout)
    seen = world.db.execute(
        "SELECT count(*) FROM reports JOIN categories AS c ON c.code = category_code"
        " WHERE visibility <> 'hidden' AND withheld IS NULL"
    ).fetchone()
    assert told.keys() == {"reports", "took_s"}
    assert told["reports"] == seen[0]
    world.insert(10)
    world.db.close()
    return city_url


def test_sums_that_are_right_are_said_to_be(kept, pinward):
    done = pinward("statistics", "verify", url=kept)
    assert (done.returncode, done.stderr) == (0, "")
    assert "equal" in done.stdout
    found = json.loads(pinward("statistics", "verify", "--json", url=kept).stdout)
    assert (found["equal"], found["usable"], found["examples"]) == (True, True, [])
    assert min(found["reports"], found["cells"], found["days"]) > 0


@pytest.mark.parametrize("table", ["statistics_cells", "statistics_days"])
def test_wrong_sums_are_found_named_and_mended(kept, pinward, table):
    with psycopg.connect(kept) as db:
        db.execute(f"DELETE FROM {table} WHERE ctid = (SELECT ctid FROM {table} LIMIT 1)")
    done = pinward("statistics", "verify", "--json", url=kept)
    found = json.loads(done.stdout)
    assert (done.returncode, found["equal"], found["missing"]) == (1, False, 1)
    [example] = found["examples"]
    assert example.startswith("missing: ")
    said = pinward("statistics", "verify", url=kept)
    assert said.returncode == 1
    assert "1 missing, 0 of nothing, 0 wrong; `pinward statistics rebuild` mends it" in said.stderr
    assert example in said.stderr
    done = pinward("statistics", "rebuild", url=kept)
    assert done.returncode == 0
    assert "counted" in done.stdout
    assert pinward("statistics", "verify", url=kept).returncode == 0


def test_where_there_are_no_sums_it_says_who_makes_them(kept, pinward):
    other = {"PINWARD_TIMEZONE": "Europe/Lisbon"}
    done = pinward("statistics", "verify", url=kept, **other)
    assert done.returncode == 1
    assert "there are no sums for the city's clock" in done.stderr
    found = json.loads(pinward("statistics", "verify", "--json", url=kept, **other).stdout)
    assert (found["equal"], found["usable"]) == (False, False)
