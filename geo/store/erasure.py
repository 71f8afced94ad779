"""Taking personal data out of reports: rows stay, so that every count stays, and say less."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from geo.store.database import AsyncConnection, load_sql


async def blank(
    conn: AsyncConnection,
    report_ids: Sequence[UUID],
    *,
    words: str | None,
    wished: bool,
    now: datetime,
) -> int:
    """Take out what the rows say of their sender, with `words` put for the text where given.

    Returns how many texts that was; `wished`: by the reporter. Place, times, category and status
    stay: all counts are made of them.
    """
    done = await conn.execute(
        load_sql("geo.store", "erasure_reports"),
        {"ids": list(report_ids), "words": words, "wished": wished, "now": now},
    )
    return sum(row.text_gone for row in done)


async def blank_events(
    conn: AsyncConnection, report_ids: Sequence[UUID], kinds: Sequence[str], vi: str, en: str
) -> int:
    """Put words of ours for what the reporter wrote into the history; how many lines."""
    # How far a pin was moved tells of no place, and without it erasing would let it go farther.
    statement = text(
        "UPDATE report_events SET text_vi = :vi, text_en = :en, data = kept.data "
        "FROM (SELECT e.id, CASE e.kind WHEN 'pin_moved' THEN e.data ELSE '{}' END AS data "
        "FROM report_events AS e WHERE e.report_id = ANY(:ids) AND e.kind = ANY(:kinds)) AS kept "
        "WHERE report_events.id = kept.id AND (text_vi, text_en, report_events.data) "
        "IS DISTINCT FROM (:vi, :en, kept.data)"
    )
    values = {"ids": list(report_ids), "kinds": list(kinds), "vi": vi, "en": en}
    return (await conn.execute(statement, values)).rowcount


async def blank_reasons(
    conn: AsyncConnection, report_ids: Sequence[UUID], told: Sequence[str], vi: str, en: str
) -> int:
    """Forget why the staff moderated; how many lines. Words of ours take the place of those of the
    kinds `told`, which say it."""
    statement = text(
        "UPDATE report_events SET data = CASE WHEN kind = ANY(:told) THEN data - 'reasons' "
        "ELSE data END - 'reason', "
        "text_vi = CASE WHEN kind = ANY(:told) THEN :vi ELSE text_vi END, "
        "text_en = CASE WHEN kind = ANY(:told) THEN :en ELSE text_en END "
        "WHERE report_id = ANY(:ids) AND data ? 'reason'"
    )
    of_edits = text(
        "UPDATE report_texts SET reason = '' WHERE report_id = ANY(:ids) AND reason <> ''"
    )
    await conn.execute(of_edits, {"ids": list(report_ids)})
    values = {"ids": list(report_ids), "told": list(told), "vi": vi, "en": en}
    return (await conn.execute(statement, values)).rowcount


async def tell(
    conn: AsyncConnection,
    report_ids: Sequence[UUID],
    kind: str,
    words: dict[str, str],
    now: datetime,
) -> None:
    """Add one and the same line to the history of these reports."""
    statement = text(
        "INSERT INTO report_events (report_id, at, kind, text_vi, text_en) "
        "SELECT id, :now, :kind, :vi, :en FROM unnest(CAST(:ids AS uuid[])) AS id"
    )
    await conn.execute(statement, {"ids": list(report_ids), "now": now, "kind": kind, **words})


async def forget_bodies(conn: AsyncConnection, report_ids: Sequence[UUID]) -> int:
    """Forget what was sent with the Idempotency-Keys of these reports; how many.

    The keys stay with their answers, which name nobody: a phone that sends the report once more is
    told that it was taken in, and nothing comes back.
    """
    statement = text(
        "UPDATE idempotency_keys AS k SET body_hash = '' FROM reports AS r "
        "CROSS JOIN LATERAL (SELECT r.created_at AS at UNION SELECT e.at FROM report_events AS e "
        "WHERE e.report_id = r.id AND e.kind = 'added') AS sent "
        "WHERE r.id = ANY(:ids) AND k.created_at = sent.at AND k.answer ->> 'code' = r.code "
        "AND k.body_hash <> ''"
    )
    return (await conn.execute(statement, {"ids": list(report_ids)})).rowcount


async def forget_texts(conn: AsyncConnection, report_ids: Sequence[UUID]) -> int:
    """Take away what these reports said before the staff edited them; how many versions."""
    statement = text("DELETE FROM report_texts WHERE report_id = ANY(:ids)")
    return (await conn.execute(statement, {"ids": list(report_ids)})).rowcount


async def forget_devices(conn: AsyncConnection, report_ids: Sequence[UUID]) -> int:
    """Forget from which devices these reports came; how many."""
    statement = text("DELETE FROM report_devices WHERE report_id = ANY(:ids)")
    return (await conn.execute(statement, {"ids": list(report_ids)})).rowcount


async def forget_photos(conn: AsyncConnection, report_ids: Sequence[UUID]) -> list[str]:
    """Take away the rows of these reports' photos; which files (hex sha256) no report shows now."""
    statement = text(
        "WITH gone AS ("
        "DELETE FROM photos WHERE report_id = ANY(:ids) RETURNING sha256, still_sha256"
        "), files AS (SELECT sha256 FROM gone UNION SELECT still_sha256 FROM gone) "
        "SELECT f.sha256 FROM files AS f WHERE f.sha256 IS NOT NULL AND NOT EXISTS ("
        "SELECT 1 FROM photos AS p WHERE f.sha256 IN (p.sha256, p.still_sha256) "
        "AND p.report_id <> ALL(:ids))"
    )
    return list((await conn.execute(statement, {"ids": list(report_ids)})).scalars())


async def erased_before(conn: AsyncConnection, report_id: UUID) -> bool:
    """Whether its reporter had it erased already."""
    statement = text("SELECT erased_at IS NOT NULL FROM reports WHERE id = :id")
    return bool((await conn.execute(statement, {"id": report_id})).scalar())
