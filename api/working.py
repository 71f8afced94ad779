"""One of the staff at work on a report: within their scope, under its lock, with `If-Match`."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Header, Request, Response

from api.auth.rights import Action, may
from api.auth.scope import require_within
from api.caching import matches, packed
from api.routes.reports import Code
from api.schemas import GEOJSON
from api.session import Rules, Write, in_place
from geo.errors import ChangedMeanwhile
from geo.reports.tasks.whole import whole
from geo.reports.workflow.acting import Actor, Work
from geo.store.database import AnyRow

Worker = Annotated[AnyRow, may(Action.READ_TASKS)]
"""Whoever works on reports, to look at one."""
Mover = Annotated[AnyRow, may(Action.MOVE_TASKS)]
"""Whoever works on reports, to do something; what in particular, the table of moves says."""


def etag(version: Any) -> str:
    """Weak, as all of ours: compression changes the bytes, and the report is what is meant."""
    return f'W/"{version}"'


class AtWork:
    """The account, and the report named by the address; all it does is one transaction."""

    def __init__(
        self,
        code: Code,
        request: Request,
        conn: Write,
        account: Mover,
        rules: Rules,
        if_match: Annotated[
            str | None,
            Header(description="`ETag` of the task as you saw it; another one by now is 412"),
        ] = None,
    ) -> None:
        self.code, self.request, self.conn, self.account = code, request, conn, account
        self.if_match, self.rules = if_match, rules
        self.now = datetime.now(UTC)
        actor = Actor((account.role,), account.id)
        self.work = Work(conn, actor, rules.deadlines, self.now)

    async def open(self) -> AnyRow:
        """The report (`geo.store.work.locked`), locked until all is done.

        Raises `NotFound`, `NotAllowed`, and `ChangedMeanwhile` where it is not what `If-Match`
        names.
        """
        row = await self.work.opened(self.code)
        self.check(row)
        return row

    def within(self, row: AnyRow) -> None:
        """Raises `NotAllowed` where an opened report is none of the account's."""
        require_within(self.account, row.ward_code, row.organisation_id, ward=row.ward)

    def check(self, row: AnyRow) -> None:
        """As `within`, and whether it still is what `If-Match` names."""
        self.within(row)
        if self.if_match is not None and not matches(self.if_match, etag(row.version)):
            raise ChangedMeanwhile(
                "this report changed since you looked at it: look at it again, and send once more "
                "what still holds. Nothing of what you sent was written",
                detail_vi="Phản ánh này đã thay đổi sau khi bạn xem. Hãy xem lại rồi gửi lại nếu "
                "vẫn đúng; nội dung bạn vừa gửi chưa được ghi",
                version=str(row.version),
            )

    async def told(self, row: AnyRow) -> Response:
        """The task as it is now, also where it is of somebody else from now on."""
        return await told(self.conn, row, self.account, self.now)


async def told(conn: Any, row: AnyRow, account: AnyRow, now: datetime) -> Response:
    """A task as GeoJSON, whole, with its ETag."""
    feature = await whole(conn, row.id, account, now)
    headers = {"ETag": etag(feature["properties"]["version"]), "Cache-Control": "no-store"}
    return Response(packed(feature), media_type=GEOJSON, headers=headers)


Working = Annotated[AtWork, in_place(AtWork)]
