"""A city of its own with its people, two organisations and promises, asked one thing at a time."""

import asyncio
from datetime import date
from types import SimpleNamespace

import psycopg
from modelled import HOUR, HOURS_OF, REPLY_H
from staffed import put_user

from geo.errors import PinwardError
from geo.reports.assigning import Intake
from geo.reports.city_rules import CityRules
from geo.reports.deadlines.rules import Deadlines, Rule
from geo.reports.routing import rules as routing
from geo.store.database import create_engine
from geo.wards.directory import WardDirectory

CITY = "Asia/Ho_Chi_Minh"
PEOPLE = ("crew", "crew-2", "hotline_agent", "ward_officer", "admin", "planner", "citizen", "timer")


class Place:
    """A city of its own, its people, one connection at a time."""

    def __init__(self, url):
        self.url = url
        self.loop = asyncio.new_event_loop()
        self.engine = create_engine(url, pool_size=1)
        self.people = {}
        with psycopg.connect(url) as db:
            ids = [row[0] for row in db.execute("SELECT id FROM organisations ORDER BY ward_code")]
            self.code_of = dict(db.execute("SELECT id, code FROM organisations").fetchall())
        self.own, self.lamps = ids[:2]
        for name in PEOPLE[:-2]:
            role = name.partition("-")[0]
            email = put_user(url, role, organisation=self.own, name=f"{name}-of-the-machine")
            with psycopg.connect(url) as db:
                (id_,) = db.execute("SELECT id FROM users WHERE email = %s", (email,)).fetchone()
            self.people[name] = SimpleNamespace(
                id=id_, role=role, ward_code=None, ward_id=None, organisation_id=self.own
            )
        promises = [Rule("*", "first_reply", REPLY_H * HOUR, "calendar")]
        promises += [Rule(name, "resolve", h * HOUR, "calendar") for name, h in HOURS_OF.items()]
        self.deadlines = Deadlines(CITY, promises)
        company = routing.Organisation(self.lamps, self.code_of[self.lamps], "Đèn", "Lamps")
        lamps = routing.Rule("lamps", 1, category="lighting", organisation=company)
        rules = CityRules(self.deadlines, routing.Router(CITY, [lamps]))
        wards = self.run(lambda conn: WardDirectory.load(conn, date(2026, 11, 23)))
        self.intake = Intake(wards, None, CITY, 250.0, rules)

    def run(self, what):
        async def whole():
            async with self.engine.begin() as conn:
                return await what(conn)

        return self.loop.run_until_complete(whole())

    def tries(self, what):
        """What it gives, or the refusal."""
        try:
            return self.run(what)
        except PinwardError as error:
            return error

    def close(self):
        self.loop.run_until_complete(self.engine.dispose())
        self.loop.close()
