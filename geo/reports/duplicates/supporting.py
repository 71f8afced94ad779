""" "Me too": somebody else saw the same, and counts once.

What is kept of who said so is a keyed hash of the device, or of the report whose secret was shown,
together with *this* report: the same device leaves another mark on every report, so marks tell of
nobody what else they said. Whoever follows a report, later, leaves a way to be reached; this is not
one.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from geo.errors import Conflict, Invalid, NotFound
from geo.reports import codes
from geo.reports.held import with_secret
from geo.store import supports as store
from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables.reports import OPEN_STATUSES

_BYTES: Final = 16


class Support(BaseModel):
    """Who says so, where it is not the device."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    report: Annotated[
        str | None,
        Field(max_length=40, description="code of one's own report whose secret is shown"),
    ] = None


@dataclass(frozen=True, slots=True)
class Voice:
    """Who says "me too": by a device's token, or by the secret of a report of their own."""

    device: str | None
    secret: str | None
    report: str | None


async def check(
    conn: AsyncConnection, typed_code: str, voice: Voice, secret_key: bytes
) -> tuple[bytes, bool]:
    """The mark of who says so on this report, and whether it counts already.

    Raises `NotFound`, `NotSignedIn` (another secret than the report's that is named), `Conflict`
    (one's own report, or one that has ended) and `Invalid` where nothing says who it is.
    """
    row = await _seen(conn, typed_code)
    who = await _who(conn, row, voice)
    key = codes.derived_key(secret_key, "support")
    mark = hmac.new(key, row.id.bytes + who.encode(), hashlib.sha256).digest()[:_BYTES]
    counted = await store.is_counted(conn, row.id, mark)
    if not counted:
        _check_open(row)
    return mark, counted


async def support(
    conn: AsyncConnection, typed_code: str, mark: bytes, now: datetime
) -> dict[str, Any]:
    """Count a mark (of `check`), once, and say how many there are; raises as `check` does."""
    row = await _seen(conn, typed_code, locked=True)
    supports = row.supports
    if not await store.is_counted(conn, row.id, mark):
        _check_open(row)
        supports += await store.add(conn, row.id, mark, now)
    return {"code": row.code, "supports": supports}


async def _seen(conn: AsyncConnection, typed_code: str, *, locked: bool = False) -> AnyRow:
    code = codes.read_code(typed_code)
    row = await store.seen(conn, code, locked=locked) if code else None
    if row is None:
        raise NotFound("there is no report with this code; check it letter by letter")
    return row


async def _who(conn: AsyncConnection, row: AnyRow, voice: Voice) -> str:
    if voice.secret is not None:
        held = await with_secret(conn, voice.report or row.code, voice.secret)
        if held.id == row.id:
            raise Conflict(
                "this is your own report; it counts already",
                detail_vi="Đây là phản ánh của bạn, đã được tính",
            )
        return f"report {held.id}"
    if voice.report is not None:
        raise Invalid.of("report", "needs its secret: send Authorization: Report <secret>")
    if voice.device is None:
        raise Invalid.of(
            "Pinward-Device",
            "must say which device this is, that nobody counts twice: 16 to 64 random letters, "
            "digits, - and _ that the client makes once and keeps",
        )
    return f"device {voice.device}"


def _check_open(row: AnyRow) -> None:
    if row.status in OPEN_STATUSES:
        return
    more = {"duplicate_of": row.parent} if row.parent else {}
    instead = f"; say so of {row.parent}, which stands for it" if row.parent else ""
    instead_vi = f"; hãy chọn phản ánh gốc {row.parent}" if row.parent else ""
    raise Conflict(
        f'one can say "me too" of open reports; this one is {row.status}{instead}',
        detail_vi=f"Chỉ có thể bấm “tôi cũng gặp” với phản ánh đang mở{instead_vi}",
        status_now=row.status,
        **more,
    )
