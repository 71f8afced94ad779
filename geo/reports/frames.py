"""Cleaned rows of a file as the tables that are stored."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geo.reports import columns, events
from geo.reports.bulk import event_table
from geo.reports.cleaning import Cleaned, statuses
from geo.reports.placing import Placed

Bools = npt.NDArray[np.bool_]

CHANNEL = "import"
_DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Frame:
    """The reports and events of a batch, as `report_batches.add` takes them; flags counted."""

    reports: pa.Table
    events: pa.Table
    flags: Counter[str]


def framed(
    cleaned: Cleaned,
    good: Bools,
    placed: Placed,
    piled: Bools,
    days: Mapping[str, int],
    source: str,
    now: datetime,
) -> Frame:
    """The good rows of a batch; `placed` and `piled` are of those only.

    A report closed before it was created keeps the flag and, in its first event, the time that was
    given; as a time of closing it would make every duration wrong, so it has none.
    """
    n = int(good.sum())
    kept = pa.array(good)
    created = cleaned.created.utc[good]
    closed = cleaned.closed.utc[good]
    has_closed = ~cleaned.closed.missing[good]
    backwards = has_closed & (closed < created)
    status, unknown_status = statuses(
        None if cleaned.status is None else cleaned.status.filter(kept),
        has_closed,
        placed.organised,
    )
    marked = {
        "default-point": piled,
        "outside-coverage": placed.outside,
        "closed-before-created": backwards,
        "ambiguous-local-time": cleaned.created.ambiguous[good],
        "nonexistent-local-time": cleaned.created.nonexistent[good],
        "unknown-status": unknown_status,
    }
    category = cleaned.category_code.filter(kept)
    promised = np.array([days.get(code, 0) for code in category.dictionary.to_pylist()] or [0])
    promised = promised[category.indices.to_numpy()]
    ids = columns.new_ids(n, now)
    no_close = ~has_closed | backwards
    closed_at = columns.times(closed, no_close)
    created_at = columns.times(created)
    reports = pa.table(
        {
            "id": ids,
            "code": columns.new_codes(n),
            "kind": columns.constant(n, "incident"),
            "category_code": category,
            "status": status,
            "text": cleaned.text.filter(kept),
            "geom": columns.points(cleaned.lon[good], cleaned.lat[good]),
            "accuracy_m": pa.nulls(n, pa.float64()),
            "ward_id": placed.ward_id,
            "ward_match": placed.ward_match,
            "ward_distance_m": placed.ward_distance_m,
            "organisation_id": placed.organisation_id,
            "reasons": placed.reasons,
            "channel": columns.constant(n, CHANNEL),
            "observed_at": pa.nulls(n, columns.TIME),
            "created_at": created_at,
            "updated_at": pc.coalesce(closed_at, created_at),
            "due_at": columns.times(created + promised * _DAY_US, promised == 0),
            "closed_at": closed_at,
            "source": columns.constant(n, source),
            "source_id": cleaned.source_id.filter(kept),
            "flags": columns.flags(n, marked),
            # What was said to its sender, and when, is not in such a file.
            "first_due_at": pa.nulls(n, columns.TIME),
            "first_warn_at": pa.nulls(n, columns.TIME),
            "warn_at": columns.times(created + promised * _DAY_US * 4 // 5, promised == 0),
            "replied_at": pa.nulls(n, columns.TIME),
            "waits_since": pa.nulls(n, columns.TIME),
            "resolved_at": closed_at,
        }
    )
    counts = Counter({name: int(mask.sum()) for name, mask in marked.items() if mask.any()})
    told = _told(ids, created_at, closed_at, no_close, backwards, closed, source)
    return Frame(reports, told, counts)


def _told(
    ids: pa.Array,
    created_at: pa.Array,
    closed_at: pa.Array,
    no_close: Bools,
    backwards: Bools,
    closed: npt.NDArray[np.int64],
    source: str,
) -> pa.Table:
    """The first event of each report, then the closing of those that are closed."""
    n = len(ids)
    shut = pa.array(~no_close)
    later = int((~no_close).sum())
    first, last = events.imported(source), events.closed()
    data = ["{}"] * n
    for i in np.flatnonzero(backwards).tolist():
        given = np.datetime_as_string(np.datetime64(int(closed[i]), "us"), unit="s", timezone="UTC")
        data[i] = json.dumps({"closed_given": str(given)})

    def words(name: str) -> pa.Array:
        which = np.repeat([0, 1], [n, later])
        return columns.choose(which, [first[name], last[name]])

    return event_table(
        pa.concat_arrays([ids, ids.filter(shut)]),
        pa.concat_arrays([created_at, closed_at.filter(shut)]),
        words("kind"),
        words("vi"),
        words("en"),
        pa.array(data + ["{}"] * later, pa.string()),
    )
