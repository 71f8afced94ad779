"""What a report has to be, whatever was done to it: the moves as DESIGN 7 lists them, and so many
hours of the calendar. It shares no code with what is asked about."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tasked import SENT

HOUR = timedelta(hours=1)
OPEN = {"received", "assigned", "in_progress", "waiting"}
DESK = {"hotline_agent", "ward_officer", "admin"}
FIELD = DESK | {"crew"}
# name: from where, where to, who; whether words are wanted
GRAPH = {
    "assign": (OPEN, "assigned", DESK, True),
    "take": ({"received", "assigned"}, "assigned", FIELD, False),
    "start": ({"assigned", "waiting"}, "in_progress", FIELD, False),
    "release": ({"assigned", "in_progress", "waiting"}, "assigned", FIELD, False),
    "wait": ({"assigned", "in_progress"}, "waiting", FIELD, True),
    "resolve": (OPEN, "resolved", FIELD, True),
    "reject": (OPEN, "rejected", DESK, True),
    "confirm": ({"resolved"}, "closed", {"citizen"}, False),
    "close": ({"resolved"}, "closed", {"timer"}, False),
    "reopen": ({"resolved", "closed", "rejected"}, "assigned", DESK | {"citizen"}, True),
    "withdraw": (OPEN, "withdrawn", {"citizen"}, False),
}
HOURS_OF = {"drainage": 24, "lighting": 48}
REPLY_H = 10
CATEGORIES = ("drainage.flooding", "drainage.blocked_drain", "lighting.lamp_out")


def due(start, hours, pauses):
    """So many hours after `start`, and so much later as lay in pauses that began before."""
    at = start + hours * HOUR
    for begin, end in sorted(pauses):
        if begin < at:
            at += end - begin
    return at


@dataclass
class Model:
    """What a report has to be."""

    code: str
    status: str = "assigned"
    category: str = CATEGORIES[0]
    organisation: int = 0
    holder: int | None = None
    start: datetime = SENT
    pauses: list = field(default_factory=list)
    waits: datetime | None = None
    parent: "Model | None" = None
    merged: tuple | None = None  # (when, status before)
    replied: datetime | None = None
    resolved: datetime | None = None
    reopened: int = 0
    moments: dict = field(default_factory=dict)
    told: dict = field(default_factory=lambda: {"first_reply": 0, "resolve": 0})
    lines: int = 0

    def count(self):
        """Its moments anew; what was told of one that moved is told again."""
        hours = HOURS_OF[self.category.partition(".")[0]]
        now = {"resolve": [due(self.start, part * hours, self.pauses) for part in (0.8, 1)]}
        if self.replied is None and not self.reopened:
            now["first_reply"] = [due(SENT, part * REPLY_H, self.pauses) for part in (0.8, 1)]
        for promise, moments in now.items():
            before = self.moments.get(promise, moments)
            same = [one == other for one, other in zip(before, moments, strict=True)]
            most = 0 if not same[0] else 2 if same[1] else 1
            self.told[promise] = min(self.told[promise], most)
            self.moments[promise] = moments

    def pause_ends(self, at):
        if self.waits is not None:
            self.pauses += [(self.waits, at)] if at > self.waits else []
            self.waits = None
            self.count()

    def becomes(self, status, at, move=""):
        self.pause_ends(at)
        self.status = status
        self.waits = at if status == "waiting" else None
        if move in ("start", "wait", "resolve", "reject") and self.replied is None:
            self.replied = at
        if status in ("resolved", "rejected"):
            self.resolved = at
        if move == "reopen":
            self.start, self.pauses, self.resolved = at, [], None
            self.reopened += 1
            self.count()

    def parts(self, at):
        """It stands on its own again, as it was before it was merged."""
        since, before = self.merged
        self.status = "assigned" if before == "in_progress" else before
        self.pauses += [(since, at)] if at > since else []
        self.waits = at if before == "waiting" else None
        self.parent = self.merged = None
        self.count()
