"""A stretch of time: half-open, UTC, or it does not exist."""

from dataclasses import dataclass
from datetime import UTC, datetime

from geo.errors import Invalid


@dataclass(frozen=True, slots=True)
class Period:
    """`since <= t < until`; both carry a zone and are kept in UTC."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        for name in ("since", "until"):
            value: datetime = getattr(self, name)
            if value.tzinfo is None:
                raise Invalid(f"{name} needs a time zone, e.g. 2026-01-31T00:00:00Z")
            object.__setattr__(self, name, value.astimezone(UTC))
        if self.since >= self.until:
            raise Invalid(f"the period ends ({self.until}) before it begins ({self.since})")

    @property
    def days(self) -> float:
        """Length in days."""
        return (self.until - self.since).total_seconds() / 86400.0
