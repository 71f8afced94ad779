"""Which column of a file holds what."""

import re
from collections.abc import Mapping, Sequence

from geo.errors import RefusedImport

# What each noun is called in 311 files met so far, likeliest first.
GUESSES: dict[str, tuple[str, ...]] = {
    "id": (
        *("id", "case_enquiry_id", "unique_key", "service_request_id", "sr_number", "case_id"),
        *("request_id", "report_id", "ticket_id", "objectid", "ma_phan_anh", "ma_so", "ma"),
    ),
    "category": (
        *("category", "type", "complaint_type", "service_name", "sr_type", "case_title", "reason"),
        *("request_type", "linh_vuc", "loai", "chuyen_muc"),
    ),
    "created": (
        *("created", "created_at", "created_date", "open_dt", "opened", "open_date", "requested"),
        *("requested_datetime", "date_created", "reported_at", "ngay_tao", "ngay_gui"),
    ),
    "closed": (
        *("closed", "closed_at", "closed_date", "closed_dt", "close_date", "resolved_at"),
        *("date_closed", "ngay_dong", "ngay_hoan_thanh"),
    ),
    "lon": ("lon", "lng", "long", "longitude", "x", "kinh_do"),
    "lat": ("lat", "latitude", "y", "vi_do"),
    "text": ("text", "description", "details", "descriptor", "comments", "subject", "noi_dung"),
    "status": ("status", "case_status", "state", "trang_thai"),
}
REQUIRED = ("id", "category", "created", "lon", "lat")


def chosen(header: Sequence[str], options: Mapping[str, str | None], name: str) -> dict[str, int]:
    """Noun → position in `header`: what the options name, else what is called like it.

    Raises `RefusedImport` when a named or a required column is not there, or is there twice.
    """
    plain = [_plain(column) for column in header]
    found: dict[str, int] = {}
    missing = []
    for noun, guesses in GUESSES.items():
        wanted = options.get(noun)
        if wanted is not None:
            found[noun] = _only(header, plain, wanted, name)
            continue
        guess = next((guess for guess in guesses if guess in plain), None)
        if guess is not None:
            found[noun] = _only(header, plain, guess, name)
        elif noun in REQUIRED:
            missing.append(noun)
    if missing:
        options_said = ", ".join(f"--{noun}" for noun in missing)
        raise RefusedImport(
            f"{name}: no column is called {' or '.join(missing)}; name it with {options_said}. "
            f"The file has: {', '.join(header) or 'no columns at all'}"
        )
    return found


def _only(header: Sequence[str], plain: Sequence[str], wanted: str, name: str) -> int:
    exact = [i for i, column in enumerate(header) if column == wanted]
    found = exact or [i for i, column in enumerate(plain) if column == _plain(wanted)]
    if not found:
        raise RefusedImport(f"{name} has no column {wanted!r}; it has: {', '.join(header)}")
    if len(found) > 1:
        raise RefusedImport(
            f"{name} has {len(found)} columns called {wanted!r}; rename one of them"
        )
    return found[0]


def _plain(column: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", column.strip().casefold()).strip("_")
