"""What the desk answers again and again, written once for the whole city.

The desk fills `PLACES` in when it puts one into an answer, where it is read once more before it is
sent; so a template never writes to anybody by itself.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from geo.errors import ChangedMeanwhile, Conflict, Invalid, NotFound
from geo.reports.text import clean_text
from geo.store import answer_templates as store
from geo.store.database import AnyRow, AsyncConnection

PLACES: Final = ("code", "ward", "organisation")
"""What `{…}` in a text may name: the report's code, its ward and who answers."""
LONGEST: Final = 1_500
LONGEST_NAME: Final = 80
_PLACE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """Its name on the desk, and what it says; `text_en` may be empty. Raises `Invalid`."""

    name: str
    text_vi: str
    text_en: str = ""

    def __post_init__(self) -> None:
        self._clean("name", LONGEST_NAME, one_line=True)
        self._clean("text_vi", LONGEST)
        if self.text_en.strip():
            self._clean("text_en", LONGEST)
        for field in ("text_vi", "text_en"):
            for named in _PLACE.findall(getattr(self, field)):
                if named not in PLACES:
                    known = ", ".join(f"{{{each}}}" for each in PLACES)
                    raise Invalid.of(field, f"names {{{named}}}, which is none of {known}")

    def _clean(self, field: str, longest: int, one_line: bool = False) -> None:
        try:
            cleaned = clean_text(getattr(self, field), longest, one_line)
        except Invalid as error:
            raise Invalid.of(field, error.detail) from None
        object.__setattr__(self, field, cleaned)

    def values(self) -> dict[str, str]:
        """As the table has it."""
        return {"name": self.name, "text_vi": self.text_vi, "text_en": self.text_en.strip()}


async def add(conn: AsyncConnection, new: Template, account: AnyRow, now: datetime) -> int:
    """Keep one, returns its id; raises `Conflict` where one has its name, or there are too many."""
    await store.locked(conn)
    there = await store.every(conn)
    _free(there, new, None)
    if len(there) >= store.MOST:
        raise Conflict(f"there are {store.MOST} templates already; take away one that nobody uses")
    return await store.add(conn, new.values(), account.id, now)


async def change(
    conn: AsyncConnection, id: int, new: Template, version: int, account: AnyRow, now: datetime
) -> None:
    """Replace one that is still `version`; raises `NotFound`, `ChangedMeanwhile`, `Conflict`."""
    await store.locked(conn)
    there = await store.every(conn)
    _free(there, new, id)
    found = next((each for each in there if each.id == id), None)
    if found is None:
        raise NotFound("there is no such template (any more)")
    if found.version != version:
        raise ChangedMeanwhile(
            "this template changed since you opened it; look at it again. Nothing was written",
            detail_vi="Câu mẫu này đã được sửa sau khi bạn mở; hãy xem lại. Chưa ghi gì",
            version=found.version,
        )
    await store.change(conn, id, new.values(), account.id, now)


async def drop(conn: AsyncConnection, id: int) -> None:
    """Take one away; raises `NotFound`."""
    if not await store.drop(conn, id):
        raise NotFound("there is no such template (any more)")


def _free(there: list[AnyRow], new: Template, id: int | None) -> None:
    named = new.name.casefold()
    if any(each.name.casefold() == named and each.id != id for each in there):
        raise Conflict(
            f"there is a template called {new.name!r} already; change that one, or take another "
            "name",
            detail_vi=f"Đã có câu mẫu tên “{new.name}”; hãy sửa câu đó hoặc đặt tên khác",
        )
