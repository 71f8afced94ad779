"""Moving one's pin: a wrong tap is put right, and the report goes to whoever answers there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from geo.crs import GEOD
from geo.errors import Invalid
from geo.reports.assigning import Assigned, Intake
from geo.reports.events import Words, words
from geo.reports.new import Degrees
from geo.reports.own import looking, rules
from geo.reports.own.anew import assigned_anew
from geo.store import own as store
from geo.store.database import AnyRow, AsyncConnection


class Position(BaseModel):
    """Where it is after all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lon: Annotated[Degrees, Field(ge=-180, le=180, description="WGS 84 degrees")]
    lat: Annotated[Degrees, Field(ge=-90, le=90, description="WGS 84 degrees")]
    accuracy_m: (
        Annotated[
            Degrees, Field(ge=0, le=100_000, description="radius the point is known to, in metres")
        ]
        | None
    ) = None


@dataclass(frozen=True, slots=True)
class Moved:
    """How far a pin would be moved (metres), and to whom the report goes then."""

    moved_m: float
    found: Assigned


def check(report: AnyRow, to: Position, intake: Intake, now: datetime) -> Moved | None:
    """What it would change, None: nothing; all that speaks against it is raised here.

    Raises `Conflict` when it is too late, `OutsideCoverage`, and `Invalid` when that makes more
    than `rules.FARTHEST_M` in all.
    """
    rules.check(report, "position", now)
    if (to.lon, to.lat, to.accuracy_m) == (report.lon, report.lat, report.accuracy_m):
        return None
    rules.check_count(report, ("corrected", "pin_moved"), rules.MOST_CORRECTIONS)
    moved_m = float(GEOD.inv(report.lon, report.lat, to.lon, to.lat)[2])
    left_m = max(0.0, rules.FARTHEST_M - report.moved_m)
    if not moved_m <= left_m:
        raise Invalid(
            f"the pin may be moved by {rules.FARTHEST_M:.0f} m in all, of which {left_m:.0f} m are "
            f"left; this is {moved_m:.0f} m away. Send another report for another place, and "
            "withdraw this one",
            detail_vi=f"Chỉ được dời vị trí tối đa {rules.FARTHEST_M:.0f} m, còn {left_m:.0f} m; "
            f"nơi này cách {moved_m:.0f} m. Hãy gửi phản ánh mới cho nơi khác và rút phản ánh này",
        )
    place = intake.place(to.lon, to.lat, to.accuracy_m, now)
    category = {
        "code": report.category_code,
        "family": report.family,
        "name": {"vi": report.category_vi, "en": report.category_en},
        "deadlines": report.deadlines,
    }
    found = intake.assigned(place, (to.lon, to.lat), to.accuracy_m, category, report.created_at)
    return Moved(moved_m, found)


async def move(
    conn: AsyncConnection,
    report: AnyRow,
    to: Position,
    intake: Intake,
    now: datetime,
    reasons: Sequence[Words] = (),
) -> None:
    """Move an opened report's pin: ward, organisation, reasons, public place and counts follow.

    With `reasons` the staff are to look at it before the public does. Raises as `check` does.
    """
    moved = check(report, to, intake, now)
    if moved is None:
        return
    columns, told = assigned_anew(report, moved.found)
    await looking.withhold(conn, report, reasons, now)
    await store.leave_reforms(conn, report.id)
    place = {"lon": to.lon, "lat": to.lat, "accuracy_m": to.accuracy_m}
    await store.put(conn, report.id, {**columns, **place}, now)
    # How far alone is kept: of where the pin was before nothing is left.
    event = {
        "kind": "pin_moved",
        **words("Người gửi đã chỉnh lại vị trí.", "The reporter moved the pin."),
        "data": {"moved_m": round(moved.moved_m, 1)},
    }
    await store.tell(conn, report.id, [event, *told], now)
