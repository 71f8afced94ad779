"""Counts by ward, category and month: of the wards of that day and of today's, the same reports."""

import csv
import io
from datetime import date

import psycopg
import pytest
from conftest import serving
from drawn import put_reports
from reformed import JUNE, OLD_WARDS, TODAYS_WARDS, YEAR, reform

from builders import middle
from geo.reports.measures import MEASURES

PATH = "/api/v1/statistics"
FLOODING = {**YEAR, "category": "drainage.flooding"}


@pytest.fixture(scope="module")
def asked(clone, city_template, tmp_path_factory):
    """The service on a city after a reform."""
    folder = tmp_path_factory.mktemp("statistics")
    url = clone(city_template)
    reform(url, folder)
    with serving(url, folder) as made:
        yield made


def ask(asked, **query):
    answer = asked.http.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def by_ward(answer):
    return [(row["ward"] and row["ward"]["code"], row["received"]) for row in answer["rows"]]


def test_a_year_before_the_reform_is_counted_in_its_own_wards_and_in_todays(asked):
    then, today = (ask(asked, **FLOODING, wards=wards) for wards in ("then", "today"))
    assert by_ward(then) == OLD_WARDS
    assert by_ward(today) == TODAYS_WARDS
    assert then["total"] == today["total"]
    assert [then["total"][name] for name in ("received", "open", "closed")] == [21, 3, 18]
    for answer in (then, today):
        for name in ("received", "open", "closed"):
            assert sum(row[name] for row in answer["rows"]) == answer["total"][name]
        assert sum(row["share"] for row in answer["rows"]) == pytest.approx(1, abs=1e-5)
    assert then["rows"][0]["share"] == round(5 / 21, 6)


def test_a_ward_row_says_which_version_of_its_code_it_is(asked):
    then, today = (ask(asked, **FLOODING, wards=wards)["rows"] for wards in ("then", "today"))
    assert then[1]["ward"] == {
        "code": "90002",
        "name": "Chợ Nhỏ",
        "kind": "ward",
        "valid_from": "2020-01-01",
        "valid_to": "2025-07-01",
        "set": "small-city",
    }
    assert today[0]["ward"] == {
        "code": "90002",
        "name": "Tân Hợp",
        "kind": "ward",
        "valid_from": "2025-07-01",
        "valid_to": None,
        "set": "reform",
    }


def test_versions_of_a_code_are_rows_of_their_own_in_the_order_of_their_days(asked):
    since = {**FLOODING, "until": "2026-01-01T00:00:00Z"}
    rows = ask(asked, **since)["rows"]
    assert [(row["ward"]["name"], row["received"]) for row in rows[:3]] == [
        ("Bến Thử", 5),
        ("Chợ Nhỏ", 7),
        ("Tân Hợp", 2),
    ]
    assert by_ward(ask(asked, **since, wards="today"))[0] == ("90002", 10)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        # the code's ward of today did not exist then
        ({"ward": "90002"}, []),
        ({"ward": "90002", "on": "2024-06-01"}, [("90002", 7)]),
        ({"ward": "90002", "wards": "today"}, [("90002", 8)]),
        ({"ward": "90002", "wards": "today", "on": "2024-06-01"}, []),
        # the same ward before and after it grew
        ({"ward": "90003"}, [("90003", 2)]),
        ({"ward": "90003", "wards": "today", "on": "2024-06-01"}, [("90003", 6)]),
        ({"ward": "90003,90004", "wards": "today"}, [("90003", 6), ("90004", 6)]),
        ({"ward": "nowhere"}, []),
        ({"status": "resolved,closed", "ward": "90003,90004"}, [("90003", 2), ("90004", 1)]),
        ({"kind": "suggestion"}, []),
        ({"until": "2024-06-01T00:00:00+07:00"}, [("90004", 2)]),
        ({"category": "drainage", "ward": "90001", "on": "2024-06-01"}, [("90001", 8)]),
        ({"category": "nonsense"}, []),
    ],
)
def test_filters_select_exactly(asked, query, found):
    answer = ask(asked, **{**FLOODING, **query})
    assert by_ward(answer) == found
    assert answer["total"]["received"] == sum(n for _, n in found)


def test_months_are_the_citys(asked):
    rows = ask(asked, **FLOODING, by="month")["rows"]
    assert [(row["month"], row["received"]) for row in rows] == [("2024-05", 2), ("2024-06", 19)]
    assert ask(asked, by="month")["timezone"] == "Asia/Ho_Chi_Minh"


@pytest.mark.parametrize("wards", ["then", "today"])
def test_two_members_cross_and_sum_to_the_same(asked, wards):
    answer = ask(asked, **YEAR, by="ward,category", wards=wards)
    assert answer["total"]["received"] == 24
    pairs = [(row["ward"] and row["ward"]["code"], row["category"]["code"]) for row in
             answer["rows"]]  # fmt: skip
    assert len(set(pairs)) == len(pairs)
    first = "90001" if wards == "then" else "90002"
    assert pairs[:2] == [(first, "drainage.flooding"), (first, "drainage.blocked_drain")]
    turned = ask(asked, **YEAR, by="category,ward", wards=wards)
    assert [row["category"]["code"] for row in turned["rows"]].count("drainage.blocked_drain") == 1
    assert turned["rows"][-1]["category"]["code"] == "drainage.blocked_drain"


