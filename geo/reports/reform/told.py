"""The words and numbers of a reform's page, beside its map: HTML, Vietnamese first.

All that comes from files or the database is escaped here. Numbers have a narrow space for every
three digits and a point for decimals, which both languages read.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Any

from geo.reports.reform.plan import Plan
from geo.reports.reform.words import first_upper
from geo.store.organisations import ward_names
from geo.wards.directory import Ward

LISTED_AT_MOST = 200

_STATES = {
    None: ("Bản kế hoạch: chưa có gì thay đổi.", "A plan: nothing was changed."),
    "scheduled": ("Đã hẹn, sẽ thi hành khi đến ngày.", "Scheduled for its day."),
    "applying": ("Đang thi hành, chưa xong.", "Begun and not ended."),
    "applied": ("Đã thi hành; số liệu là phần còn lại.", "Applied; the numbers are what is left."),
    "undoing": ("Đang hủy.", "Being undone."),
}
_ROLES = {
    "hotline_agent": "Tổng đài viên",
    "crew": "Đội hiện trường",
    "ward_officer": "Cán bộ phường",
    "planner": "Cán bộ quy hoạch",
    "admin": "Quản trị",
}

Cell = str | int | float | None


class Safe(str):
    """HTML made here, whose parts are escaped."""


def both(vi: str, en: str) -> Safe:
    """One thing in both languages, the English one quieter."""
    return Safe(f'{escape(vi)} <span class="en" lang="en">{escape(en)}</span>')


def named(ward: Ward) -> str:
    """Name as people say it and code, not escaped."""
    return f"{_said(ward)} {ward.code}"


def count(value: int) -> str:
    """12 345, with narrow spaces that do not break."""
    return f"{value:,}".replace(",", "\u202f")


def km2(area_m2: float) -> str:
    """0.12 km²; 340 m² where that would be nothing."""
    if 0 < area_m2 < 10_000:
        return f"{count(max(1, round(area_m2)))}\u00a0m²"
    whole, _, rest = f"{area_m2 / 1e6:.2f}".partition(".")
    return f"{count(int(whole))}.{rest}\u00a0km²"


def share(value: float | None) -> str:
    """12.5 %; a dash where there is none."""
    return "–" if value is None else f"{100 * value:.1f}\u00a0%"


def told(plan: Plan, made_at: datetime | None) -> str:
    """What stands beside the map; `made_at` is when the numbers were read."""
    vi, en = _STATES[plan.state]
    read_at = ""
    if made_at is not None:
        read_at = both(f"Số liệu lúc {made_at:%H:%M %d/%m/%Y}.", f"As of {made_at:%Y-%m-%d %H:%M}.")
    day = plan.in_force_on
    return "".join(
        [
            f"<h1>{both(f'Điều chỉnh địa giới: {plan.set_name}', 'Boundary reform')}</h1>",
            f"<p>{both(f'Có hiệu lực từ {day:%d/%m/%Y}.', f'In force from {day} on.')} "
            f"{both(vi, en)} {read_at}</p>",
            _totals(plan),
            *_pairs(plan),
            *_disagreements(plan),
            *_pointing(plan),
            *_lists(plan),
        ]
    )


def _totals(plan: Plan) -> str:
    totals = plan.as_json()["totals"]
    lines = (
        (both("Phường, xã bị thay", "wards replaced"), totals["wards_before"]),
        (both("… bằng phường, xã mới", "by new ones"), totals["wards_after"]),
        (both("… còn lại, giữ nguyên", "others of the city that go on"), totals["wards_going_on"]),
        (both("Phản ánh đang mở ở đó", "open reports there"), totals["open"]),
        (both("… chuyển phường", "that move"), totals["moving"]),
        (both("… giữ phường, ranh giới mới", "in their ward's new version"), totals["renewed"]),
        (
            both("… có thể thuộc phường khác", "that may lie in another ward too"),
            totals["ambiguous"],
        ),
        (both("… ngoài mọi phường", "in no ward"), totals["outside"]),
        (both("Chưa có phường, nay có", "in none until now, get one"), totals["first"]),
        (both("Phường bị chia", "wards split"), len(plan.fates.split)),
        (both("Phường gộp từ nhiều phường", "made of several"), len(plan.fates.merged)),
        (both("Mã dùng lại cho phường khác", "codes reused"), len(plan.fates.reused)),
        (both("Đất mất", "ground lost"), km2(totals["lost_m2"])),
        (both("Đất thêm", "ground gained"), km2(totals["gained_m2"])),
    )
    return _table("", (), lines, 1)


def _pairs(plan: Plan) -> Iterable[str]:
    most = sorted(plan.pairs, key=lambda p: (-p.moving, p.old.code, p.new.code))
    rows = [
        (_ward(p.old), _ward(p.new), share(p.of_old), p.open, p.moving, p.ambiguous) for p in most
    ]
    yield _section(
        "pairs",
        both("Từ phường cũ đến phường mới", "From old to new wards"),
        (
            *(both("Phường cũ", "Old ward"), both("Phường mới", "New ward")),
            *(both("Phần đất cũ", "Of old ground"), both("Đang mở", "Open")),
            *(both("Chuyển", "Move"), both("Chưa chắc", "Unsure")),
        ),
        rows,
        2,
    )


def _disagreements(plan: Plan) -> Iterable[str]:
    if not plan.mapped:
        return
    old = {ward.code: ward for ward in (plan.wards.wards[i] for i in plan.before)}
    new = {ward.code: ward for ward in (plan.wards.wards[i] for i in plan.after)}
    rows = [
        (
            _ward(old[one.old]) if one.old in old else one.old,
            both("không có trong bảng", "not in the file")
            if one.new is None
            else (_ward(new[one.new]) if one.new in new else one.new),
            share(one.told),
            share(one.drawn if one.drawn is not None or one.new is None else 0.0),
            one.line,
        )
        for one in plan.disagreements
    ]
    yield _section(
        "disagreements",
        both("Bảng chuyển đổi khác ranh giới", "Mapping file against boundaries"),
        (
            *(both("Phường cũ", "Old ward"), both("Phường mới", "New ward")),
            *(both("Theo bảng", "By the file"), both("Theo ranh giới", "As drawn")),
            both("Dòng", "Line"),
        ),
        rows,
        2,
        even_empty=True,
    )


def _pointing(plan: Plan) -> Iterable[str]:
    found = plan.pointing
    yield _section(
        "accounts",
        both("Tài khoản cần xem lại", "Accounts to look at"),
        (
            *(both("Tài khoản", "Account"), both("Vai trò", "Role")),
            *(both("Phường không còn", "Ward that ends"), both("Mã sẽ chỉ", "Code would mean")),
        ),
        [
            (
                one.email,
                both(_ROLES.get(one.role, one.role), one.role),
                _ward(one.ward) if one.ward else one.organisation,
                _said(one.code_now) if one.code_now else "–",
            )
            for one in found.accounts
        ],
        4,
    )
    yield _section(
        "alerts",
        both("Cảnh báo ở phường không còn", "Alerts for wards that end"),
        (both("Cảnh báo", "Alert"), both("Đến", "Until")),
        [(row.headline_vi, f"{row.expires_at:%d/%m/%Y %H:%M}") for row in found.alerts],
        1,
    )


def _lists(plan: Plan) -> Iterable[str]:
    """What is looked up rather than read: folded."""
    yield _section(
        "reused",
        both("Mã dùng lại cho phường khác", "Codes reused"),
        (both("Mã", "Code"), both("Trước", "Before"), both("Sau", "After")),
        [(old.code, _said(old), _said(new)) for old, new in plan.fates.reused],
        3,
        folded=True,
    )
    yield _section(
        "committees",
        both("UBND của phường không còn", "Committees whose ward ends"),
        (both("UBND", "Committee"), both("Đang mở", "Open")),
        [
            (row.name_vi, row.open)
            for row in sorted(plan.pointing.committees, key=lambda row: -row.open)
        ],
        1,
        folded=True,
    )


def _section(
    name: str,
    title: Safe,
    head: Sequence[Safe],
    rows: Sequence[Sequence[Cell]],
    words: int,
    *,
    folded: bool = False,
    even_empty: bool = False,
) -> str:
    """A titled table of the first rows; nothing where there are none."""
    if not rows and not even_empty:
        return ""
    said = f'{title} <span class="n">({count(len(rows))})</span>'
    table = _table(f"of-{name}", head, rows[:LISTED_AT_MOST], words) if rows else ""
    if len(rows) > LISTED_AT_MOST:
        n = count(len(rows) - LISTED_AT_MOST)
        table += f"<p>{both(f'… và {n} dòng nữa, xem bằng', f'and {n} more, listed by')} --json</p>"
    if folded:
        return f'<details><summary id="of-{name}">{said}</summary>{table}</details>'
    return f'<h2 id="of-{name}">{said}</h2>{table}'


def _table(name: str, head: Sequence[Safe], rows: Sequence[Sequence[Cell]], words: int) -> str:
    """A table whose first `words` columns are words, the others numbers."""

    def cell(i: int, value: Cell, tag: str) -> str:
        scope = ' scope="col"' if tag == "th" else ""
        if tag == "td" and i == 0:
            tag, scope = "th", ' scope="row"'
        return f"<{tag}{scope}{' class=n' if i >= words else ''}>{_html(value)}</{tag}>"

    def line(cells: Sequence[Cell], tag: str) -> str:
        return "".join(cell(i, value, tag) for i, value in enumerate(cells))

    top = f"<thead><tr>{line(head, 'th')}</tr></thead>" if head else ""
    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    table = f"<table>{top}<tbody>{body}</tbody></table>"
    if not name:
        return table
    # Who has no mouse scrolls what has the focus.
    wide = " wide" if len(head) > 3 else ""
    return (
        f'<div class="scroll{wide}" role="region" tabindex="0" aria-labelledby="{name}">'
        f"{table}</div>"
    )


def _html(value: Any) -> str:
    if isinstance(value, Safe):
        return value
    if value is None:
        return "–"
    return escape(count(value) if isinstance(value, int) else str(value))


def _ward(ward: Ward) -> Safe:
    return Safe(f'{escape(_said(ward))} <span class="code">{escape(ward.code)}</span>')


def _said(ward: Ward) -> str:
    return first_upper(ward_names(ward.name, ward.kind)[0])
