"""Why a photo is refused, in Vietnamese and English: what it is, and how to mend it."""

from geo.errors import RefusedPhoto

MOST_BYTES = 20_000_000
# 8192 x 8192: the 48, 50 and 64 megapixels of today's phones fit.
MOST_PIXELS = 1 << 26
LONGEST_SIDE = 65_535

_TAKEN = "JPEG, PNG, WebP or HEIC"
_TAKEN_VI = "JPEG, PNG, WebP hoặc HEIC"

_SENTENCES = {
    "empty": (
        "the photo is empty (0 bytes); choose it again, after it has come down to the phone if it "
        "is kept online",
        "Ảnh trống (0 byte); hãy chọn lại, và nếu ảnh lưu trên mạng thì đợi tải xong về máy.",
    ),
    "too-large": (
        f"the photo is over {MOST_BYTES // 1_000_000} MB; send a smaller copy, or a screenshot "
        "of it",
        f"Ảnh lớn hơn {MOST_BYTES // 1_000_000} MB; hãy gửi bản nhỏ hơn hoặc ảnh chụp màn hình.",
    ),
    "too-many-pixels": (
        f"the photo is over {MOST_PIXELS / 1e6:.0f} megapixels, or longer than {LONGEST_SIDE} "
        "pixels; send a smaller copy, or a screenshot of it",
        f"Ảnh lớn hơn {MOST_PIXELS / 1e6:.0f} megapixel hoặc dài hơn {LONGEST_SIDE} điểm ảnh; hãy "
        "gửi bản nhỏ hơn hoặc ảnh chụp màn hình.",
    ),
    "other-type": (
        f"this is {{what}}, whatever its name says; send the photo as {_TAKEN}",
        f"Tệp này không phải là ảnh {_TAKEN_VI}, dù tên tệp ghi thế nào; hãy gửi ảnh ở một trong "
        "các dạng đó.",
    ),
    "animated": (
        "the picture moves; send one still picture of it, such as a screenshot",
        "Đây là ảnh động; hãy gửi một ảnh tĩnh, ví dụ ảnh chụp màn hình.",
    ),
    "several-pictures": (
        "there are several pictures in this one file (of a 3D camera or a burst); send each one by "
        "itself, as JPEG",
        "Tệp này chứa nhiều ảnh (ảnh 3D hoặc chụp liên tiếp); hãy gửi từng ảnh một, dạng JPEG.",
    ),
    "broken": (
        "the photo cannot be read to its end: it is damaged, or only a part of it has come; send "
        "it again, or a screenshot of it",
        "Không đọc được trọn ảnh: ảnh bị hỏng hoặc mới tải lên một phần; hãy gửi lại hoặc gửi ảnh "
        "chụp màn hình.",
    ),
    "too-much-work": (
        "the photo takes more time or memory to read than one photo may; send a smaller copy, or "
        "a screenshot of it",
        "Đọc ảnh này tốn nhiều thời gian hoặc bộ nhớ hơn mức cho phép; hãy gửi bản nhỏ hơn hoặc "
        "ảnh chụp màn hình.",
    ),
    "not-clean": (
        "it is not certain that the photo would say nothing but its picture, so it was thrown "
        "away; send a screenshot of it",
        "Không chắc đã xoá hết dữ liệu đi kèm ảnh nên ảnh bị bỏ đi; hãy gửi ảnh chụp màn hình.",
    ),
}
REASONS = frozenset(_SENTENCES)


def refused(reason: str, what: str | None = None) -> RefusedPhoto:
    """The error to raise. `what`: what the file is, with its article, for `other-type`."""
    detail, detail_vi = _SENTENCES[reason]
    detail = detail.format(what=what or "another type of file")
    return RefusedPhoto(detail, reason=reason, detail_vi=detail_vi, what=what)
