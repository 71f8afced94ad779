"""Three reports that random people move, merge, part, recategorise and leave lying: whatever was
done, each is as the model (`modelled`) says, and no line of a history is changed or lost."""

from collections import Counter
from random import Random
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from modelled import CATEGORIES, GRAPH, HOUR, OPEN, Model
from peopled import PEOPLE, Place
from tasked import SENT, put_tasks

import builders
from geo.errors import PinwardError
from geo.reports.duplicates.merging import merge, unmerge
from geo.reports.tasks.replay import Action, act
from geo.reports.workflow import timers
from geo.reports.workflow.acting import Actor, Said, Work
from geo.reports.workflow.recategorising import recategorise

ROWS = (
    "SELECT r.*, p.code AS parent FROM reports AS r LEFT JOIN reports AS p ON p.id = r.parent_id"
    " WHERE r.code = ANY(%s)"
)
LINES = (
    "SELECT r.code, e.* FROM report_events AS e JOIN reports AS r ON r.id = e.report_id"
    " WHERE r.code = ANY(%s) ORDER BY e.id"
)
# Of what may be done from where it is; a report that was taken back tells nothing any more.
OFTEN = {"withdraw": 1}
DICE = st.integers(0, 2**32 - 1)
A_MOVE = {"n": st.integers(0, 2), "dice": DICE}


@pytest.fixture(scope="module")
def place(clone, city_template):
    made = Place(clone(city_template))
    yield made
    made.close()


