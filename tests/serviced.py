"""Reports whose work changes at random, and their numbers asked of plain SQL over the tables."""

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg

ZONE = "Asia/Ho_Chi_Minh"
BEGIN = datetime(2024, 10, 20, tzinfo=UTC)
# two of one family; public, blurred and hidden ones
CATEGORIES = (
    *("drainage.flooding", "drainage.blocked_drain", "noise.neighbours", "health.outbreak"),
    *("order.gambling", "lighting.lamp_out"),
)
STATUSES = (
    *("received", "assigned", "in_progress", "waiting", "resolved", "closed", "closed"),
    *("rejected", "duplicate", "withdrawn"),
)
OPEN = "r.status IN ('received', 'assigned', 'in_progress', 'waiting')"
DONE = "r.status IN ('resolved', 'closed', 'rejected')"
ENDED = "coalesce(r.resolved_at, r.closed_at)"
LATE = f"{OPEN} AND r.due_at < now() AND (r.waits_since IS NULL OR r.due_at <= r.waits_since)"
REPLY_LATE = f"{OPEN} AND r.replied_at IS NULL AND r.first_due_at < now()"
REPLY_DUE = f"r.first_due_at IS NOT NULL AND (r.replied_at IS NOT NULL OR {REPLY_LATE})"
DUE = f"r.due_at IS NOT NULL AND ({DONE} AND {ENDED} IS NOT NULL OR {LATE})"

NUMBERS = {
    "received": "count(*)",
    "open": f"count(*) FILTER (WHERE {OPEN})",
    "answered": "count(r.replied_at)",
    "reply_due": f"count(*) FILTER (WHERE {REPLY_DUE})",
    "reply_kept": "count(*) FILTER (WHERE r.replied_at <= r.first_due_at)",
    "due": f"count(*) FILTER (WHERE {DUE})",
    "kept": f"count(*) FILTER (WHERE {DONE} AND {ENDED} <= r.due_at)",
    "finished": f"count(*) FILTER (WHERE {DONE} OR r.reopened > 0)",
    "reopened": "count(*) FILTER (WHERE r.reopened > 0)",
    "ratings": "count(r.rating)",
    "rating_sum": "coalesce(sum(r.rating), 0)",
}
TIMES = {
    "reply_s": "extract(epoch FROM r.replied_at - r.created_at)::float8",
    "result_s": f"extract(epoch FROM CASE WHEN {DONE} THEN {ENDED} END - r.created_at)::float8",
}
LOCAL = f"timezone('{ZONE}', r.created_at)"
BY = {
    "ward": {
        "then": "coalesce(CASE WHEN c.visibility = 'public' THEN moved.ward_id END, r.ward_id, 0)",
        "today": "coalesce(CASE WHEN c.visibility = 'public' THEN own.ward_id END, t.today_id,"
        " r.ward_id, 0)",
    },
    "organisation": "coalesce(r.organisation_id, 0)",
    "category": "c.number",
    "family": "coalesce(parent.number, c.number)",
    "channel": "(SELECT number FROM statistics_channels WHERE name = r.channel)",
    "month": f"(extract(YEAR FROM {LOCAL}) * 12 + extract(MONTH FROM {LOCAL}) - 1)::int",
    "year": f"extract(YEAR FROM {LOCAL})::int",
}
TABLES = """
reports AS r JOIN categories AS c ON c.code = r.category_code
LEFT JOIN categories AS parent ON parent.code = c.parent_code
LEFT JOIN wards_today AS t ON t.ward_id = r.ward_id
LEFT JOIN reports_today AS own ON own.report_id = r.id
LEFT JOIN LATERAL (
    SELECT coalesce(m.old_ward_id, 0) AS ward_id
    FROM reform_moves AS m JOIN reforms AS f ON f.id = m.reform_id
    WHERE m.report_id = r.id ORDER BY f.begun_at, f.id LIMIT 1
) AS moved ON true
"""
SEEN = "c.visibility <> 'hidden' AND r.withheld IS NULL"


def member(name, word):
    return BY[name][word] if name == "ward" else BY[name]


def truth(db, by, word, conditions, values):
    """By key the `NUMBERS` and the median and p90 of `TIMES` in seconds, straight from the rows."""
    keys = ", ".join(member(name, word) for name in by)
    times = ", ".join(
        f"percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY {took}) FILTER "
        f"(WHERE {took} IS NOT NULL)"
        for took in TIMES.values()
    )
    places = ", ".join(str(n + 1) for n in range(len(by)))
    found = db.execute(
        f"SELECT {keys}, {', '.join(NUMBERS.values())}, {times} FROM {TABLES} "
        f"WHERE {' AND '.join([SEEN, *conditions])} GROUP BY {places}",
        values,
    )
    return {tuple(map(int, row[: len(by)])): row[len(by) :] for row in found.fetchall()}


