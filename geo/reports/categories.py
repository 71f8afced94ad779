"""What reports are about: the tree of Ho Chi Minh City's hotline, kept as data.

`categories.json` beside this file holds families with their children, names in Vietnamese and
English. A child without `deadlines` or `visibility` has its family's. Deadlines are calendar time:
the hotline's regulation of September 2025 promises a result within 10 days; what endangers people
is due within one or two, and first replies within hours (our own choice, not law).
"""

import difflib
import json
from collections.abc import Iterable
from importlib import resources
from typing import Any

from geo.store import categories as store
from geo.store.database import AsyncConnection


def shipped() -> list[dict[str, Any]]:
    """The tree as flat rows of the table, each parent before its children."""
    packed = resources.files("geo.reports").joinpath("categories.json").read_text("utf-8")
    rows = []
    for place, family in enumerate(json.loads(packed)):
        parent = _row(family, icon=family["code"], position=place * 100)
        rows.append(parent)
        for step, child in enumerate(family["children"], start=1):
            inherited = {"deadlines": parent["deadlines"], "visibility": parent["visibility"]}
            rows.append(
                _row(
                    {**inherited, **child},
                    parent_code=family["code"],
                    icon=family["code"],
                    position=place * 100 + step,
                )
            )
    return rows


def _row(entry: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "code": entry["code"],
        "parent_code": None,
        "name_vi": entry["name"]["vi"],
        "name_en": entry["name"]["en"],
        "questions": entry.get("questions", []),
        "deadlines": entry["deadlines"],
        "visibility": entry.get("visibility", "public"),
        **more,
    }


async def sync(conn: AsyncConnection) -> None:
    """Bring the table to this version's tree; categories made elsewhere stay as they are."""
    await store.upsert(conn, shipped())


async def tree(conn: AsyncConnection) -> list[dict[str, Any]]:
    """The categories offered to citizens, nested: `{code, name, icon, …, children}`."""
    nodes: dict[str, dict[str, Any]] = {}
    roots: list[dict[str, Any]] = []
    rows = await store.every(conn, offered_only=True)
    for row in rows:
        nodes[row["code"]] = {
            "code": row["code"],
            "name": {"vi": row["name_vi"], "en": row["name_en"]},
            "icon": row["icon"],
            "visibility": row["visibility"],
            "questions": row["questions"],
            "deadlines": row["deadlines"],
            "children": [],
        }
    for row in rows:
        parent = nodes.get(row["parent_code"] or "")
        # A child of a family no longer offered stands on its own rather than vanish.
        (parent["children"] if parent else roots).append(nodes[row["code"]])
    return roots


def nearest(code: str, known: Iterable[str], n: int = 3) -> list[str]:
    """The known codes most like a mistyped one, best first; empty when none is."""
    known = list(known)
    # "pothole" for "traffic.pothole": people leave the family out.
    last_parts = [each for each in known if each.rsplit(".", 1)[-1] == code.rsplit(".", 1)[-1]]
    close = difflib.get_close_matches(code, known, n=n, cutoff=0.55)
    return list(dict.fromkeys(last_parts + close))[:n]
