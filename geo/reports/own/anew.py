"""Assigning a report anew that its reporter put right, as if it had come so."""

from typing import Any

from geo.reports.assigning import Assigned
from geo.reports.workflow.timing import dues
from geo.store.database import AnyRow


def assigned_anew(report: AnyRow, found: Assigned) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The columns of an opened report, and the events that say who answers for it, if others do.

    It is due by whoever's rule counts now, from when it was sent. Where others answer, nobody has
    it in hand any more: who had could not put it down.
    """
    columns = {**found.columns(), **dues(report, {}, found.terms)}
    changed = columns["organisation_id"] != report.organisation_id
    if changed:
        columns["holder_id"] = None
    return columns, [found.event] if changed and found.event else []
