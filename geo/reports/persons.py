"""All that is kept on a person, for that person: of one report by its secret, or by the staff.

Law 91/2025 gives people access to their data. Names of things are in Vietnamese and English.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.types.multirange import Multirange

from geo import audit
from geo.errors import Invalid, NotFound
from geo.reports import contacts
from geo.reports.events import Words, words
from geo.reports.keys import Keys
from geo.reports.times import rfc3339
from geo.store import persons as store
from geo.store.database import AsyncConnection

LABELS: dict[str, Words] = {
    "code": words("Mã phản ánh", "Report code"),
    "kind": words("Loại", "Kind"),
    "category_code": words("Lĩnh vực", "Category"),
    "status": words("Trạng thái", "Status"),
    "text": words("Nội dung", "Text"),
    "lon": words("Kinh độ của vị trí chính xác (WGS 84)", "Longitude of the exact place (WGS 84)"),
    "lat": words("Vĩ độ của vị trí chính xác (WGS 84)", "Latitude of the exact place (WGS 84)"),
    "accuracy_m": words("Độ chính xác vị trí (mét)", "How exactly the place is known (metres)"),
    "ward": words("Phường, xã phụ trách", "Ward that answers"),
    "ward_code": words("Mã phường, xã", "Ward code"),
    "ward_match": words("Cách xác định phường, xã", "How the ward was found"),
    "ward_distance_m": words("Khoảng cách đến phường, xã (mét)", "Distance to the ward (metres)"),
    "ambiguous_with": words("Phường, xã có thể khác", "Wards it may also lie in"),
    "organisation": words("Đơn vị phụ trách", "Who answers"),
    "reasons": words("Lý do chuyển", "Why it went there"),
    "channel": words("Kênh gửi", "How it came"),
    "answers": words("Câu trả lời", "Answers to questions"),
    "observed_at": words("Thời điểm nhìn thấy", "When it was seen"),
    "created_at": words("Thời điểm gửi", "When it was sent"),
    "updated_at": words("Thay đổi gần nhất", "Last change"),
    "due_at": words("Hạn xử lý", "Due"),
    "closed_at": words("Thời điểm đóng", "Closed"),
    "priority": words("Mức ưu tiên (1 gấp, 3 chậm)", "Priority (1 at once, 3 when there is time)"),
    "promised": words("Thời hạn riêng của phản ánh này", "Promised to this report in particular"),
    "first_due_at": words("Hạn trả lời lần đầu", "First reply due"),
    "replied_at": words("Đã trả lời lần đầu lúc", "First reply at"),
    "first_warn_at": words("Nhắc trả lời từ", "Whoever answers is reminded to reply from"),
    "first_escalated": words(
        "Số lần đã nhắc trả lời", "How often it was told that time to reply runs out"
    ),
    "warn_at": words("Nhắc đơn vị xử lý từ", "Whoever answers is reminded from"),
    "escalated": words("Số lần đã nhắc về hạn", "How often it was told that time runs out"),
    "waits_since": words("Tạm chờ từ", "Waits since"),
    "runs_since": words("Tính hạn lại từ", "Time counted anew since"),
    "paused": words("Những lúc tạm chờ", "When it waited"),
    "resolved_at": words("Xử lý xong lúc", "Done at"),
    "reopened": words("Số lần mở lại", "How often opened again"),
    "rating": words("Điểm đánh giá (1 đến 5)", "Rating (1 to 5)"),
    "rated_at": words("Đánh giá lúc", "Rated at"),
    "supports": words("Số người cùng phản ánh", "How many said: me too"),
    "source": words("Nguồn nhập", "Imported from"),
    "source_id": words("Mã ở nguồn", "Its id there"),
    "flags": words("Ghi chú khi nhập", "Odd when imported"),
    "erased_at": words("Đã xóa theo yêu cầu lúc", "Erased at the reporter's wish"),
    "withheld": words("Không hiển thị công khai", "Out of the public's sight"),
    "edited_at": words("Thành phố sửa nội dung lúc", "Text edited by the city at"),
    "content_gone_at": words("Nội dung đã xóa lúc", "Text gone since"),
}
_CONTACT: dict[str, Words] = {
    "name": words("Họ tên", "Name"),
    "phone": words("Điện thoại", "Phone"),
    "email": words("Thư điện tử", "E-mail"),
}
MEMBERS: dict[str, Words] = {
    "report": words("Phản ánh", "The report"),
    "contact": words("Liên hệ bạn để lại", "The contact you left"),
    "history": words("Diễn biến", "What happened"),
    "inner_lines_not_shown": words(
        "Số dòng ghi chú nội bộ không nêu ở đây", "How many inner lines are not shown here"
    ),
    "looked_at_by_staff": words(
        "Cán bộ đã xem hoặc thay đổi", "What the staff looked at or changed"
    ),
    "known_if_sent_again": words(
        "Còn nhận ra nếu được gửi lại", "Known if the same is sent once more"
    ),
    "earlier_texts": words(
        "Nội dung trước khi thành phố sửa", "What it said before the city edited it"
    ),
    "device_known": words(
        "Còn lưu dấu (dạng băm, niêm phong) của thiết bị đã gửi",
        "A sealed hash of the device that sent it is kept",
    ),
    "kept_as_mine": words(
        "Được lưu trong tài khoản của người gửi", "Kept as theirs under somebody's sign-in"
    ),
    "photos": words("Ảnh và video", "Photos and videos"),
    "n": words("Số thứ tự", "Number"),
    "at": words("Thời điểm", "When"),
    "action": words("Việc đã làm", "What was done"),
    "reason": words("Lý do", "Why"),
    "public": words("Mọi người xem được", "Seen by everybody"),
    "replaced_at": words("Được thay lúc", "Replaced at"),
    "media_type": words("Định dạng tệp", "Kind of file"),
    "width": words("Chiều rộng (điểm ảnh)", "Width (pixels)"),
    "height": words("Chiều cao (điểm ảnh)", "Height (pixels)"),
    "hidden": words("Thành phố đã ẩn", "Hidden by the city"),
}
"""Members of the answer, and of what is in them, that have no label beside them; `LABELS` has the
others."""
_ABOUT = words(
    "Toàn bộ dữ liệu Pinward lưu về phản ánh này và người gửi. Địa chỉ mạng không được lưu. "
    "Mã bí mật chỉ được lưu dưới dạng băm.",
    "All that Pinward keeps on this report and its sender. No network address is kept; of the "
    "secret only a hash is.",
)


async def of_report(
    conn: AsyncConnection, report: contacts.Named, contact: dict[str, str], *, inner: bool
) -> dict[str, Any]:
    """All that is kept on a report (`id, code`) whose contact was read already, as JSON has it.

    `inner`: with lines of the history that only the staff sees; else how many those are, and
    nothing from which to see that it waits for a look (decision 109).
    """
    row = await store.report(conn, report.id, inner=inner)
    if row is None:
        raise NotFound("there is no report with this code; check it letter by letter")
    told = await store.events(conn, report.id, inner=inner)
    linked = await store.linked(conn, report.id)
    return {
        "code": report.code,
        "about": _ABOUT,
        "labels": MEMBERS,
        "report": _fields(dict(row)),
        "contact": _contact(contact),
        "history": [
            {
                "at": rfc3339(event["at"]),
                "kind": event["kind"],
                "public": event["public"],
                "text": words(event["text_vi"], event["text_en"]),
            }
            for event in told
        ],
        "inner_lines_not_shown": 0 if inner else await store.count_inner_events(conn, report.id),
        "looked_at_by_staff": [
            {"at": rfc3339(line["at"]), "action": line["action"], "reason": line["reason"]}
            for line in await store.looked_at(conn, report.id, report.code, inner=inner)
        ],
        "known_if_sent_again": await store.sent_with_key(conn, report.code, row["created_at"]),
        "earlier_texts": [
            _written(dict(each)) for each in await store.earlier_texts(conn, report.id)
        ],
        # Not which: that is sealed, and nobody's to know.
        "device_known": linked["device"],
        "kept_as_mine": linked["mine"],
        "photos": [_written(dict(each)) for each in await store.of_photos(conn, report.id)],
    }


async def of_person(
    conn: AsyncConnection,
    *,
    phone: str | None,
    email: str | None,
    keys: Keys,
    actor: str,
    why: str,
    now: datetime,
) -> dict[str, Any]:
    """All that is kept on who gave this phone or this e-mail address, for one of the staff.

    A line of the audit log for each report that is opened, and one for having looked. Raises
    `Invalid` when neither is given, `NotReady` as `contacts.find` does.
    """
    if not (phone or email):
        raise Invalid("say whose data: --phone or --email, as the person gave it")
    found, those = [], []
    for report_id in await contacts.find(conn, phone=phone, email=email, keys=keys):
        report = await store.report(conn, report_id, inner=True)
        assert report is not None
        those.append(contacts.Named(report_id, report["code"]))
        found.append(await of_report(conn, those[-1], {}, inner=True))
    # Last: from the first line on all others who write to the audit log wait.
    for named, told in zip(those, found, strict=True):
        contact = await contacts.read(
            conn, named, keys=keys, actor=actor, why=why, now=now, action="person.export"
        )
        told["contact"] = _contact(contact)
    # Not whose: the log names nobody but the staff.
    subject = f"{len(found)} reports of one person"
    await audit.write(
        conn, actor=actor, action="person.export", subject=subject, reason=why, now=now
    )
    return {"made_at": rfc3339(now), "reports": found}


def _contact(given: dict[str, str]) -> list[dict[str, Any]]:
    return [{"name": name, "label": _CONTACT[name], "value": said} for name, said in given.items()]


def _fields(row: dict[str, Any]) -> list[dict[str, Any]]:
    row["category_code"] = {
        "code": row["category_code"],
        "name": words(row.pop("category_vi"), row.pop("category_en")),
    }
    vi, en = row.pop("organisation_vi"), row.pop("organisation_en")
    row["organisation"] = words(vi, en) if vi else None
    return [
        # Better a bare name than an answer that leaves something out.
        {"name": name, "label": LABELS.get(name, words(name, name)), "value": value}
        for name, value in _written(row).items()
    ]


def _written(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value) if isinstance(value, UUID | date | Multirange) else value
