"""Why a video is refused, in Vietnamese and English: what it is, and how to mend it."""

from geo.errors import RefusedVideo

MOST_BYTES = 50_000_000
MOST_SECONDS = 60
# 4096 x 2304: what phones call 4K, and a little more.
MOST_PIXELS = 4096 * 2304
LONGEST_SIDE = 4096

_TAKEN = "an MP4 or MOV as phones record it (H.264 or H.265)"
_TAKEN_VI = "MP4 hoặc MOV như điện thoại quay (H.264 hoặc H.265)"

_SENTENCES = {
    "empty": (
        "the video is empty (0 bytes); choose it again, after it has come down to the phone if it "
        "is kept online",
        "Video trống (0 byte); hãy chọn lại, và nếu video lưu trên mạng thì đợi tải xong về máy.",
    ),
    "too-large": (
        f"the video is over {MOST_BYTES // 1_000_000} MB; send a shorter part of it, or record it "
        "in 720p or 1080p",
        f"Video lớn hơn {MOST_BYTES // 1_000_000} MB; hãy gửi một đoạn ngắn hơn, hoặc quay ở 720p "
        "hay 1080p.",
    ),
    "too-long": (
        f"the video is over {MOST_SECONDS} seconds; send a shorter part of it",
        f"Video dài hơn {MOST_SECONDS} giây; hãy gửi một đoạn ngắn hơn.",
    ),
    "too-many-pixels": (
        "the video is larger than 4K (4096 x 2304 pixels); record it in 720p or 1080p",
        "Video lớn hơn 4K (4096 x 2304 điểm ảnh); hãy quay ở 720p hoặc 1080p.",
    ),
    "other-type": (
        f"this is {{what}}, whatever its name says; send the video as {_TAKEN}",
        f"Tệp này không phải là {_TAKEN_VI}, dù tên tệp ghi thế nào; hãy gửi video ở dạng đó.",
    ),
    "other-codec": (
        f"the pictures of the video are coded in a way that is not taken; send {_TAKEN}",
        f"Hình của video được mã hoá theo cách không nhận được; hãy gửi {_TAKEN_VI}.",
    ),
    "no-pictures": (
        "there are no moving pictures in the file; for a recording of sound alone, write what is "
        "to be said into the report",
        "Tệp không có hình động; nếu chỉ có âm thanh, hãy viết nội dung vào phản ánh.",
    ),
    "several-videos": (
        "there are several videos in this one file (of a 3D or multi-lens camera); send each one "
        "by itself, recorded in the plain mode",
        "Tệp này chứa nhiều video (quay 3D hoặc nhiều ống kính); hãy gửi từng video, quay ở chế độ "
        "thường.",
    ),
    "elsewhere": (
        "the video's pictures are not in the file, which only says where to find them; send the "
        "video itself",
        "Hình của video không nằm trong tệp mà ở nơi khác; hãy gửi chính video đó.",
    ),
    "broken": (
        "the video cannot be read to its end: it is damaged, or only a part of it has come; send "
        "it again, or photos of it",
        "Không đọc được trọn video: video bị hỏng hoặc mới tải lên một phần; hãy gửi lại hoặc gửi "
        "ảnh.",
    ),
    "too-much-work": (
        "the video takes more time or memory to read than one video may; send a shorter part of "
        "it, recorded in 720p or 1080p",
        "Đọc video này tốn nhiều thời gian hoặc bộ nhớ hơn mức cho phép; hãy gửi một đoạn ngắn "
        "hơn, quay ở 720p hoặc 1080p.",
    ),
    "not-clean": (
        "it is not certain that the video would say nothing but its pictures, so it was thrown "
        "away; send photos of it",
        "Không chắc đã xoá hết dữ liệu đi kèm video nên video bị bỏ đi; hãy gửi ảnh.",
    ),
}
REASONS = frozenset(_SENTENCES)


def refused(reason: str, what: str | None = None) -> RefusedVideo:
    """The error to raise. `what`: what the file is, with its article, for `other-type`."""
    detail, detail_vi = _SENTENCES[reason]
    detail = detail.format(what=what or "another type of file")
    return RefusedVideo(detail, reason=reason, detail_vi=detail_vi, what=what)