def test_hidden_categories_are_never_counted(asked):
    assert ask(asked, by="category", category="order.drugs")["total"]["received"] == 0
    assert ask(asked, by="category", category="order")["rows"] == []
    codes = {row["category"]["code"] for row in ask(asked, by="category")["rows"]}
    assert codes == {"drainage.flooding", "drainage.blocked_drain"}


def test_what_each_number_means_is_said_in_both_languages(asked):
    said = ask(asked)["definitions"]
    assert set(said) == {*MEASURES, "wards"}
    assert set(ask(asked)["rows"][0]) == {*MEASURES, "ward"}
    assert all(each["vi"] and each["en"] for each in said.values())
    assert said["wards"] != ask(asked, wards="today")["definitions"]["wards"]


def test_as_csv_it_is_the_same_table(asked):
    answer = asked.http.get(
        PATH, params={**FLOODING, "by": "ward,month"}, headers={"Accept": "text/csv"}
    )
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert "Accept" in answer.headers["vary"]
    assert not answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))
    assert rows[0] == {
        "ward": "90001",
        "ward_name": "Bến Thử",
        "ward_kind": "ward",
        "ward_valid_from": "2020-01-01",
        "ward_valid_to": "2025-07-01",
        "ward_set": "small-city",
        "month": "2024-06",
        "received": "5",
        "open": "0",
        "closed": "5",
        "share": "0.238095",
        "answered": "0",
        **dict.fromkeys(("reply_due", "due", "ratings"), "0"),
        **dict.fromkeys(("reply_on_time", "on_time", "satisfaction"), ""),
        **dict.fromkeys(("reply_median_h", "reply_p90_h"), ""),
        **dict.fromkeys(("result_median_h", "result_p90_h"), ""),
        "finished": "5",
        "reopened": "0.0",
    }
    assert sum(int(row["received"]) for row in rows) == 21
    assert rows[-1]["ward"] == ""


def test_a_name_that_is_a_formula_stays_text(clone, city_template, tmp_path):
    url = clone(city_template)
    with psycopg.connect(url) as db:
        (ward_id,) = db.execute(
            "UPDATE wards SET name = %s WHERE code = '90001' RETURNING id", ("=1+1",)
        ).fetchone()
    put_reports(url, [middle(0)], ward_id=ward_id)
    with serving(url, tmp_path) as made:
        answer = made.http.get(PATH, headers={"Accept": "text/csv"})
        assert "90001,'=1+1,ward," in answer.text
        # JSON is no spreadsheet.
        assert made.http.get(PATH).json()["rows"][0]["ward"]["name"] == "=1+1"


def test_who_has_the_answer_is_not_sent_it_again(asked):
    first = asked.http.get(PATH, params=FLOODING)
    again = asked.http.get(PATH, params=FLOODING, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    table = asked.http.get(PATH, params=FLOODING, headers={"Accept": "text/csv"})
    assert table.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ({"by": "wards"}, "by", "one or two of ward, organisation, category"),
        ({"by": "ward,ward"}, "by", "each once"),
        ({"by": "ward,category,month"}, "by", "one or two"),
        ({"wards": "yesterday"}, "wards", "then"),
        ({"categories": "drainage"}, "categories", "not permitted"),
        ({"since": "2024"}, "since", "zone"),
        ({"status": "done"}, "status", "there is no status 'done'"),
    ],
)
def test_what_is_misspelt_is_refused_by_name(asked, query, field, said):
    answer = asked.http.get(PATH, params=query)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"] == field
    assert said in error["message"]


def test_a_report_moved_twice_is_in_the_ward_before_the_first_move(clone, city_template, tmp_path):
    url = clone(city_template)
    with psycopg.connect(url) as db:
        ids = [row[0] for row in db.execute("SELECT id FROM wards ORDER BY code")]
    [code] = put_reports(url, [middle(2)], ward_id=ids[2], created_at=JUNE)
    with psycopg.connect(url) as db:
        # The second to be planned was the first to be done.
        for old, new, begun in ((1, 2, date(2026, 1, 1)), (0, 1, date(2025, 1, 1))):
            db.execute(
                "WITH made AS (INSERT INTO ward_sets (name, city, source, valid_from)"
                " VALUES (%(name)s, 'Thử', 'x', %(begun)s) RETURNING id), done AS ("
                " INSERT INTO reforms (set_id, state, in_force_on, begun_at)"
                " SELECT id, 'applied', %(begun)s, %(begun)s FROM made RETURNING id)"
                " INSERT INTO reform_moves (reform_id, report_id, old_ward_id, old_ambiguous_with,"
                " old_reasons, old_status, new_ward_id, new_status)"
                " SELECT done.id, reports.id, %(old)s, '{}', '[]', 'received', %(new)s, 'received'"
                " FROM done, reports WHERE code = %(code)s",
                {
                    "name": str(begun),
                    "begun": begun,
                    "old": ids[old],
                    "new": ids[new],
                    "code": code,
                },
            )
    with serving(url, tmp_path) as made:
        assert by_ward(ask(made)) == [("90001", 1)]
        assert by_ward(ask(made, wards="today")) == [("90003", 1)]
        assert by_ward(ask(made, ward="90001")) == [("90001", 1)]
        assert by_ward(ask(made, ward="90003")) == []