def the_machine(place, met):
    """The machine, at a place; `met` says how often what was tried was done."""

    class Reports(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.now, self.steps = SENT, 0
            codes = put_tasks(place.url, [builders.middle(0)] * 3, organisation_id=place.own)
            self.reports = [Model(code, organisation=place.own, lines=1) for code in codes]
            self.kept = {code: [] for code in codes}
            for each in self.reports:
                each.count()
            with psycopg.connect(place.url, autocommit=True) as db:
                for each in self.reports:
                    db.execute(
                        "UPDATE reports SET first_due_at = %s, first_warn_at = %s, due_at = %s,"
                        " warn_at = %s WHERE code = %s",
                        (
                            *reversed(each.moments["first_reply"]),
                            *reversed(each.moments["resolve"]),
                            each.code,
                        ),
                    )
            self.db = psycopg.connect(
                place.url, autocommit=True, row_factory=psycopg.rows.namedtuple_row
            )

        def chance(self, dice):
            """Small numbers come often: with how many steps it took, each means another."""
            self.steps += 1
            return Random(f"{dice} {self.steps}")

        def teardown(self):
            self.db.execute("UPDATE reports SET status = 'withdrawn', waits_since = NULL")
            self.db.close()

        def version(self, report, seen):
            made = [line.id for line in self.kept[report.code] if line.kind != "escalated"]
            return {"now": str(made[-1]), "old": str(made[-1] - 1), "any": None}[seen]

        def work(self, conn, who):
            known = place.people.get(who)
            parts = (known.role if known else who,)
            return Work(conn, Actor(parts, known and known.id), place.deadlines, self.now)

        def done(self, what, may, name):
            """Try it; whether it was done, which has to be what the model says."""
            found = place.tries(what)
            refused = isinstance(found, PinwardError)
            assert refused != bool(may), (name, may, found)
            met[name if may else f"not {name}"] += 1
            return not refused

        @rule(hours=st.sampled_from([1, 1, 2, 3, 5, 8, 8, 13, 40, 340]))
        def time_passes(self, hours):
            self.now += hours * HOUR

        @rule(**A_MOVE)
        def somebody_moves_it(self, **move):
            self.moves(**move)

        # Moves are most of what is done.
        @rule(**A_MOVE)
        def another_moves_it(self, **move):
            self.moves(**move)

        @rule(**A_MOVE)
        def a_third_moves_it(self, **move):
            self.moves(**move)

        def moves(self, n, dice):
            report, dice = self.reports[n], self.chance(dice)
            name, who = dice.choice(sorted(GRAPH)), dice.choice(PEOPLE)
            can = [
                name
                for name, (starts, *_) in sorted(GRAPH.items())
                for _ in range(OFTEN.get(name, 4))
                if report.status in starts
            ]
            if can and dice.random() < 0.8:
                name = dice.choice(can)
                who = dice.choice(
                    [who for who in PEOPLE if who.partition("-")[0] in GRAPH[name][2]]
                )
            seen = dice.choice(["any", "any", "now", "now", "now", "old"])
            text = dice.choice(["Đã thông cống"] * 9 + [" "])
            role, me = who.partition("-")[0], getattr(place.people.get(who), "id", None)
            starts, end, by, words = GRAPH[name]
            held = report.holder
            offline = who.startswith("crew") and dice.random() < 0.5
            may = (
                seen != "old"
                and role in by
                and report.status in starts
                and (text.strip() or not words)
                and not (role == "crew" and held not in (None, me))
                and not (name == "take" and held is not None)
                and not (name == "release" and held is None)
                and not (offline and report.organisation != place.own)
            )
            version = self.version(report, seen)
            to = place.code_of[dice.choice([place.own, place.lamps])]
            told = {"text": text, "organisation": to if name == "assign" else None}
            if offline:
                what = Action(uuid4(), report.code, name, version, **told)

                async def run(conn):
                    return await act(conn, place.people[who], what, place.deadlines, self.now)

            else:

                async def run(conn):
                    work = self.work(conn, who)
                    row = await work.opened(report.code, version)
                    await work.move(row, name, Said(**told))

            if not self.done(run, may, name):
                return
            if offline:
                # Sent once more: nothing more comes of it.
                assert place.tries(run).again
                met["again"] += 1
            self.moved(report, name, end, me)
            if name == "assign":
                report.organisation = next(k for k, v in place.code_of.items() if v == to)

        def moved(self, report, name, end, me):
            report.becomes(end, self.now, name)
            report.lines += 1
            if name not in ("take", "start", "wait"):
                report.holder = None
            elif name != "wait" and report.holder is None:
                report.holder = me
            for child in self.reports:
                if child.parent is report:
                    self.follows(child, name, end)
            if name == "reopen" and report.parent is not None:
                report.parent = report.merged = None

        def follows(self, child, name, end):
            if child.status == "duplicate" and end in ("resolved", "rejected", "closed"):
                child.status, child.resolved = "closed", self.now
                child.replied = child.replied or self.now
            elif child.status == "closed" and name == "reopen":
                child.status, child.resolved = "duplicate", None
            elif child.status == "duplicate" and name == "withdraw":
                child.parts(self.now)
            else:
                return
            child.lines += 1
            met["follows"] += 1

        @precondition(lambda self: any(each.status in OPEN for each in self.reports))
        @rule(dice=DICE)
        def somebody_merges(self, dice):
            dice = self.chance(dice)
            could = [each for each in self.reports if each.status in OPEN]
            child, parent = dice.choice(could), dice.choice(self.reports)
            if len(could) > 1 and dice.random() < 0.75:
                child, parent = dice.sample(could, 2)
            who = dice.choice(["hotline_agent", "ward_officer", "admin", "crew"])
            seen = dice.choice(["any", "now", "now", "old"])
            family = {each.category.partition(".")[0] for each in (child, parent)}
            may = seen != "old" and who != "crew" and child is not parent and len(family) == 1
            may = may and {child.status, parent.status} <= OPEN
            version = self.version(child, seen)

            async def run(conn):
                work = self.work(conn, who)

                def check(row):
                    if version not in (None, str(row.version)):
                        raise PinwardError("seen")

                await merge(work, child.code, parent.code, Said("Trùng"), check, lambda row: None)

            if not self.done(run, may, "merge"):
                return
            before = child.status
            child.becomes("duplicate", self.now)
            child.parent, child.holder, child.merged = parent, None, (self.now, before)
            child.lines += 1
            parent.lines += 1
            for each in self.reports:
                if each.parent is child:
                    each.parent = parent
                    each.lines += each.status == "duplicate"

        @precondition(lambda self: any(each.status == "duplicate" for each in self.reports))
        @rule(dice=DICE)
        def somebody_parts(self, dice):
            dice = self.chance(dice)
            could = [each for each in self.reports if each.status == "duplicate"]
            child = dice.choice(could if could and dice.random() < 0.8 else self.reports)
            who = dice.choice(["ward_officer", "admin", "crew"])
            parent = child.parent

            async def run(conn):
                await unmerge(self.work(conn, who), child.code, Said("Khác chỗ"), lambda row: None)

            if self.done(run, child.status == "duplicate" and who != "crew", "unmerge"):
                child.parts(self.now)
                child.lines += 1
                parent.lines += 1

        @precondition(lambda self: any(each.status in OPEN for each in self.reports))
        @rule(dice=DICE)
        def somebody_recategorises(self, dice):
            dice = self.chance(dice)
            could = [each for each in self.reports if each.status in OPEN]
            report = dice.choice(could if dice.random() < 0.9 else self.reports)
            category = dice.choice(CATEGORIES)
            who = dice.choice(["hotline_agent", "ward_officer", "admin", "crew"])
            may = report.status in OPEN and who != "crew" and category != report.category

            async def run(conn):
                work = self.work(conn, who)
                row = await work.opened(report.code)
                await recategorise(work, row, category, "Nhầm lĩnh vực", place.intake)

            if not self.done(run, may, "recategorise"):
                return
            report.category = category
            to = place.lamps if category.startswith("lighting") else place.own
            report.lines += 1
            if to != report.organisation:
                report.becomes("assigned", self.now)
                report.organisation, report.holder = to, None
                report.lines += 1
            report.count()

        @rule(nth=st.integers(0, 3))
        def the_timers_run(self, nth):
            """Now, at the next moment of one of them, or after a long silence."""
            two = [moments for each in self.reports for moments in each.moments.values()]
            ahead = sorted(at for moments in two for at in moments if at > self.now)
            if nth == 3:
                self.now += 337 * HOUR
            elif nth and ahead:
                self.now = ahead[0]
            place.run(lambda conn: timers.escalate(conn, self.now))
            place.run(lambda conn: timers.close(conn, place.deadlines, self.now))
            for report in self.reports:
                for promise, moments in report.moments.items():
                    answered = promise == "first_reply" and report.replied is not None
                    if report.status not in OPEN - {"waiting"} or answered:
                        continue
                    told = sum(at <= self.now for at in moments)
                    report.lines += max(0, told - report.told[promise])
                    met[f"told {promise} {told}"] += told > report.told[promise]
                    report.told[promise] = max(told, report.told[promise])
            for report in self.reports:
                over = report.resolved is not None and report.resolved + 336 * HOUR <= self.now
                if report.status == "resolved" and over:
                    self.moved(report, "close", "closed", None)
                    met["silence"] += 1

        @invariant()
        def each_is_as_the_model_says(self):
            rows = {row.code: row for row in self.db.execute(ROWS, (list(self.kept),))}
            for report in self.reports:
                row = rows[report.code]
                for name in ("status", "waits_since", "resolved_at", "replied_at", "reopened"):
                    mine = {"waits_since": "waits"}.get(name, name.removesuffix("_at"))
                    assert getattr(row, name) == getattr(report, mine), (name, report)
                assert (row.holder_id, row.organisation_id, row.parent) == (
                    *(report.holder, report.organisation),
                    report.parent and report.parent.code,
                ), report
                assert report.parent is None or report.parent.status != "duplicate"
                first, last = report.moments["first_reply"], report.moments["resolve"]
                assert [row.first_warn_at, row.first_due_at] == first, report
                assert [row.warn_at, row.due_at] == last, report
                told = {"first_reply": row.first_escalated, "resolve": row.escalated}
                assert told == report.told, report

        @invariant()
        def no_line_of_a_history_is_changed_or_lost(self):
            found = {code: [] for code in self.kept}
            for line in self.db.execute(LINES, (list(self.kept),)):
                found[line.code].append(line)
            for report in self.reports:
                lines, kept = found[report.code], self.kept[report.code]
                assert lines[: len(kept)] == kept
                assert len(lines) == report.lines, report
                for line in lines[len(kept) :]:
                    move = GRAPH.get(line.data.get("move"))
                    if move is not None:
                        assert line.data["from"] in move[0]
                        assert line.data["to"] == move[1]
            self.kept = found

    return Reports


def test_whatever_is_done_to_three_reports_each_is_as_the_rules_say(place):
    met = Counter()
    # Of what is rare, one of its kind.
    rare = [
        ("confirm", "close", "silence"),
        ("release", "withdraw"),
        ("follows", "unmerge"),
        ("told first_reply 1", "told first_reply 2"),
        ("told resolve 1", "told resolve 2"),
    ]
    often = ["take", "start", "wait", "resolve", "reject", "reopen", "assign", "merge"]
    often += ["recategorise", "again", "not take", "not merge", "not reopen"]
    must = [*rare, *((each,) for each in often)]
    # Chance may leave the rarest out of one round.
    for _ in range(3):
        run_state_machine_as_test(
            the_machine(place, met),
            settings=settings(
                max_examples=32,
                stateful_step_count=50,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                # To make a failure smaller takes minutes; its steps are told as they were.
                phases=[Phase.generate],
            ),
        )
        left = [kinds for kinds in must if not any(met[each] for each in kinds)]
        if not left:
            return
    # Else nothing of it was tried.
    raise AssertionError((left, met))
