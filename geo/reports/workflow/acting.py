"""Moving a report: by whom, whether they may, what it says to its sender, what it changes.

Whoever moves a report holds its row until the transaction ends, so two who do it at once do it one
after the other, and the second is asked again whether the report still is what they saw
(`version`). Each move is one event: what the public reads, and in its `data` who did it, from which
status to which. What is for the staff alone is an event of its own.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from geo.errors import ChangedMeanwhile, Invalid, NotFound
from geo.photos import keeping
from geo.reports import codes
from geo.reports.deadlines.rules import FIRST_REPLY, RESOLVE, Deadlines
from geo.reports.duplicates.carrying import carry
from geo.reports.events import Words, the, words
from geo.reports.text import clean_text
from geo.reports.workflow import graph
from geo.reports.workflow.graph import CITIZEN
from geo.reports.workflow.timing import Terms, moved
from geo.store import own
from geo.store import work as store
from geo.store.database import AnyRow, AsyncConnection

LONGEST_NOTE: Final = 2_000
# Of one that is passed on again and again the last ones; its history has all.
_MOST_REASONS: Final = 8
NOTE: Final = "note"
"""Kind of the events that are for the staff alone."""
_KINDS: Final = {"reopen": "reopened", "take": "taken"}
"""Of the moves whose events are not of the kind of the status that they lead to."""
_ADDED: Final = words("Đã thêm ảnh.", "Photos were added.")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who moves a report: roles of `geo.store.users`, `CITIZEN`, `TIMER`; the account, if one."""

    parts: tuple[str, ...]
    account: int | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What comes with a move. `text` is public: the note of what was done, or the reason; `inner`
    is the staff's; `organisation` is the code of who answers from now on; `photos` are uploads."""

    text: str = ""
    inner: str = ""
    organisation: str | None = None
    photos: Sequence[str] = ()


