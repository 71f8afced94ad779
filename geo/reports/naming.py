"""Categories of other systems → categories here: known by code, mapped, or made."""

import csv
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import RowMapping

from geo.errors import RefusedImport, UnknownCategory, UnreadableFile
from geo.reports.categories import nearest
from geo.store import categories as store
from geo.store.database import AsyncConnection

Mode = Literal["create", "map", "refuse"]

# Parent of all that imports make; not offered to citizens, nor are its children.
FAMILY = "imported"
# More names than that are no categories but texts.
MOST_MADE = 2_000


class CategoryNames:
    """Finds the code for a name of a file; in mode `create` makes what is missing.

    A `mapping` (name → code) is asked first. A name that is a code here, or (case aside) the name
    of a category that an import made, is that category. Names of the city's own categories do not
    count: "Illegal Dumping" elsewhere need not be what it is here, deadlines included.
    """

    def __init__(self, rows: Iterable[RowMapping], mode: Mode, mapping: Mapping[str, str]):
        self._mode = mode
        self._codes: dict[str, str] = {}
        self._promised: dict[str, Mapping[str, Any]] = {}
        self.made: list[str] = []
        for row in rows:
            self._promised[row["code"]] = row["deadlines"]
            if row["parent_code"] == FAMILY:
                self._codes[_fold(row["name_en"])] = row["code"]
        self._codes |= {_fold(code): code for code in self._promised}
        for name, code in mapping.items():
            if code not in self._promised:
                near = ", ".join(nearest(code, self._promised))
                raise UnknownCategory(
                    f"the category map sends {name!r} to {code!r}, which is no category here"
                    + (f"; the nearest are {near}" if near else "")
                )
            self._codes[_fold(name)] = code

    @classmethod
    async def load(
        cls, conn: AsyncConnection, mode: Mode, mapping: Mapping[str, str]
    ) -> "CategoryNames":
        """With the categories of the database; raises `UnknownCategory` on a wrong map."""
        return cls(await store.every(conn), mode, mapping)

    async def codes(self, conn: AsyncConnection, names: Iterable[str]) -> dict[str, str | None]:
        """Code of each name; None where it is unknown and must not be made."""
        names = list(names)
        missing = [name for name in names if _fold(name) not in self._codes]
        if missing and self._mode == "create":
            if len(missing) > MOST_MADE:
                raise RefusedImport(
                    f"the category column has {len(missing)} names not known here, such as "
                    f"{missing[0]!r}; if it is the wrong column, choose another with --category"
                )
            await self._make(conn, missing)
        return {name: self._codes.get(_fold(name)) for name in names}

    def resolve_days(self, code: str) -> int:
        """Days the category promises; 0 where it promises nothing."""
        return int(self._promised[code].get("resolve_days") or 0)

    async def _make(self, conn: AsyncConnection, names: list[str]) -> None:
        rows = []
        if FAMILY not in self._promised:
            rows.append(_row(FAMILY, None, "Nhập từ hệ thống khác", "From other systems"))
        for name in names:
            if _fold(name) in self._codes:
                continue
            code = self._free(f"{FAMILY}.{slug(name)}")
            rows.append(_row(code, FAMILY, name, name))
            self._codes[_fold(name)] = code
            self._promised[code] = {}
            self.made.append(code)
        await store.add_missing(conn, rows)
        self._promised.setdefault(FAMILY, {})

    def _free(self, code: str) -> str:
        taken, n = code, 1
        while taken in self._promised:
            n += 1
            taken = f"{code}-{n}"
        return taken


def read_map(path: Path) -> dict[str, str]:
    """A CSV of two columns, name there and code here; a header `name,code` is allowed.

    Raises `UnreadableFile` and `RefusedImport`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(f"the category map {path} cannot be read: {error}") from None
    for number, row in enumerate(rows, start=1):
        if len(row) != 2:
            raise RefusedImport(
                f"the category map {path.name} has {len(row)} columns in row {number}; "
                "it takes two: name there, code here"
            )
    if rows and [_fold(cell) for cell in rows[0]] in (["name", "code"], ["category", "code"]):
        rows = rows[1:]
    return {name.strip(): code.strip() for name, code in rows}


def slug(name: str) -> str:
    """A name as the last part of a code: `Street Light Outages` → `street-light-outages`."""
    plain = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    letters = "".join(c for c in plain if not unicodedata.combining(c)).lower()
    made = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:60].strip("-")
    return made or hashlib.sha256(name.encode()).hexdigest()[:8]


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().casefold()


def _row(code: str, parent: str | None, vi: str, en: str) -> dict[str, Any]:
    return {
        "code": code,
        "parent_code": parent,
        "name_vi": vi,
        "name_en": en,
        "icon": "other",
        "questions": [],
        "deadlines": {},
        "visibility": "public",
        "offered": False,
        "position": 10_000,
    }