class Serviced:
    """A database whose reports one seed sends in, works on and moves about."""

    def __init__(self, url, seed):
        self.chance = random.Random(seed)
        self.db = psycopg.connect(url, autocommit=True)
        self.wards = [row[0] for row in self.db.execute("SELECT id FROM wards ORDER BY id")]
        self.organisations = [
            row[0] for row in self.db.execute("SELECT id FROM organisations ORDER BY id")
        ]

    def work(self, created_at):
        """What has been done for a report: columns and values that the table allows."""
        chance = self.chance
        status = chance.choice(STATUSES)

        def after(days):
            return created_at + timedelta(seconds=chance.expovariate(1 / (86400 * days)))

        def maybe(value, part=0.7):
            return value if chance.random() < part else None

        replied, due = maybe(after(1)), maybe(after(5), 0.9)
        return {
            "status": status,
            "created_at": created_at,
            "first_due_at": maybe(chance.choice((replied, None)) or after(1), 0.9),
            "replied_at": replied,
            "due_at": due,
            "resolved_at": maybe(after(4)) if status in ("resolved", "rejected") else None,
            "closed_at": (maybe(due) or after(5)) if status in ("closed", "duplicate") else None,
            "waits_since": after(3) if status == "waiting" else None,
            "reopened": chance.choice((0, 0, 0, 1, 2)),
            "rating": maybe(chance.randrange(1, 6), 0.4),
            "ward_id": chance.choice([None, *self.wards]),
            "organisation_id": chance.choice([None, *self.organisations]),
            "category_code": chance.choice(CATEGORIES),
            "channel": chance.choice(("web", "web", "phone", "zalo")),
            "kind": chance.choice(("incident", "incident", "suggestion")),
            "withheld": chance.choice((None,) * 8 + ("review", "hidden")),
        }

    def moment(self):
        """From the autumn of one year to today's, some a few days old."""
        if self.chance.random() < 0.2:
            return datetime.now(UTC) - timedelta(seconds=self.chance.randrange(86400 * 6))
        return BEGIN + timedelta(seconds=self.chance.randrange(86400 * 600))

    def insert(self, n):
        for _ in range(n):
            row = {"id": uuid4(), "code": uuid4().hex[:12], "text": "x", **self.work(self.moment())}
            self.db.execute(
                f"INSERT INTO reports ({', '.join(row)}, geom) VALUES "
                f"({', '.join(f'%({name})s' for name in row)}, "
                "ST_SetSRID(ST_MakePoint(106.61, 10.71), 4326))",
                row,
            )

    def _some(self):
        most = self.chance.randrange(1, 12)
        found = self.db.execute(
            "SELECT id, created_at FROM reports ORDER BY md5(code || %s) LIMIT %s",
            (str(self.chance.random()), most),
        )
        return found.fetchall()

    def change(self):
        """Work on some, move some, delete some, or none of that."""
        for each, created_at in self._some():
            if self.chance.random() < 0.1:
                self.db.execute("DELETE FROM reports WHERE id = %s", (each,))
                continue
            row = self.work(self.chance.choice((created_at, self.moment())))
            told = ", ".join(f"{name} = %({name})s" for name in row)
            self.db.execute(f"UPDATE reports SET {told} WHERE id = %(id)s", {**row, "id": each})

    def show(self):
        """Show a category otherwise."""
        self.db.execute(
            "UPDATE categories SET visibility = %s WHERE code = %s",
            (self.chance.choice(("public", "blurred", "hidden")), self.chance.choice(CATEGORIES)),
        )

    def reform(self):
        """Say otherwise in which wards some were or are."""
        reform = self.db.execute("SELECT id FROM reforms").fetchone()
        if reform is None:
            reform = self.db.execute(
                "INSERT INTO reforms (set_id, state, in_force_on, begun_at)"
                " SELECT id, 'applied', '2025-07-01', '2025-07-01' FROM ward_sets RETURNING id"
            ).fetchone()
            self.db.execute(
                "INSERT INTO wards_today VALUES (%s, %s)", (self.wards[0], self.wards[1])
            )
        self.db.execute("DELETE FROM reports_today WHERE random() < 0.3")
        self.db.execute("DELETE FROM reform_moves WHERE random() < 0.3")
        for each, _ in self._some():
            self.db.execute(
                "INSERT INTO reports_today VALUES (%s, %s) ON CONFLICT DO NOTHING",
                (each, self.chance.choice(self.wards)),
            )
            self.db.execute(
                "INSERT INTO reform_moves (reform_id, report_id, old_ward_id, old_ambiguous_with,"
                " old_reasons, old_status, new_ward_id, new_status)"
                " VALUES (%s, %s, %s, '{}', '[]', 'received', %s, 'received')"
                " ON CONFLICT DO NOTHING",
                (reform[0], each, self.chance.choice([None, *self.wards]), self.wards[0]),
            )
