"""Reports that change at random, and the question asked of both the tiles and the table."""

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg

from geo.store.database import create_engine
from tiles import render
from tiles.address import TileAddress, tile_of
from tiles.filters import Filter
from tiles.layers import REPORTS

BEGIN = datetime(2024, 6, 1, tzinfo=UTC)
CLOCK = render.Clock(datetime(2026, 7, 1, tzinfo=UTC), "Asia/Ho_Chi_Minh")
# two of one family; public, blurred and hidden ones
CATEGORIES = (
    "drainage.flooding",
    "drainage.blocked_drain",
    "noise.neighbours",
    "health.outbreak",
    "order.gambling",
    "lighting.lamp_out",
)
STATUSES = ("received", "assigned", "in_progress", "resolved", "closed", "rejected")


class World:
    """A database whose reports one seed moves about."""

    def __init__(self, url: str, seed: int) -> None:
        self.url = url
        self.chance = random.Random(seed)
        self.db = psycopg.connect(url, autocommit=True)
        known = {row[0] for row in self.db.execute("SELECT code FROM categories")}
        assert known.issuperset(CATEGORIES)
        self.categories = list(CATEGORIES)
        self.wards = [row[0] for row in self.db.execute("SELECT id FROM wards ORDER BY id")]

    def place(self) -> tuple[float, float]:
        """Now and then one spot for many, or far away; else within some kilometres."""
        kind = self.chance.random()
        if kind < 0.15:
            return 106.61, 10.71
        if kind < 0.18:
            return self.chance.uniform(-180, 180), self.chance.uniform(-90, 90)
        return 106.63 + self.chance.gauss(0, 0.02), 10.72 + self.chance.gauss(0, 0.02)

    def moment(self) -> datetime:
        at = BEGIN + timedelta(seconds=self.chance.randrange(0, 86400 * 60))
        return at + timedelta(microseconds=self.chance.choice((0, 0, 1, 500_000)))

    def insert(self, n: int) -> None:
        with self.db.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO reports (id, code, category_code, status, kind, text, created_at,"
                " ward_id, geom) VALUES (%s, %s, %s, %s, %s, 'x', %s, %s,"
                " ST_SetSRID(ST_MakePoint(%s, %s), 4326))",
                [
                    (
                        uuid4(),
                        uuid4().hex[:12],
                        self.chance.choice(self.categories),
                        self.chance.choice(STATUSES),
                        self.chance.choice(("incident", "incident", "suggestion")),
                        self.moment(),
                        self.chance.choice([None, *self.wards]),
                        *self.place(),
                    )
                    for _ in range(n)
                ],
            )

    def change(self, n: int) -> None:
        """Close, recategorise, move, reassign, erase or redate some at random."""
        for _ in range(n):
            what, value = self.chance.choice(
                (
                    ("status = %s", self.chance.choice(STATUSES)),
                    ("category_code = %s", self.chance.choice(self.categories)),
                    ("kind = %s", self.chance.choice(("incident", "suggestion"))),
                    ("ward_id = %s", self.chance.choice([None, *self.wards])),
                    ("created_at = %s", self.moment()),
                    ("geom = ST_SetSRID(ST_MakePoint(%s, %s), 4326)", None),
                    ("", None),
                )
            )
            some = self.chance.randrange(1, 12)
            chosen = "id IN (SELECT id FROM reports ORDER BY md5(code || %s) LIMIT %s)"
            seed = str(self.chance.random())
            if not what:
                self.db.execute(f"DELETE FROM reports WHERE {chosen}", (seed, some // 3))
                continue
            values = self.place() if value is None and "geom" in what else (value,)
            self.db.execute(f"UPDATE reports SET {what} WHERE {chosen}", (*values, seed, some))

    def show(self) -> None:
        """Show a category otherwise."""
        self.db.execute(
            "UPDATE categories SET visibility = %s WHERE code = %s",
            (
                self.chance.choice(("public", "blurred", "hidden")),
                self.chance.choice(self.categories),
            ),
        )

    def reform(self) -> None:
        """Some wards become others today, and some reports have an answer of their own."""
        chance = self.chance
        old = chance.sample(self.wards, chance.randrange(0, 4))
        new = [ward for ward in self.wards if ward not in old]
        with self.db.transaction():
            for table in ("reports_today", "wards_today"):
                self.db.execute(f"DELETE FROM {table}")
            for ward in old:
                pair = (ward, chance.choice(new))
                self.db.execute("INSERT INTO wards_today VALUES (%s, %s)", pair)
            for (report,) in self.db.execute("SELECT id FROM reports ORDER BY code").fetchall():
                if chance.random() < 0.2:
                    self.db.execute(
                        "INSERT INTO reports_today VALUES (%s, %s)", (report, chance.choice(new))
                    )

    def filter(self) -> Filter:
        """A filter of any combination."""
        chance = self.chance

        def some(many, most=3):
            many = list(many)
            return tuple(sorted(chance.sample(many, chance.randrange(1, min(most, len(many)) + 1))))

        def maybe(value):
            return value if chance.random() < 0.5 else ()

        codes = [row[0] for row in self.db.execute("SELECT DISTINCT code FROM wards ORDER BY 1")]
        since = until = None
        if chance.random() < 0.7:
            ends = sorted((self._edge(), self._edge()))
            since, until = chance.choice(((ends[0], ends[1]), (ends[0], None), (None, ends[1])))
        ward = maybe(some(codes)) if codes else ()
        return Filter(
            category=maybe(some([*self.categories, "drainage", "order"])),
            status=maybe(some(STATUSES)),
            kind=maybe(some(("incident", "suggestion"), 1)),
            ward=ward,
            wards="today" if ward and chance.random() < 0.5 else None,
            since=since,
            until=until,
        )

    def _edge(self) -> datetime:
        at = self.moment()
        return self.chance.choice(
            (
                at,
                at.replace(minute=0, second=0, microsecond=0),
                at.replace(hour=0, minute=0, second=0, microsecond=0),
                at + timedelta(minutes=1),
            )
        )

    def expected(self, chosen: Filter) -> dict[str, int]:
        """Public reports by status, asked of the table."""
        found = self.db.execute(
            """
            SELECT r.status, count(*) FROM reports AS r
            JOIN categories AS c ON c.code = r.category_code
            LEFT JOIN wards_today AS t ON t.ward_id = r.ward_id
            LEFT JOIN reports_today AS own ON own.report_id = r.id
            LEFT JOIN wards AS w ON w.id = CASE
                WHEN NOT %(today)s THEN r.ward_id
                WHEN c.visibility = 'public' AND own.ward_id IS NOT NULL THEN own.ward_id
                ELSE coalesce(t.today_id, r.ward_id)
            END
            WHERE c.visibility <> 'hidden'
                AND (%(category)s::text[] IS NULL
                    OR c.code = ANY (%(category)s) OR c.parent_code = ANY (%(category)s))
                AND (%(status)s::text[] IS NULL OR r.status = ANY (%(status)s))
                AND (%(kind)s::text[] IS NULL OR r.kind = ANY (%(kind)s))
                AND (%(ward)s::text[] IS NULL OR w.code = ANY (%(ward)s))
                AND (%(since)s::timestamptz IS NULL OR r.created_at >= %(since)s)
                AND (%(until)s::timestamptz IS NULL OR r.created_at < %(until)s)
            GROUP BY 1
            """,
            {
                "category": list(chosen.category) or None,
                "status": list(chosen.status) or None,
                "kind": list(chosen.kind) or None,
                "ward": list(chosen.ward) or None,
                "today": chosen.wards == "today",
                "since": chosen.since,
                "until": chosen.until,
            },
        )
        return dict(found.fetchall())

    async def told(self, chosen: Filter, z: int, decode) -> tuple[dict[str, int], int]:
        """What all tiles of a zoom say: reports by status, and their `point_count`s' sum."""
        cells = [row[0] for row in self.db.execute("SELECT DISTINCT cell FROM reports")]
        engine = create_engine(self.url)
        by_status: dict[str, int] = {}
        total = 0
        seen: set[int] = set()
        for x, y in sorted({tile_of(cell, z) for cell in cells}):
            async with engine.connect() as conn:
                body = await render.tile(conn, REPORTS, TileAddress(z, x, y), chosen, CLOCK)
            for feature in decode(body)["reports"] if body else []:
                said = feature["properties"]
                total += said["point_count"]
                assert feature["id"] not in seen, "one id twice in a zoom"
                seen.add(feature["id"])
                if "status" in said:
                    by_status[said["status"]] = by_status.get(said["status"], 0) + 1
                for name, n in said.items():
                    status = name.removesuffix("_count")
                    if status in STATUSES and name != status:
                        by_status[status] = by_status.get(status, 0) + n
        await engine.dispose()
        return by_status, total
