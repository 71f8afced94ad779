"""Many reports that need no citizen to wait for them: placed, assigned and stored together."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from geo.errors import Invalid, UnknownCategory
from geo.reports import columns, events
from geo.reports.deadlines import promised as promised_days
from geo.reports.deadlines.due import WARNED_AT
from geo.reports.placing import Placed
from geo.reports.reform.today import LateReports
from geo.reports.text import clean_text
from geo.store import categories, report_batches
from geo.store.database import AsyncConnection
from geo.store.tables.reports import STATUSES
from geo.wards.directory import WardDirectory
from geo.wards.lookup import SNAP_M

_BATCH = 20_000
WORKED = (
    *("first_due_at", "first_warn_at", "warn_at", "replied_at", "waits_since", "resolved_at"),
)
REPLIES = ("in_progress", "waiting", "resolved", "rejected")
"""Kinds of events by which its sender hears from those who answer for it."""


async def bulk_insert(
    conn: AsyncConnection,
    rows: Iterable[Mapping[str, Any]],
    wards: WardDirectory | None = None,
    timezone: str = "Asia/Ho_Chi_Minh",
    snap_m: float = SNAP_M,
) -> int:
    """Store reports in the caller's transaction; says how many were new.

    Each row has `category, lon, lat, text, created_at` (aware), and may have `kind, status,
    channel, accuracy_m, observed_at, updated_at, due_at, closed_at, source, source_id, flags` (list
    of text) and `events`: `[{at, kind, text: {vi, en}}]` in the order they happened. Without
    `status` it is received, or assigned where the ward has its committee; without `events` just
    that is told; without `due_at` the category's deadline counts. A row whose `(source, source_id)`
    is there already is left as it is.

    For days before a reform that was applied since, their ward of today is derived as well; those
    still open stay in the ward of their day until the reform is applied again.

    `wards` is loaded when not given. Raises `UnknownCategory` and `Invalid`, naming the row.
    """
    directory = wards if wards is not None else await WardDirectory.load(conn)
    promised = {row["code"]: row["deadlines"] for row in await categories.every(conn)}
    zone = ZoneInfo(timezone)
    late = LateReports(directory, snap_m)
    added, batch, before = 0, [], 0
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            added += await _insert(conn, batch, before, directory, promised, zone, snap_m, late)
            before, batch = before + len(batch), []
    if batch:
        added += await _insert(conn, batch, before, directory, promised, zone, snap_m, late)
    return added


async def _insert(
    conn: AsyncConnection,
    rows: list[Mapping[str, Any]],
    before: int,
    wards: WardDirectory,
    promised: Mapping[str, Mapping[str, Any]],
    zone: ZoneInfo,
    snap_m: float,
    late: LateReports,
) -> int:
    checked = [_checked(row, before + i, promised) for i, row in enumerate(rows)]
    lon = np.array([row["lon"] for row in checked], dtype=np.float64)
    lat = np.array([row["lat"] for row in checked], dtype=np.float64)
    days = np.array(
        [row["created_at"].astimezone(zone).date() for row in checked], dtype="datetime64[D]"
    )
    placed = Placed.of(wards, lon, lat, days, snap_m)
    n = len(checked)
    ids = columns.new_ids(n, datetime.now(UTC))
    statuses = [
        row.get("status") or ("assigned" if organised else "received")
        for row, organised in zip(checked, placed.organised.tolist(), strict=True)
    ]

    def given(name: str, kind: pa.DataType, default: Any = None) -> pa.Array:
        return pa.array([_or(row.get(name), default) for row in checked], kind)

    def time(name: str, otherwise: str | None = None) -> pa.Array:
        found = [row.get(name) or (row.get(otherwise) if otherwise else None) for row in checked]
        return pa.array([columns.micros(at) if at else None for at in found]).cast(columns.TIME)

    reports = pa.table(
        {
            "id": ids,
            "code": columns.new_codes(n),
            "kind": given("kind", pa.string(), "incident"),
            "category_code": given("category", pa.string()),
            "status": pa.array(statuses),
            "text": given("text", pa.string()),
            "geom": columns.points(lon, lat),
            "accuracy_m": given("accuracy_m", pa.float64()),
            "ward_id": placed.ward_id,
            "ward_match": placed.ward_match,
            "ward_distance_m": placed.ward_distance_m,
            "organisation_id": placed.organisation_id,
            "reasons": placed.reasons,
            "channel": given("channel", pa.string(), "web"),
            "observed_at": time("observed_at"),
            "created_at": time("created_at"),
            "updated_at": time("updated_at", "created_at"),
            "due_at": time("due_at"),
            "closed_at": time("closed_at"),
            "source": given("source", pa.string()),
            "source_id": given("source_id", pa.string()),
            "flags": pa.array(["{" + ",".join(row.get("flags") or ()) + "}" for row in checked]),
            **{name: time(name) for name in WORKED},
        }
    )
    told = _events(checked, ids, placed, wards)
    added = await report_batches.add(conn, reports, told, columns.code_list)
    await late.add(conn, reports, lon, lat)
    return added


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _checked(
    row: Mapping[str, Any], number: int, promised: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    category, created_at = row["category"], row["created_at"]
    if category not in promised:
        raise UnknownCategory(f"row {number}: there is no category {category!r}")
    if created_at.tzinfo is None:
        raise Invalid(f"row {number}: created_at needs its time zone")
    if row.get("status") not in (None, *STATUSES):
        raise Invalid(f"row {number}: there is no status {row['status']!r}")
    try:
        text = clean_text(row["text"])
    except Invalid as error:
        raise Invalid(f"row {number}: text {error.detail}") from None
    due_at = row.get("due_at") or promised_days.due_at(created_at, promised[category])
    return {**row, "text": text, "due_at": due_at, **_worked(row, due_at, promised[category])}


def _worked(
    row: Mapping[str, Any], due_at: datetime | None, promised: Mapping[str, Any]
) -> dict[str, datetime | None]:
    """The columns `WORKED`, as its events and its status tell them."""
    created_at, status = row["created_at"], row.get("status")
    hours = promised.get("first_reply_h")
    first = timedelta(hours=hours) if hours else None
    told = [(event["kind"], event["at"]) for event in row.get("events") or ()]
    ends = [at for kind, at in told if kind in ("resolved", "rejected")]
    replies = [at for kind, at in told if kind in REPLIES]
    ended_at = ends[-1] if ends else row.get("closed_at")
    return {
        "first_due_at": created_at + first if first else None,
        "first_warn_at": created_at + WARNED_AT * first if first else None,
        "warn_at": due_at and created_at + WARNED_AT * (due_at - created_at),
        "replied_at": replies[0] if replies else None,
        "waits_since": row.get("updated_at") or created_at if status == "waiting" else None,
        "resolved_at": ended_at if status in ("resolved", "closed", "rejected") else None,
    }


def _events(
    rows: list[dict[str, Any]], ids: pa.Array, placed: Placed, wards: WardDirectory
) -> pa.Table:
    report_ids, at, kinds, vi, en = [], [], [], [], []
    organisations = placed.organisation_id.to_pylist()
    names = {
        ward.organisation_id: (ward.organisation_vi or "", ward.organisation_en or "")
        for ward in wards.wards
    }
    for row, report_id, organisation in zip(rows, ids.to_pylist(), organisations, strict=True):
        said = row.get("events")
        if said is None:
            first = [events.received()]
            if organisation is not None:
                first.append(events.assigned(*names[organisation]))
            said = [{"at": row["created_at"], "kind": each["kind"], "text": each} for each in first]
        for event in said:
            report_ids.append(report_id)
            at.append(columns.micros(event["at"]))
            kinds.append(event["kind"])
            vi.append(event["text"]["vi"])
            en.append(event["text"]["en"])
    return event_table(
        pa.array(report_ids, pa.string()),
        pa.array(at, pa.int64()).cast(columns.TIME),
        pa.array(kinds, pa.string()),
        pa.array(vi, pa.string()),
        pa.array(en, pa.string()),
        columns.constant(len(at), "{}"),
    )


def event_table(
    report_id: pa.Array, at: pa.Array, kind: pa.Array, vi: pa.Array, en: pa.Array, data: pa.Array
) -> pa.Table:
    """Events as `report_batches.add` takes them, in their order."""
    return pa.table(
        {
            "report_id": report_id,
            "at": at,
            "kind": kind,
            "text_vi": vi,
            "text_en": en,
            "data": data,
        }
    )
