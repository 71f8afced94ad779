"""The category tree as it is offered, and as it comes from the file."""

import psycopg
import pytest
from sqlalchemy import text

import builders
from geo.reports import categories


def test_the_category_tree_has_all_families_with_children_in_both_languages(service):
    answer = service.http.get("/api/v1/categories")
    tree = answer.json()["categories"]
    assert [family["code"] for family in tree] == [
        *("traffic", "lighting", "drainage", "power", "telecom", "trees", "water", "waste"),
        *("noise", "construction", "street", "bus", "environment", "health", "order", "other"),
    ]
    for family in tree:
        assert 2 <= len(family["children"]) <= 7
        for node in (family, *family["children"]):
            assert node["name"]["vi"]
            assert node["name"]["en"]
            assert node["icon"] == family["code"]
            assert node["deadlines"]["resolve_days"] <= 10
            assert node["deadlines"]["first_reply_h"] <= 24
    again = service.http.get(
        "/api/v1/categories", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304


def test_a_category_taken_off_the_offer_leaves_the_tree_and_its_children_stay(service):
    def offered(code, value):
        with psycopg.connect(service.url) as conn:
            conn.execute("UPDATE categories SET offered = %s WHERE code = %s", (value, code))

    offered("bus", False)
    offered("water.leak", False)
    try:
        tree = service.http.get("/api/v1/categories").json()["categories"]
    finally:
        offered("bus", True)
        offered("water.leak", True)
    roots = [node["code"] for node in tree]
    assert "bus" not in roots
    assert "bus.late" in roots
    water = next(node for node in tree if node["code"] == "water")
    assert "water.leak" not in [node["code"] for node in water["children"]]


@pytest.mark.anyio
async def test_syncing_again_mends_names_and_leaves_the_citys_choices_alone(conn):
    await conn.execute(text("UPDATE categories SET name_vi = 'x' WHERE code = 'noise'"))
    await conn.execute(text("UPDATE categories SET offered = false WHERE code = 'noise.factory'"))
    await conn.execute(
        text("INSERT INTO categories (code, name_vi, name_en, icon) VALUES ('own', 'a', 'b', 'c')")
    )
    await categories.sync(conn)
    found = await conn.execute(text("SELECT code, name_vi, offered FROM categories ORDER BY code"))
    rows = {row.code: row for row in found}
    assert rows["noise"].name_vi == "Tiếng ồn"
    assert rows["noise.factory"].offered is False
    assert rows["own"].name_vi == "a"
    assert len(rows) == len(categories.shipped()) + 1


def test_pinward_db_upgrade_brings_the_tree(cluster, pinward):
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE upgraded")
    done = pinward("db", "upgrade", url=cluster.url("upgraded"))
    assert done.returncode == 0, done.stderr
    with psycopg.connect(cluster.url("upgraded")) as conn:
        [n] = conn.execute("SELECT count(*) FROM categories WHERE offered").fetchone()
    assert n == len(categories.shipped())


def test_codes_of_the_tree_are_unique_and_belong_to_their_family():
    rows = categories.shipped()
    codes = [row["code"] for row in rows]
    assert len(set(codes)) == len(codes)
    for row in rows:
        family, _, child = row["code"].partition(".")
        assert row["parent_code"] == (family if child else None)
        for question in row["questions"]:
            assert question["type"] in ("text", "singlevaluelist", "number")
            assert bool(question.get("values")) == (question["type"] == "singlevaluelist")


def test_sensitive_categories_are_not_shown_exactly():
    shown = {row["code"]: row["visibility"] for row in categories.shipped()}
    order = {code: seen for code, seen in shown.items() if code.startswith("order")}
    assert "public" not in order.values()
    assert shown["order.drugs"] == shown["order.violence"] == "hidden"
    assert shown[builders.a_report()["category"]] == "public"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("traffic.potholes", "traffic.pothole"),
        ("pothole", "traffic.pothole"),
        ("drainage.floding", "drainage.flooding"),
        ("lamp_out", "lighting.lamp_out"),
    ],
)
def test_a_mistyped_code_finds_the_one_that_was_meant(typed, meant):
    codes = [row["code"] for row in categories.shipped()]
    assert categories.nearest(typed, codes)[0] == meant
    assert categories.nearest("zzzzzz", codes) == []
