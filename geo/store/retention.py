"""Which reports were kept long enough, by rules that are rows of a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from geo.store.database import AnyRow, AsyncConnection, load_sql
from geo.store.tables import retention_rules as table

ALL_OTHERS: Final = "*"
"""The rule of categories that neither they nor their family have one for."""

ENDED: Final = (
    "r.status IN ('closed', 'rejected', 'duplicate', 'withdrawn') "
    "AND coalesce(r.closed_at, r.updated_at) < rule.before"
)
"""Of a report `r` and a row `rule`: nobody works on it any more, since before the rule's time."""

RULES: Final = (
    "unnest(CAST(:codes AS text[]), CAST(:before AS timestamptz[])) AS rule (code, before)"
)

# What came from another system is that one's to keep or to drop; what is open is worked on. The
# first condition on the time is the index's, which knows no categories.
_CONTENT = f"""
FROM reports AS r
JOIN {RULES} ON rule.code = r.category_code
WHERE
    r.source IS NULL
    AND r.content_gone_at IS NULL
    AND coalesce(r.closed_at, r.updated_at) < CAST(:last AS timestamptz)
    AND {ENDED}
"""
_LOCKED = """
    AND (coalesce(r.closed_at, r.updated_at), r.id)
        > (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid))
ORDER BY coalesce(r.closed_at, r.updated_at), r.id
LIMIT :most
FOR UPDATE OF r
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """Categories, and for each the time before which what ended was kept long enough."""

    codes: list[str]
    before: list[datetime]

    def values(self) -> dict[str, object]:
        """As parameters of the statements here."""
        return {"codes": self.codes, "before": self.before, "last": max(self.before)}


async def resolved(conn: AsyncConnection, now: datetime) -> list[AnyRow]:
    """Each category's rule: `code, contact_months, content_months`, and the times before which
    what ended is due now, `contacts_before, content_before` (None: never)."""
    found = await conn.execute(load_sql("geo.store", "retention_resolved"), {"now": now})
    return list(found.all())


async def count_content(conn: AsyncConnection, limits: Limits) -> dict[str, int]:
    """How many reports of each category have text and photos that are due."""
    statement = text(f"SELECT r.category_code, count(*) {_CONTENT} GROUP BY 1")
    return {row[0]: row[1] for row in await conn.execute(statement, limits.values())}


async def due_content(
    conn: AsyncConnection, limits: Limits, after: tuple[datetime, UUID], most: int
) -> list[AnyRow]:
    """Up to `most` from `after` on, `id, category_code, ended_at`, by their end; locked."""
    statement = text(
        "SELECT r.id, r.category_code, coalesce(r.closed_at, r.updated_at) AS ended_at "
        f"{_CONTENT} {_LOCKED}"
    )
    place = {"after_at": after[0], "after_id": after[1], "most": most}
    return list((await conn.execute(statement, {**limits.values(), **place})).all())


async def count_keys(conn: AsyncConnection, before: datetime) -> int:
    """How many Idempotency-Keys are older."""
    statement = text("SELECT count(*) FROM idempotency_keys WHERE created_at < :before")
    return int((await conn.execute(statement, {"before": before})).scalar_one())


async def forget_keys(conn: AsyncConnection, before: datetime, most: int) -> int:
    """Forget up to `most` of those; how many. So also what crews sent, of which there is little."""
    await conn.execute(text("DELETE FROM task_actions WHERE sent_at < :before"), {"before": before})
    statement = text(
        "DELETE FROM idempotency_keys WHERE key_hash = ANY(ARRAY(SELECT key_hash FROM "
        "idempotency_keys WHERE created_at < :before ORDER BY created_at LIMIT :most))"
    )
    return (await conn.execute(statement, {"before": before, "most": most})).rowcount


async def every_rule(conn: AsyncConnection) -> Sequence[AnyRow]:
    """The rules as they are set."""
    return (await conn.execute(select(table).order_by(table.c.category_code))).all()


async def set_rule(
    conn: AsyncConnection, category: str, contact_months: int | None, content_months: int | None
) -> None:
    """Set a rule, instead of any of the same name; None keeps for good."""
    values = {"contact_months": contact_months, "content_months": content_months}
    await conn.execute(
        insert(table)
        .values(category_code=category, **values)
        .on_conflict_do_update(index_elements=["category_code"], set_=values)
    )


async def drop_rule(conn: AsyncConnection, category: str) -> bool:
    """Take a rule away; whether there was one."""
    gone = await conn.execute(delete(table).where(table.c.category_code == category))
    return bool(gone.rowcount)
