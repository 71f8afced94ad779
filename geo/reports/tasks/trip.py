"""A round trip over tasks that a crew chose: which, and in which order."""

from collections.abc import Sequence

from geo.errors import Invalid
from geo.reports import codes
from geo.reports.tasks.conditions import conditions
from geo.reports.tasks.tour import MOST, Tour, tour
from geo.scope import Scope
from geo.store import tasks as store
from geo.store.database import AnyRow, AsyncConnection

__all__ = ["MOST", "trip"]


async def trip(
    conn: AsyncConnection,
    scope: Scope,
    start: tuple[float, float],
    typed: Sequence[str],
) -> tuple[list[AnyRow], Tour]:
    """The tasks (`geo.store.tasks.read`) in the order of a round trip from `start` (lon, lat), and
    the trip over them.

    Raises `Invalid`, naming each code that is no open task of the scope (whether there is such a
    report elsewhere is not told) or comes twice.
    """
    read = [codes.read_code(each) for each in typed]
    ids = await store.ids_of(conn, conditions(scope), [code for code in read if code])
    wrong = []
    for n, code in enumerate(read):
        if code is None or code not in ids:
            wrong.append((n, "is no open task of your ward or organisation"))
        elif code in read[:n]:
            wrong.append((n, "is there already"))
    if wrong:
        raise Invalid(
            "; ".join(f"codes.{n} ({typed[n]}) {said}" for n, said in wrong),
            errors=[{"field": f"codes.{n}", "message": said} for n, said in wrong],
        )
    rows = await store.read(conn, list(ids.values()))
    stops = [rows[ids[code]] for code in read if code]
    found = tour(start, [row.lon for row in stops], [row.lat for row in stops])
    return [stops[k] for k in found.order], found
