"""What the pyramid takes: disk against the reports themselves, and the time to build it anew."""

from typing import Any

import psycopg
from city import City

TABLES = ("pyramid_nodes", "pyramid_counts", "pyramid_state", "changes")


def measure(place: City) -> list[dict[str, Any]]:
    with psycopg.connect(place.url, autocommit=True) as db:
        sizes = {table: _bytes(db, table) for table in (*TABLES, "reports")}
        heap = _bytes(db, "reports", "pg_table_size")
        (rows,) = db.execute("SELECT count(*) FROM pyramid_counts").fetchone() or (0,)
    mine, theirs = sum(sizes[table] for table in TABLES), sizes["reports"]
    what = f"pyramid of {place.rows:,} reports"
    found: list[dict[str, Any]] = [
        {
            "what": f"{what}: disk",
            "against": "the reports with their indexes",
            "ours_bytes": mine,
            "theirs_bytes": theirs,
            "ratio": theirs / mine,
            "aim": "≥ 2",
            "note": f"{mine / theirs:.1%} of the table with its indexes, {mine / heap:.1%} of the "
            f"table alone; {rows:,} rows of counts; "
            + ", ".join(f"{table} {sizes[table] / 1e6:,.0f} MB" for table in TABLES),
        },
    ]
    if place.built_s:
        found.append(
            {
                "what": f"{what}: built anew",
                "against": "-",
                "ours_s": place.built_s,
                "theirs_s": None,
                "ratio": None,
                "aim": "-",
                "note": f"{place.rows / place.built_s:,.0f} reports a second",
            }
        )
    return found


def _bytes(db: psycopg.Connection[Any], table: str, how: str = "pg_total_relation_size") -> int:
    (found,) = db.execute(f"SELECT {how}('{table}')").fetchone() or (0,)
    return int(found)
