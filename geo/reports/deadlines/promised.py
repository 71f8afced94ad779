"""When a report is due. Calendar days for now; working hours and pauses come with their issue."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any


def due_at(created_at: datetime, deadlines: Mapping[str, Any]) -> datetime | None:
    """`resolve_days` after `created_at`; None where the category promises nothing."""
    days = deadlines.get("resolve_days")
    return created_at + timedelta(days=days) if days else None
