"""What a report's sender says of its end: that it is done, how well, or that it is not."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from geo.errors import Conflict
from geo.reports import events
from geo.reports.deadlines.rules import Deadlines
from geo.reports.events import Words, words
from geo.reports.own import looking, rules
from geo.reports.own.adding import LONGEST, said_text
from geo.reports.workflow.acting import Actor, Said, Work
from geo.reports.workflow.graph import CITIZEN, REOPENABLE_FOR, is_reopenable
from geo.store import own as store
from geo.store.database import AnyRow, AsyncConnection

MOST_RATINGS: Final = 10


class Rating(BaseModel):
    """How well it was done."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rating: Annotated[int, Field(strict=True, ge=1, le=5, description="1 badly, 5 very well")]


class Reopening(BaseModel):
    """Why it is not done."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Annotated[
        str,
        AfterValidator(said_text),
        Field(min_length=1, description=f"up to {LONGEST} characters after trimming"),
    ]


async def confirm(
    conn: AsyncConnection, report: AnyRow, deadlines: Deadlines, now: datetime
) -> None:
    """Close an opened report that was resolved; once more is no harm. Raises `Conflict`."""
    if report.status == "closed":
        return
    work = _work(conn, deadlines, now)
    await work.move(await work.opened(report.code), "confirm", Said())


async def rate(conn: AsyncConnection, report: AnyRow, said: Rating, now: datetime) -> None:
    """Keep what the sender of an opened report thinks of its end; the last rating counts.

    Raises `Conflict` where it has not ended so, or too long ago.
    """
    if report.status not in rules.RATEABLE:
        raise Conflict(
            f"a report can be rated once it was resolved, closed or refused; this one is "
            f"{report.status}",
            detail_vi="Chỉ đánh giá được khi phản ánh đã xử lý xong, đã đóng hoặc bị từ chối",
            status_now=report.status,
            allowed=list(rules.allowed(report, now)),
        )
    ended_at = report.resolved_at or report.closed_at
    days = rules.RATEABLE_FOR.days
    if ended_at is not None and now >= ended_at + rules.RATEABLE_FOR:
        raise Conflict(
            f"it ended more than {days} days ago and cannot be rated any more",
            detail_vi=f"Đã quá {days} ngày từ khi kết thúc nên không đánh giá được",
            status_now=report.status,
            allowed=list(rules.allowed(report, now)),
        )
    if report.rating == said.rating:
        return
    rules.check_count(report, ("rated",), MOST_RATINGS)
    await store.put(conn, report.id, {"rating": said.rating, "rated_at": now}, now)
    told = words(f"Người gửi đánh giá {said.rating}/5.", f"Its sender rated it {said.rating} of 5.")
    event = {"kind": "rated", **told, "data": {"rating": said.rating}}
    await store.tell(conn, report.id, [event], now)


def check_reopening(report: AnyRow, now: datetime) -> None:
    """Raises `Conflict` where its sender cannot open it again (any more)."""
    ended_at = report.resolved_at or report.closed_at
    reopens = report.status in ("resolved", "closed", "rejected")
    if reopens and ended_at is not None and is_reopenable(ended_at, now):
        rules.check_kept(report)
        rules.check_count(report, ("added",), rules.MOST_ADDITIONS)
        return
    days = REOPENABLE_FOR.days
    late = reopens and ended_at is not None
    why_en = f"that was more than {days} days ago" if late else f"it is {report.status}"
    why_vi = f"đã quá {days} ngày" if late else f"trạng thái là {report.status}"
    raise Conflict(
        f"you can open a report again within {days} days after it was resolved or refused; "
        f"{why_en}. Send a new report if it is still so",
        detail_vi=f"Chỉ mở lại được trong {days} ngày sau khi xử lý xong hoặc bị từ chối; "
        f"{why_vi}. Nếu sự việc vẫn còn, hãy gửi phản ánh mới",
        status_now=report.status,
        allowed=list(rules.allowed(report, now)),
    )


async def reopen(
    conn: AsyncConnection,
    report: AnyRow,
    said: Reopening,
    deadlines: Deadlines,
    now: datetime,
    reasons: Sequence[Words] = (),
) -> None:
    """Open an ended report again; why is a line of its own, as what one adds is, which its sender
    can have erased and the staff can hide.

    With `reasons` the staff are to look at it before the public does. Raises as `check_reopening`.
    """
    check_reopening(report, now)
    await looking.withhold(conn, report, reasons, now, said.text)
    work = _work(conn, deadlines, now)
    await work.move(await work.opened(report.code), "reopen", Said(said.text))
    await store.tell(conn, report.id, [events.added(said.text)], now)


def _work(conn: AsyncConnection, deadlines: Deadlines, now: datetime) -> Work:
    return Work(conn, Actor((CITIZEN,)), deadlines, now)
