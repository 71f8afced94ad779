"""What reporters may do with their reports, and until when; a refusal names what they may."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from geo.errors import Conflict
from geo.reports.workflow.graph import MOVES, is_reopenable
from geo.store.database import AnyRow
from geo.store.tables.reports import OPEN_STATUSES

CORRECTABLE_FOR: Final = timedelta(minutes=30)
"""So long after sending may a report be made another one: time to see what one mistyped. Later
others have read it, and what they act on must not change under their hands."""

FARTHEST_M: Final = 500.0
"""So far in all may a pin be moved: a wrong tap is put right, another place is another report."""

RATEABLE_FOR: Final = timedelta(days=90)
"""So long after its end may a report be rated; later nobody remembers."""
RATEABLE: Final = ("resolved", "closed", "rejected")

MOST_CORRECTIONS: Final = 20
MOST_ADDITIONS: Final = 20
MOST_CONTACTS: Final = 40
"""So often in a report's life; the history is read by people."""

# Nobody has begun to work on it.
_UNTOUCHED = ("received", "assigned")

_NAMES = {
    "correct": ("sửa nội dung", "correct it"),
    "position": ("chỉnh vị trí", "move its pin"),
    "add": ("viết bổ sung", "add to it"),
    "confirm": ("xác nhận đã xong", "confirm that it is done"),
    "reopen": ("mở lại", "open it again"),
    "rate": ("đánh giá", "rate it"),
    "withdraw": ("rút lại", "withdraw it"),
    "contact": ("để lại hoặc xóa liên hệ", "leave or take back a contact"),
    "erase": ("xóa dữ liệu của mình", "erase your data"),
}


def correctable_until(created_at: datetime) -> datetime:
    """The moment from which on the report cannot be corrected."""
    return created_at + CORRECTABLE_FOR


def allowed(report: AnyRow, now: datetime) -> tuple[str, ...]:
    """As `allowed_in`; `report` has `status, created_at, resolved_at, closed_at`."""
    ended_at = report.resolved_at or report.closed_at
    return allowed_in(report.status, report.created_at, ended_at, now)


def allowed_in(
    status: str, created_at: datetime, ended_at: datetime | None, now: datetime
) -> tuple[str, ...]:
    """What its reporter may do with a report: some of `correct position add withdraw confirm reopen
    rate contact erase`; `ended_at`: when it was resolved, else closed."""
    found: list[str] = []
    if status in _UNTOUCHED and now < correctable_until(created_at):
        found += ["correct", "position"]
    if status in (*OPEN_STATUSES, "resolved"):
        found.append("add")
    if status in OPEN_STATUSES:
        found.append("withdraw")
    if status in MOVES["confirm"].starts:
        found.append("confirm")
    if status in MOVES["reopen"].starts and ended_at and is_reopenable(ended_at, now):
        found.append("reopen")
    if status in RATEABLE and (ended_at is None or now < ended_at + RATEABLE_FOR):
        found.append("rate")
    # What is told of oneself is one's own, always.
    return (*found, "contact", "erase")


def check(report: AnyRow, action: str, now: datetime) -> None:
    """Raises `Conflict` unless `action` is allowed now; `report` as `geo.store.own.row` has it."""
    can = allowed(report, now)
    if action not in can:
        raise refused(report.status, action, can)


def check_kept(report: AnyRow) -> None:
    """Raises `Conflict` where the text was erased: what comes after it would be kept for good."""
    if report.content_gone_at is not None:
        raise Conflict(
            "the text was erased, and nothing is added to what was erased; send a new report",
            detail_vi="Nội dung đã được xóa nên không thể bổ sung; hãy gửi phản ánh mới",
        )


def refused(status: str, action: str, can: Sequence[str]) -> Conflict:
    """The refusal of an action, in both languages, with what is allowed instead."""
    vi, en = _NAMES[action]
    late = action in ("correct", "position") and status in _UNTOUCHED
    minutes = int(CORRECTABLE_FOR.total_seconds() // 60)
    why_vi = f"đã quá {minutes} phút từ khi gửi" if late else f"trạng thái là {status}"
    why_en = f"it was sent more than {minutes} minutes ago" if late else f"it is {status}"
    can_vi, can_en = (", ".join(_NAMES[name][k] for name in can) for k in (0, 1))
    return Conflict(
        f"you cannot {en} any more: {why_en}. You can: {can_en}",
        detail_vi=f"Không thể {vi} nữa: {why_vi}. Bạn có thể: {can_vi}",
        status_now=status,
        allowed=list(can),
    )


def check_count(report: AnyRow, kinds: Sequence[str], most: int) -> None:
    """Raises `Conflict` where so many events of these kinds are in the history already."""
    if sum(report.counts.get(kind, 0) for kind in kinds) >= most:
        raise Conflict(
            f"this was done {most} times already, which is all; call the hotline for more",
            detail_vi=f"Đã thực hiện {most} lần, là tối đa; hãy gọi tổng đài nếu cần thêm",
        )
