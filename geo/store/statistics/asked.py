"""What is counted: of which reports, in whose wards, by whose clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from geo.store import report_wards


@dataclass(frozen=True)
class Asked:
    """Which reports, and what rows are by; what is None does not filter.

    `by` holds `ward`, `organisation`, `category`, `family`, `channel`, `month`, `year`; `word` says
    whose wards, as in `geo.store.report_wards`, and `wards` are ids of its answers; `categories`
    (codes) are such that the public may see, `organisations` ids. `since <= created_at < until`.
    Months are those of the wall clock in `timezone` (IANA).
    """

    by: Sequence[str]
    word: report_wards.Word
    timezone: str
    categories: Sequence[str]
    all_categories: bool = True
    wards: Sequence[int] | None = None
    organisations: Sequence[int] | None = None
    channels: Sequence[str] | None = None
    statuses: Sequence[str] | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def in_wards(self) -> bool:
        """Whether it matters in which ward a report is."""
        return "ward" in self.by or self.wards is not None
