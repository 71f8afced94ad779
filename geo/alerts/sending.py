"""Sending an alert and calling it off: the rules, in the caller's transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import shapely

from geo.alerts.new import MOST_VERTICES, NewAlert, shape_of
from geo.errors import Conflict, Invalid, NotAllowed, NotFound, OutsideCoverage
from geo.scope import Scope
from geo.store import alerts as store
from geo.store.database import AnyRow, AsyncConnection
from geo.store.organisations import ward_names

# Longer is no warning any more; and a typing error in the year is found.
LONGEST = timedelta(days=366)
# A warning sent late may say since when it holds.
EARLIEST = timedelta(days=7)
# Of the area at least so much lies in the city's wards; the rest may be sea, river or a neighbour.
LEAST_INSIDE = 0.5
# Names of wards written out before "and n more".
_NAMED = 6


async def send(
    conn: AsyncConnection,
    new: NewAlert,
    account: AnyRow,
    now: datetime,
    *,
    timezone: str,
    city: str,
    host: str,
) -> int:
    """Write the alert of a signed-in account; returns its id.

    A ward's officer warns the own ward only: what is drawn lies for the most part in it. `host`
    names this service as CAP's sender, `city` is who warns when the account acts for no
    organisation. Raises `Invalid`, `NotAllowed` and `OutsideCoverage`.
    """
    effective_at = (new.effective_at or now).astimezone(UTC)
    expires_at = new.expires_at.astimezone(UTC)
    _check_times(effective_at, expires_at, now)
    # the boundaries of the day it begins
    day = max(effective_at, now).astimezone(ZoneInfo(timezone)).date()
    if new.wards is not None:
        codes = list(dict.fromkeys(new.wards))
        named = await store.wards_named(conn, codes, day)
        missing = sorted(set(codes) - {row.code for row in named})
        if missing:
            some = ", ".join(missing[:10]) + (" …" if len(missing) > 10 else "")
            raise _refused("wards", f"no wards in force on {day}: {some}")
        area = await store.joined(conn, [row.id for row in named], MOST_VERTICES)
    else:
        assert new.area is not None
        area = shape_of(new.area)
        named = await store.wards_touched(conn, area, day)
        _check_place(named, area, city)
    _check_own_ward(account, named)
    area_vi, area_en = area_in_words(named)
    return await store.add(
        conn,
        _multi(area),
        identifier=uuid4(),
        kind=new.kind,
        severity=new.severity,
        urgency=new.urgency,
        certainty=new.certainty,
        headline_vi=new.headline.vi,
        headline_en=new.headline.en,
        description_vi=new.description.vi if new.description else None,
        description_en=new.description.en if new.description else None,
        area_vi=area_vi,
        area_en=area_en,
        ward_codes=[row.code for row in named],
        sent_at=now,
        effective_at=effective_at,
        expires_at=expires_at,
        sender=host,
        sender_vi=account.organisation_vi or city,
        sender_en=account.organisation_en or city,
        organisation_id=account.organisation_id,
        user_id=account.id,
    )


async def cancel(
    conn: AsyncConnection, alert_id: int, account: AnyRow, now: datetime, *, timezone: str
) -> None:
    """Call an alert off; quiet when it was already.

    Who acts for a ward calls off what that account sent, or what concerns that ward only. Raises
    `NotFound`, `NotAllowed`, and `Conflict` when the alert is over by itself.
    """
    found = await store.one(conn, alert_id)
    if found is None:
        raise NotFound(f"there is no alert {alert_id}")
    scope = Scope.of(account)
    if not scope.everywhere and found.user_id != account.id:
        # Its codes are those of the day it begins.
        day = found.effective_at.astimezone(ZoneInfo(timezone)).date()
        named = await store.wards_named(conn, found.ward_codes, day)
        if not named or not _all_own(scope, named):
            raise NotAllowed(f"alert {alert_id} was sent by others to more than your ward")
    if await store.cancel(conn, alert_id, now, account.id) or found.cancelled_at is not None:
        return
    # Another one may have been quicker since we looked.
    again = await store.one(conn, alert_id)
    if again is not None and again.cancelled_at is not None:
        return
    raise Conflict(f"alert {alert_id} is over since {found.expires_at.isoformat()}")


def _check_times(effective_at: datetime, expires_at: datetime, now: datetime) -> None:
    if expires_at <= effective_at:
        raise _refused("expires_at", "must be later than effective_at")
    if expires_at <= now:
        raise _refused("expires_at", "has passed already: nobody would be warned")
    if effective_at < now - EARLIEST:
        raise _refused("effective_at", f"lies more than {EARLIEST.days} days back")
    if expires_at - max(effective_at, now) > LONGEST or effective_at > now + LONGEST:
        raise _refused(
            "expires_at", f"an alert begins within and lasts at most {LONGEST.days} days"
        )


def _check_place(touched: Sequence[AnyRow], area: shapely.Geometry, city: str) -> None:
    inside = sum(row.share for row in touched)
    if inside >= LEAST_INSIDE:
        return
    lon, lat = shapely.get_coordinates(shapely.point_on_surface(area))[0].tolist()
    said = "no ward" if not touched else f"wards of {city} with only {inside:.0%} of it"
    raise OutsideCoverage(
        f"the area around {lon:.4f}, {lat:.4f} (lon, lat) lies in {said}; at least "
        f"{LEAST_INSIDE:.0%} of it must lie in them: draw it smaller, or name the wards"
    )


def _own(scope: Scope, ward: AnyRow) -> bool:
    return scope.covers(ward.ward, ward.organisation_id)


def _all_own(scope: Scope, named: Sequence[AnyRow]) -> bool:
    return all(_own(scope, row) for row in named)


def _check_own_ward(account: AnyRow, touched: Sequence[AnyRow]) -> None:
    scope = Scope.of(account)
    if scope.everywhere:
        return
    # wards asked for by name have no share: each is meant as a whole
    if "share" in (touched[0]._fields if touched else ()):
        fine = sum(row.share for row in touched if _own(scope, row)) >= LEAST_INSIDE
    else:
        fine = _all_own(scope, touched)
    if not fine:
        others = ", ".join(str(row.code) for row in touched if not _own(scope, row))
        whose = f"ward {account.ward_code}" if account.ward_code else account.organisation_vi
        raise NotAllowed(f"you warn {whose}; this concerns {others} for the most part")


def area_in_words(wards: Sequence[AnyRow]) -> tuple[str, str]:
    """Names of wards (rows of `name, kind`), Vietnamese and English, the first few of many."""
    names = [ward_names(row.name, row.kind) for row in wards]
    vi = ", ".join(name[0] for name in names[:_NAMED])
    en = ", ".join(name[1] for name in names[:_NAMED])
    more = len(names) - _NAMED
    if more > 0:
        vi, en = f"{vi} và {more} nơi khác", f"{en} and {more} more"
    return vi[:1].upper() + vi[1:], en


def _multi(shape: shapely.Geometry) -> shapely.MultiPolygon:
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return shapely.MultiPolygon([shapely.orient_polygons(part) for part in parts])


def _refused(field: str, message: str) -> Invalid:
    return Invalid.of(field, message)
