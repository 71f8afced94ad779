"""Tasks: assigned, open reports as the staff see them, each account those it works on."""

from sqlalchemy import ColumnElement, bindparam

from geo.scope import Scope
from geo.store.tables import reports
from geo.store.tables.reports import OPEN_STATUSES


def conditions(scope: Scope) -> list[ColumnElement[bool]]:
    """What a row of `reports` must meet to be a task of a scope."""
    table = reports.c
    return [
        # written out, so that the index of just these rows is used
        table.status.in_(bindparam("open", OPEN_STATUSES, expanding=True, literal_execute=True)),
        table.organisation_id.is_not(None),
        *scope.conditions(),
    ]
