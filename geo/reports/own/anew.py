"""Assigning a report anew that its reporter put right, as if it had come so."""

from typing import Any

from geo.reports.assigning import Assigned
from geo.store.database import AnyRow


def assigned_anew(report: AnyRow, found: Assigned) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The columns of an opened report, and the events that say who answers for it, if others do.

    It is due by whoever's rule counts now, from when it was sent.
    """
    columns = {**found.columns(), **found.dues(), "escalated": 0}
    changed = columns["organisation_id"] != report.organisation_id
    return columns, [found.event] if changed and found.event else []
