"""The numbers of the service itself: what each is and, in both languages, what it means."""

from typing import Any, Final

import numpy as np

from geo.reports.events import Words, words
from geo.store.statistics.counting import Sums
from geo.store.statistics.vectors import BINS, COUNTS, Ints, seconds

FEWEST_RATINGS: Final = 5
"""Of fewer no mean is told: it would tell of single people, and of nothing else."""

DEFINITIONS: Final[dict[str, Words]] = {
    "received": words(
        "mọi phản ánh đã nhận, kể cả bị từ chối, trùng lặp hoặc đã rút; không tính lĩnh vực ẩn",
        "all reports that came in, also rejected, duplicate and withdrawn ones; hidden categories "
        "are not counted",
    ),
    "open": words(
        "trong số đó, đến nay chưa xong: đã nhận, đã giao, đang xử lý hoặc tạm chờ",
        "of these, not done by now: received, assigned, in progress or waiting",
    ),
    "closed": words(
        "trong số đó, số còn lại: đã giải quyết, đã đóng, bị từ chối, trùng lặp hoặc đã rút",
        "of these, all others: resolved, closed, rejected, duplicate or withdrawn",
    ),
    "share": words(
        "phần của nhóm trong tổng số đã nhận của câu trả lời này, từ 0 đến 1",
        "the group's part of all received in this answer, 0 to 1",
    ),
    "answered": words(
        "trong số đã nhận, số phản ánh đã có phản hồi đầu tiên của thành phố",
        "of those received, how many had a first reply of the city",
    ),
    "reply_due": words(
        "số phản ánh có hạn phản hồi đầu tiên mà đã được phản hồi, hoặc chưa xong, chưa phản hồi "
        "và đã quá hạn",
        "reports with a deadline of the first reply that were replied to, or that are open, "
        "without a reply and past that deadline",
    ),
    "reply_on_time": words(
        "phần của số đó được phản hồi đầu tiên không muộn hơn hạn, từ 0 đến 1",
        "the part of these whose first reply came no later than its deadline, 0 to 1",
    ),
    "reply_median_h": words(
        "một nửa số phản hồi đầu tiên đến trong thời gian này kể từ khi gửi; giờ theo lịch, sai số "
        "tối đa 2,5 % (dưới một phút được tính là một phút)",
        "half of the first replies came within this time since the report was sent; calendar "
        "hours, at most 2.5 % off (less than a minute counts as one)",
    ),
    "reply_p90_h": words(
        "chín phần mười số phản hồi đầu tiên đến trong thời gian này; như trên",
        "nine tenths of the first replies came within this time; as above",
    ),
    "due": words(
        "số phản ánh có hạn xử lý mà đã giải quyết, đóng hoặc từ chối, hoặc chưa xong và đã quá "
        "hạn; không tính trùng lặp và đã rút; thời gian tạm chờ đã được cộng vào hạn",
        "reports with a deadline that were resolved, closed or rejected, or that are open and past "
        "it; without duplicates and withdrawn ones; time spent waiting is part of the deadline",
    ),
    "on_time": words(
        "phần của số đó được giải quyết hoặc từ chối không muộn hơn hạn, từ 0 đến 1",
        "the part of these that was resolved or rejected no later than the deadline, 0 to 1",
    ),
    "result_median_h": words(
        "một nửa số phản ánh đã giải quyết, đóng hoặc từ chối có kết quả (lần gần nhất) trong thời "
        "gian này kể từ khi gửi, kể cả lúc tạm chờ; giờ theo lịch, sai số tối đa 2,5 %",
        "half of the resolved, closed and rejected reports had their (latest) result within this "
        "time since they were sent, waiting included; calendar hours, at most 2.5 % off",
    ),
    "result_p90_h": words(
        "chín phần mười có kết quả trong thời gian này; như trên",
        "nine tenths had their result within this time; as above",
    ),
    "finished": words(
        "số phản ánh đã có kết quả ít nhất một lần: đã giải quyết, đóng, từ chối hoặc mở lại",
        "reports that had a result at least once: resolved, closed, rejected or opened again",
    ),
    "reopened": words(
        "phần của số đó đã được mở lại ít nhất một lần, từ 0 đến 1",
        "the part of these that was opened again at least once, 0 to 1",
    ),
    "ratings": words("số phản ánh được người gửi chấm điểm", "reports that their senders rated"),
    "satisfaction": words(
        f"điểm trung bình, từ 1 đến 5; để trống khi dưới {FEWEST_RATINGS} lượt chấm",
        f"their mean, 1 to 5; empty where fewer than {FEWEST_RATINGS} did",
    ),
}

MEASURES: Final = tuple(DEFINITIONS)


def measures(sums: Sums, of: int) -> dict[str, list[Any]]:
    """All of `MEASURES`, in that order, of some groups: a list each, one value a group; `of` is how
    many all groups received."""
    n = {name: sums.counts[:, k] for k, name in enumerate(COUNTS)}
    enough = np.where(n["ratings"] >= FEWEST_RATINGS, n["ratings"], 0)
    return {
        "received": n["received"].tolist(),
        "open": n["open"].tolist(),
        "closed": (n["received"] - n["open"]).tolist(),
        "share": _parts(n["received"], np.full_like(n["received"], of), 6),
        "answered": n["answered"].tolist(),
        "reply_due": n["reply_due"].tolist(),
        "reply_on_time": _parts(n["reply_kept"], n["reply_due"], 6),
        "reply_median_h": _hours(sums.reply[:, 0]),
        "reply_p90_h": _hours(sums.reply[:, 1]),
        "due": n["due"].tolist(),
        "on_time": _parts(n["kept"], n["due"], 6),
        "result_median_h": _hours(sums.result[:, 0]),
        "result_p90_h": _hours(sums.result[:, 1]),
        "finished": n["finished"].tolist(),
        "reopened": _parts(n["reopened"], n["finished"], 6),
        "ratings": n["ratings"].tolist(),
        "satisfaction": _parts(n["rating_sum"], enough, 2),
    }


def _parts(n: Ints, of: Ints, digits: int) -> list[float | None]:
    """Quotients, None where nothing is divided by."""
    rounded = np.round(n / np.maximum(of, 1), digits)
    return [
        each if some else None for each, some in zip(rounded.tolist(), of.tolist(), strict=True)
    ]


# A bin's middle in hours; the last place is of -1: no time at all.
_HOURS: Final = (*(round(each / 3600, 3) for each in seconds(np.arange(BINS)).tolist()), None)


def _hours(bins: Ints) -> list[float | None]:
    return [_HOURS[each] for each in bins.tolist()]
