"""The states of a report and the moves between them, as one table; whatever moves a report asks it.

A move is forbidden by its start (409, naming what is allowed there) or by who asks (403). What a
move changes besides (holder, pauses, duplicates, followers) is its own module's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from geo.errors import Conflict, InHand, NotAllowed
from geo.reports.events import Words, words
from geo.store.tables.reports import OPEN_STATUSES, STATUSES

REOPENABLE_FOR: Final = timedelta(days=14)
"""So long after it was resolved (or refused) its sender may say that it is not; then it closes."""

CITIZEN: Final = "citizen"
"""Whoever has the report's secret."""
TIMER: Final = "timer"
"""Nobody: time passed."""
_DESK = ("hotline_agent", "ward_officer", "admin")
_FIELD = ("crew", *_DESK)
HOLDING: Final = ("take", "start", "wait")
"""Moves after which somebody may have the report in hand; after all others nobody has."""


@dataclass(frozen=True, slots=True)
class Move:
    """`name` is the last part of its address; `wants` what must be said or shown with it."""

    name: str
    starts: tuple[str, ...]
    end: str
    by: tuple[str, ...]
    done: Words
    wants: tuple[str, ...] = ()


MOVES: Final[dict[str, Move]] = {
    each.name: each
    for each in (
        Move(
            "assign",
            OPEN_STATUSES,
            "assigned",
            _DESK,
            words("Đã chuyển đơn vị xử lý.", "Passed on to those who answer for it."),
            ("organisation", "reason"),
        ),
        Move(
            "take",
            ("received", "assigned"),
            "assigned",
            _FIELD,
            words("Đã có tổ nhận xử lý.", "Somebody has taken it in hand."),
        ),
        Move(
            "start",
            ("assigned", "waiting"),
            "in_progress",
            _FIELD,
            words("Đã bắt đầu xử lý.", "Work has begun."),
        ),
        Move(
            "release",
            ("assigned", "in_progress", "waiting"),
            "assigned",
            _FIELD,
            words("Đã trả lại, chờ tổ khác.", "Put down again for another crew."),
        ),
        Move(
            "wait",
            ("assigned", "in_progress"),
            "waiting",
            _FIELD,
            words("Đang chờ.", "It has to wait."),
            ("reason",),
        ),
        Move(
            "resolve",
            OPEN_STATUSES,
            "resolved",
            _FIELD,
            words("Đã xử lý xong.", "It was mended."),
            ("note", "photo"),
        ),
        Move(
            "reject",
            OPEN_STATUSES,
            "rejected",
            _DESK,
            words("Không tiếp nhận xử lý.", "It was refused."),
            ("reason",),
        ),
        Move(
            "merge",
            OPEN_STATUSES,
            "duplicate",
            _DESK,
            words("Trùng với phản ánh khác.", "The same as another report."),
            ("parent",),
        ),
        Move(
            "unmerge",
            ("duplicate",),
            "assigned",
            _DESK,
            words("Không còn coi là trùng.", "No longer held to be the same as another."),
            ("reason",),
        ),
        Move(
            "confirm",
            ("resolved",),
            "closed",
            (CITIZEN,),
            words("Người gửi xác nhận đã xong.", "Its sender confirmed that it is done."),
        ),
        Move(
            "close",
            ("resolved",),
            "closed",
            (TIMER,),
            words("Đã đóng sau 14 ngày.", "Closed after 14 days."),
        ),
        Move(
            "reopen",
            ("resolved", "closed", "rejected"),
            "assigned",
            (CITIZEN, *_DESK),
            words("Đã mở lại.", "Opened again."),
            ("reason",),
        ),
        Move(
            "withdraw",
            OPEN_STATUSES,
            "withdrawn",
            (CITIZEN,),
            words("Người gửi đã rút phản ánh.", "The reporter withdrew the report."),
        ),
    )
}


def allowed(status: str, who: Iterable[str]) -> tuple[str, ...]:
    """The names of the moves from a status that somebody who is all of `who` may make."""
    if status not in STATUSES:
        raise ValueError(f"no status: {status}")
    parts = frozenset(who)
    return tuple(
        name for name, move in MOVES.items() if status in move.starts and parts & set(move.by)
    )


