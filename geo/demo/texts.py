"""What the demo's people write: templates filled with streets, numbers and days.

`texts.json` holds the templates, by category. Slots: `{o}` a place, `{e}` the same in English (with
`{se}`, `{se2}`), `{s}` a street, `{s2}` one near it, `{m}` a landmark, `{t}` since when, `{h}` an
hour, `{n}` a small and `{k}` a house number, `{r}` a bus route, `{w}` the ward.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from geo.streets.names import in_english

_SLOT = re.compile(r"\{(\w+)\}")
# How people write: with a greeting, with a plea, in lower case, without marks, in English.
_WITH_LEAD, _WITH_TAIL = 0.28, 0.55
_LOWER, _PLAIN, _ENGLISH = 0.10, 0.06, 0.03


@cache
def templates() -> dict[str, Any]:
    """`texts.json` as it is."""
    packed = resources.files("geo.demo").joinpath("texts.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(packed)
    return found


def write(
    rng: np.random.Generator,
    categories: Sequence[str],
    ideas: Sequence[bool],
    streets: Sequence[str],
    near: Sequence[str],
    wards: Sequence[str],
    parent: Sequence[int],
) -> list[str]:
    """One text each for reports of `categories` on `streets` (with `near` round the corner).

    `ideas` marks citizens' proposals. All sequences are of one length.
    """
    writer = _Writer(rng.random(22 * max(len(categories), 1)))
    return [writer.text(*row) for row in zip(categories, ideas, streets, near, wards, strict=True)]


class _Writer:
    """Draws from a buffer of chance: asking numpy for one number at a time is slow."""

    def __init__(self, chance: Any) -> None:
        self._chance = chance.tolist()
        self._next = 0

    def _random(self) -> float:
        self._next = (self._next + 1) % len(self._chance)
        return float(self._chance[self._next])

    def _pick(self, choices: Sequence[str]) -> str:
        return choices[int(self._random() * len(choices))]

    def text(self, category: str, idea: bool, street: str, near: str, ward: str) -> str:
        all_ = templates()

        def fill(template: str) -> str:
            return _SLOT.sub(lambda slot: slots[slot[1]](), template)

        slots: dict[str, Callable[[], str]] = {
            "s": lambda: street,
            "s2": lambda: near,
            "w": lambda: ward,
            "o": lambda: fill(self._pick(all_["places"])),
            "e": lambda: fill(self._pick(all_["places_en"])),
            "se": lambda: in_english(street),
            "se2": lambda: in_english(near),
            "m": lambda: fill(self._pick(all_["landmarks"])),
            "t": lambda: fill(self._pick(all_["since"])),
            "h": lambda: self._pick(all_["hours"]),
            "n": lambda: str(2 + int(self._random() ** 2 * 7)),
            "k": lambda: self._house(),
            "r": lambda: f"số {1 + int(self._random() * 152):02d}",
        }
        if idea:
            return _capital(fill(self._pick(all_["ideas"][category])))
        if self._random() < _ENGLISH:
            return _capital(fill(self._pick(all_["en"][category.split(".")[0]])))
        said = _capital(fill(self._pick(all_[category])))
        if self._random() < _WITH_LEAD:
            lead = fill(self._pick(all_["leads"]))
            said = lead + (said if lead.endswith(": ") else said[0].lower() + said[1:])
        if self._random() < _WITH_TAIL:
            said = f"{said} {fill(self._pick(all_['tails']))}"
        return self._styled(said)

    def again(self, said: str) -> str:
        """What another person says of the same thing: nearly the same."""
        tail = self._pick([t for t in templates()["tails"] if "{" not in t])
        return self._styled(said if said.endswith(tail) else f"{said.rstrip('.')}. {tail}")

    def _styled(self, said: str) -> str:
        style = self._random()
        if style < _LOWER:
            return said.lower().rstrip(".")
        if style < _LOWER + _PLAIN:
            return without_marks(said).lower().rstrip(".")
        return said

    def _house(self) -> str:
        number = 1 + int(self._random() ** 1.6 * 620)
        form = self._random()
        if form < 0.65:
            return str(number)
        if form < 0.9:
            return f"{number}/{1 + int(self._random() * 60)}"
        return f"{number}{'ABCD'[int(self._random() * 4)]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def without_marks(text: str) -> str:
    """As typed by people without a Vietnamese keyboard: đ is d, no marks."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in plain if not unicodedata.combining(c))
