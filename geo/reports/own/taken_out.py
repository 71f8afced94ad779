"""Whether a text says again what the staff took out: word by word, and number by number.

A hint for a look and no wall: who writes around it with other words gets through.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from geo.reports.keys import plain_phone

_WORD: Final = re.compile(r"\d+|[^\W\d_]+")
_LONG: Final = 6
_NUMBER: Final = re.compile(rf"\d(?:[\s.-]*\d){{{_LONG - 1},}}")
_COMMON_VI: Final = (
    "là và của có không được đã đang sẽ vẫn còn rồi nữa lại cũng rất quá lắm nhiều ít ở tại trong "
    "ngoài trên dưới trước sau này kia đó đây hôm nay qua ngày tuần tháng lúc giờ phút từ đến vào "
    "ra lên xuống cho với như thì mà bị do vì nên khi chưa mới cả các những một mọi người tôi "
    "chúng xin mong hơn thêm hết lần m cm km h"
)
_COMMON_EN: Final = (
    "a an and are at be been by for from had has have here in is it its no not now of on or please "
    "so still that the there this to today too very was we were with yesterday"
)


def _plain(text: str) -> str:
    """Without case and marks; digits of any dress are those of ASCII."""
    letters = unicodedata.normalize("NFKD", text.casefold().replace("đ", "d"))
    return "".join(one for one in letters if not unicodedata.combining(one))


# With their marks, or typed without any: "Vân" is a name, "vẫn" and "van" are in every other line.
_COMMON: Final = frozenset(
    each for word in f"{_COMMON_VI} {_COMMON_EN}".split() for each in (word, _plain(word))
)
# Two of these beside each other name nobody ("nhà ông"): they tell by what follows.
_LEADING: Final = frozenset(["anh", "ba", "bac", "chi", "chu", "co", "ho", "nha", "ong", "so"])


def comes_back(said: str, gone: Iterable[str], stands: Iterable[str]) -> bool:
    """Whether `said` holds what was in a text of `gone` and is in none that `stands`.

    The whole of it, whatever it was; a number of six digits or more, however it is spaced; or two
    of its words beside each other, in whichever order. What is common, or stands, is passed over:
    most of what anybody writes of the same thing is made of it. Case, marks and signs make no
    difference.
    """
    kept = "\n".join(stands)
    words, numbers = {_plain(word) for word in _words(kept)}, _numbers(kept)
    return any(_again(said, old, words, _numbers(old) - numbers) for old in gone)


def _again(said: str, old: str, stands: set[str], numbers: set[str]) -> bool:
    if any(one in other or other in one for one in numbers for other in _numbers(said)):
        return True
    before, now = ([(word, _plain(word)) for word in _words(text)] for text in (old, said))
    lost = {plain for _, plain in before} - stands
    if lost and [plain for _, plain in before] == [plain for _, plain in now]:
        return True
    telling = [plain for word, plain in before if plain in lost and word not in _COMMON]
    # Whose name is as a common word without its marks is known by them, in what was taken out.
    beside = [
        plain
        for word, plain in now
        if plain in telling or (plain not in stands and word not in _COMMON)
    ]
    return not _pairs(telling).isdisjoint(_pairs(beside))


def _words(text: str) -> list[str]:
    # Composed: a mark of its own would end the word.
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _numbers(text: str) -> set[str]:
    found = _NUMBER.findall(unicodedata.normalize("NFKC", text))
    plain = (plain_phone(re.sub(r"\D", "", one)).lstrip("0") for one in found)
    return {one for one in plain if len(one) >= _LONG}


def _pairs(words: list[str]) -> set[frozenset[str]]:
    found = {frozenset(pair) for pair in pairwise(words)}
    return {pair for pair in found if len(pair) > 1 and not pair <= _LEADING}
