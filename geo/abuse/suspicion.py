"""What makes a report one that the staff look at before the public does: rules, as data.

A report that meets one is taken in as every other, and its reporter sees it as usual; only the
public does not, until somebody of the staff has released it. So a rule may err: it costs a look.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from geo.abuse.buckets import Bucket, Limits

SHORTEST_TEXT: Final = 20
"""Letters and digits: "Mất điện" is said by many who never heard of each other."""

_DOMAINS: Final = (
    *("com", "net", "org", "info", "biz", "vn", "xyz", "top", "shop", "club", "site", "online"),
    *("store", "live", "vip", "win", "bet", "app", "link", "click", "me", "ly", "gg", "cc", "io"),
    *("ru", "cn"),
)
# Not with one capital, as a sentence begins whose space was forgotten ("hỏng đèn.Me"); nor what is
# the end of an e-mail address.
_ENDING: Final = "|".join([*_DOMAINS, *(each.upper() for each in _DOMAINS)])
_LINK: Final = re.compile(
    r"(?i:https?\s*:\s*/\s*/|\bwww\s*\.\s*\w)"
    rf"|(?<![@\w.-])[A-Za-z0-9][A-Za-z0-9.-]*\.(?:{_ENDING})\b(?!@)"
)
"""A scheme, www., or a name under a domain that those who advertise are fond of."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A reason for a look; `vi` and `en` are parts of a sentence that the staff read."""

    code: str
    vi: str
    en: str

    @property
    def told(self) -> dict[str, str]:
        """As it is kept with the report's history."""
        return {"code": self.code, "vi": self.vi, "en": self.en}


LINK: Final = Rule("link", "nội dung có liên kết", "the text holds a link")
SAME_TEXT: Final = Rule(
    "same-text",
    "cùng một nội dung được gửi nhiều lần trong vài giờ",
    "the same text was sent many times within hours",
)
ONE_SPOT: Final = Rule(
    "one-spot",
    "nhiều phản ánh từ cùng một mạng về cùng một chỗ trong vài phút",
    "many reports came from one network about one spot within minutes",
)
RULES: Final = (LINK, SAME_TEXT, ONE_SPOT)


def has_link(text: str) -> bool:
    """Whether the text names an address of the web; fullwidth and other dressed letters count."""
    return _LINK.search(unicodedata.normalize("NFKC", text)) is not None


def bare(text: str) -> str | None:
    """What two texts have in common that are the same but for case, marks, spaces and signs.

    None where it is so short that many would write it.
    """
    letters = unicodedata.normalize("NFKD", text.casefold().replace("đ", "d"))
    kept = "".join(one for one in letters if one.isalnum())
    return kept if len(kept) >= SHORTEST_TEXT else None


def noted(
    limits: Limits, network: str, text: str | None, place: tuple[float, float] | None
) -> list[tuple[Rule, Bucket, tuple[str, ...]]]:
    """The rules that count, of what is told: each with its bucket, and whose that is.

    `place`: longitude and latitude, degrees of WGS 84. A spot is a thousandth of one, some 110 m.
    """
    found: list[tuple[Rule, Bucket, tuple[str, ...]]] = []
    if text is not None and (said := bare(text)) is not None:
        found.append((SAME_TEXT, limits.text(), ("text", said)))
    if place is not None:
        spot = "{:.3f} {:.3f}".format(*place)
        found.append((ONE_SPOT, limits.spot(), ("spot", network, spot)))
    return found