class Work:
    """One who moves reports, in the caller's transaction, by the city's `deadlines`, at `now`.

    `noted` goes into the `data` of each event besides.
    """

    def __init__(
        self,
        conn: AsyncConnection,
        actor: Actor,
        deadlines: Deadlines,
        now: datetime,
        noted: Mapping[str, Any] | None = None,
    ) -> None:
        self.conn, self.actor, self.now = conn, actor, now
        self._deadlines, self._noted = deadlines, dict(noted or {})

    async def opened(self, typed_code: str, version: str | None = None) -> AnyRow:
        """The report, locked; raises `NotFound`, and `ChangedMeanwhile` where it is not `version`
        any more (None: whatever it is)."""
        code = codes.read_code(typed_code)
        row = await store.locked(self.conn, code) if code else None
        if row is None:
            raise NotFound("there is no report with this code; check it letter by letter")
        if version is not None and version != str(row.version):
            raise ChangedMeanwhile(
                "this report changed since you looked at it; look again. Nothing of yours was "
                "written, and nothing of what you typed is lost here",
                detail_vi="Phản ánh này đã thay đổi sau khi bạn xem; hãy xem lại rồi thực hiện. "
                "Nội dung bạn nhập chưa được ghi",
            )
        return row

    async def move(self, row: AnyRow, name: str, said: Said) -> None:
        """Make the move `name` of an opened report.

        Raises `NotAllowed`, `Conflict` naming what is allowed or `InHand` whose it is
        (`geo.reports.workflow.graph`), and `Invalid` where something wanted is missing.
        """
        move = graph.require(name, row.status, self.actor.parts)
        graph.require_free(move, row, self.actor.parts, self.actor.account)
        text, inner = clean_note("text", said.text), clean_note("inner", said.inner)
        _check_wanted(move, row, text, said)
        values = moved(row, move, self.terms(row), self.now)
        values["holder_id"] = graph.next_holder(move, row.holder_id, self.actor.account)
        done, data = move.done, {}
        if name == "assign":
            to = await self._organisation(said.organisation)
            values["organisation_id"] = to.id
            data["organisation"] = to.code
            done = words(f"Đã chuyển đến {to.name_vi}.", f"Passed on to {the(to.name_en)}.")
            because = words(f"Cán bộ chuyển đến {to.name_vi}: {text}", f"{done['en'][:-1]}: {text}")
            values["reasons"] = json.dumps([*row.reasons, because][-_MOST_REASONS:])
        await own.put(self.conn, row.id, values, self.now)
        if said.photos:
            data["photos"] = await self._attach(row, said.photos)
        # What its sender writes is theirs to erase and the staff's to hide: a line of its own
        # (`geo.reports.own.ending`).
        said_with_it = "" if CITIZEN in self.actor.parts else text
        await self.tell(row, move, _with(done, said_with_it), data)
        if inner:
            await self._note(row, words(inner, inner))
        # What is the same as this one ends with it, and is opened again with it.
        await carry(self, row, move, said_with_it)

    async def note(self, row: AnyRow, text: str, photos: Sequence[str] = ()) -> None:
        """Write for the staff alone, whatever the report's status; `photos` are uploads that go
        with those of the report, to whoever may see them. Raises `Invalid`."""
        said = clean_note("inner", text)
        if not said and not photos:
            raise Invalid.of("inner", "must say something, unless photos come with it")
        if not photos:
            await self._note(row, words(said, said))
            return
        added = await self._attach(row, photos)
        await own.touch(self.conn, row.id, self.now)
        await self._note(row, words(said, said) if said else _ADDED, photos=added)

    async def _attach(self, row: AnyRow, photos: Sequence[str]) -> list[int]:
        # Nothing would ever take them away again (`geo.reports.retention`).
        if row.content_gone_at is not None:
            raise Invalid.of("photos", "cannot be added: what this report showed was deleted")
        return await keeping.attach(self.conn, row.id, photos, self.now)

    async def _note(self, row: AnyRow, told: Words, **data: Any) -> None:
        event = {"kind": NOTE, **told, "data": {**data, **self.who()}}
        await own.tell(self.conn, row.id, [event], self.now, public=False)

    def terms(self, row: AnyRow) -> Terms:
        """What is promised this report."""
        category = (row.category_code, row.family, row.deadlines, row.created_at, row.promised)
        return Terms(
            self._deadlines.of(FIRST_REPLY, *category), self._deadlines.of(RESOLVE, *category)
        )

    async def _organisation(self, code: str | None) -> AnyRow:
        found = await store.organisation(self.conn, code) if code else None
        if found is None:
            raise Invalid.of("organisation", "is no organisation known here; give its code")
        return found

    async def tell(self, row: AnyRow, move: graph.Move, said: Words, data: dict[str, Any]) -> None:
        """The line of the history that a move is."""
        kind = _KINDS.get(move.name, move.end)
        told = {"move": move.name, "from": row.status, "to": move.end, **data, **self.who()}
        await own.tell(self.conn, row.id, [{"kind": kind, **said, "data": told}], self.now)

    def who(self) -> dict[str, Any]:
        """Who does it, for an event's `data`."""
        return {"account": self.actor.account, "as": self.actor.parts[0], **self._noted}


def clean_note(field: str, text: str) -> str:
    """What one of the staff wrote, as it is kept; "": nothing. Raises `Invalid`."""
    if not text.strip():
        return ""
    try:
        return clean_text(text, LONGEST_NOTE)
    except Invalid as error:
        raise Invalid.of(field, error.detail) from None


def _check_wanted(move: graph.Move, row: AnyRow, text: str, said: Said) -> None:
    if "note" in move.wants and not text:
        raise Invalid.of("text", "must say what was done; its sender reads it")
    if "reason" in move.wants and not text:
        raise Invalid.of("text", "must say why; its sender reads it")
    if "photo" in move.wants and row.photo_wanted and not said.photos:
        raise Invalid.of("photos", "must show what was done: this category wants a photo")
    if "organisation" in move.wants and not said.organisation:
        raise Invalid.of("organisation", "must name who answers from now on")


def _with(done: Words, text: str) -> Words:
    """The sentence, and what somebody wrote behind it as it was written."""
    return words(f"{done['vi']} {text}", f"{done['en']} {text}") if text else done
