"""A task as those who work on it are shown it."""

from datetime import datetime
from typing import Any

from geo.reports.reading import with_addresses
from geo.reports.times import rfc3339
from geo.store.database import AnyRow


def feature(row: AnyRow, account: int, now: datetime, **more: Any) -> dict[str, Any]:
    """GeoJSON of a row of `geo.store.tasks.read`, its exact place, for the account that asks.

    `more` are properties besides.
    """
    return {
        "type": "Feature",
        "id": row.code,
        "geometry": {"type": "Point", "coordinates": [row.lon, row.lat]},
        "properties": {**properties(row, account, now), **more},
    }


def properties(row: AnyRow, account: int, now: datetime) -> dict[str, Any]:
    """What is told of a task but for its place."""
    return {
        "code": row.code,
        "version": row.version,
        "status": row.status,
        "priority": row.priority,
        "category": {
            "code": row.category_code,
            "name": {"vi": row.category_vi, "en": row.category_en},
            "icon": row.icon,
        },
        "photo_wanted": row.photo_wanted,
        "text": row.text,
        "created_at": rfc3339(row.created_at),
        "due_at": row.due_at and rfc3339(row.due_at),
        "late": is_late(row, now),
        "first_due_at": row.first_due_at and rfc3339(row.first_due_at),
        "replied_at": row.replied_at and rfc3339(row.replied_at),
        "escalated": {"first_reply": row.first_escalated, "resolve": row.escalated},
        "waits_since": row.waits_since and rfc3339(row.waits_since),
        "holder": row.holder_name and {"mine": row.holder_id == account, "name": row.holder_name},
        "ward": row.ward_code
        and {"code": row.ward_code, "name": row.ward_name, "kind": row.ward_kind},
        "organisation": row.organisation_code
        and {
            "code": row.organisation_code,
            "name": {"vi": row.organisation_vi, "en": row.organisation_en},
        },
        # What is said of it stays among the staff where the public does not see it.
        "public": row.withheld is None and row.visibility == "public",
        "photos": [with_addresses(row.code, photo) for photo in row.photos or ()],
    }


def is_late(row: AnyRow, now: datetime) -> bool:
    """Whether its time is over; while it waits no time runs."""
    return row.due_at is not None and row.due_at < now and row.status != "waiting"