def require(name: str, status: str, who: Iterable[str]) -> Move:
    """The move `name`, if it may be made from `status` by `who` (a role, `CITIZEN`, `TIMER`).

    Raises `NotAllowed` where it is for others, and else `Conflict` with what is `allowed`.
    """
    move, parts = MOVES[name], frozenset(who)
    if not parts & set(move.by):
        raise NotAllowed(f"to {name} a report is for {', '.join(move.by)}")
    if status not in move.starts:
        can = allowed(status, parts)
        raise Conflict(
            f"a report that is {status} cannot be {_PAST[name]}; from here one can "
            f"{', '.join(can) or 'do nothing'}",
            detail_vi=f"Phản ánh đang ở trạng thái {status} nên không thể {_VI[name]}; lúc này có "
            f"thể: {', '.join(_VI[each] for each in can) or 'không làm gì'}",
            status_now=status,
            allowed=list(can),
        )
    return move


def next_holder(move: Move, holder: int | None, account: int | None) -> int | None:
    """Who has a report in hand after a move that the `account` made: at most one.

    Who takes it, or starts what nobody took; it is kept while it waits.
    """
    if move.name not in HOLDING:
        return None
    return account if move.name != "wait" and holder is None else holder


def allowed_on(row: Any, who: Iterable[str], account: int | None) -> tuple[str, ...]:
    """As `allowed`, of a report that somebody may have in hand (`status, holder_id`)."""
    parts = tuple(who)
    return tuple(
        name
        for name in allowed(row.status, parts)
        if _hindrance(MOVES[name], row, parts, account) is None
    )


def require_free(move: Move, row: Any, who: Iterable[str], account: int | None) -> None:
    """Raise `InHand` where somebody else has the report in hand, and `Conflict` where there is
    nothing to take or to put down; both with what is `allowed`.

    The desk and the report's sender go on all the same; only taking it is for nobody then.
    `row` has `status, holder_id, holder_name`.
    """
    parts = tuple(who)
    facts = {"status_now": row.status, "allowed": list(allowed_on(row, parts, account))}
    match _hindrance(move, row, parts, account):
        case "held":
            raise InHand(
                f"{row.holder_name} has this report in hand; they or the desk can release it",
                detail_vi=f"{row.holder_name} đang xử lý phản ánh này; người đó hoặc bộ phận điều "
                "phối có thể trả lại",
                holder=row.holder_name,
                **facts,
            )
        case "mine":
            raise Conflict("you have this report in hand already", **facts)
        case "free":
            raise Conflict("nobody has this report in hand, so it cannot be put down", **facts)


def _hindrance(
    move: Move, row: Any, who: Iterable[str], account: int | None
) -> Literal["held", "mine", "free"] | None:
    if row.holder_id is None:
        return "free" if move.name == "release" else None
    if account is not None and row.holder_id == account:
        return "mine" if move.name == "take" else None
    return "held" if move.name == "take" or set(who) == {"crew"} else None


def is_reopenable(ended_at: datetime, now: datetime) -> bool:
    """Whether its sender may still open it again; the staff may at any time."""
    return now < ended_at + REOPENABLE_FOR


_VI: Final = {
    "assign": "chuyển đơn vị",
    "take": "nhận xử lý",
    "start": "bắt đầu xử lý",
    "release": "trả lại",
    "wait": "tạm chờ",
    "resolve": "báo đã xử lý xong",
    "reject": "từ chối",
    "merge": "gộp",
    "unmerge": "tách",
    "confirm": "xác nhận đã xong",
    "close": "đóng",
    "reopen": "mở lại",
    "withdraw": "rút lại",
}
_PAST: Final = {
    "assign": "passed on",
    "take": "taken",
    "start": "started",
    "release": "released",
    "wait": "put to wait",
    "resolve": "resolved",
    "reject": "refused",
    "merge": "merged",
    "unmerge": "unmerged",
    "confirm": "confirmed",
    "close": "closed",
    "reopen": "opened again",
    "withdraw": "withdrawn",
}
