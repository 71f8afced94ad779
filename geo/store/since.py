"""What a database knows that a backup of it does not: what was taken away since.

Read before the backup takes its place, and kept in a file of its owner's, because afterwards nobody
knows it any more. It names reports by their codes and holds hashes, no contact and no erased text.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from geo.errors import RefusedBackup
from geo.store import dumps, migrate

# Clocks of those who write times into the database differ; what is done twice does no harm.
_MARGIN = timedelta(hours=1)
BY_REPORTER = ("corrected", "pin_moved", "withdrawn")
"""Kinds of events by which a reporter changed what the public sees."""
KINDS = (
    *("erased", "contact", "photo_boxed", "photo_hidden", "hidden", "addition_hidden", "edited"),
    *BY_REPORTER,
)
"""Those, and all after which a report may show less than before."""

_REPORTS = """
SELECT r.code,
  ARRAY(SELECT DISTINCT e.kind FROM report_events AS e WHERE e.report_id = r.id
    AND e.at >= %(since)s AND e.kind = ANY(%(kinds)s)) AS kinds,
  r.erased_at IS NOT NULL AS wished, r.content_gone_at IS NOT NULL AS text_gone,
  EXISTS (SELECT 1 FROM report_contacts AS c WHERE c.report_id = r.id) AS contact,
  coalesce(r.withheld = 'hidden', false) AS hidden,
  CASE WHEN r.edited_at IS NOT NULL AND r.content_gone_at IS NULL THEN r.text END AS edited,
  (SELECT e.data ->> 'reason' FROM report_events AS e WHERE e.report_id = r.id
    AND e.kind = 'hidden' ORDER BY e.id DESC LIMIT 1) AS why,
  ARRAY(SELECT a.n FROM (SELECT row_number() OVER (ORDER BY e.id) AS n, e.public
    FROM report_events AS e WHERE e.report_id = r.id AND e.kind = 'added') AS a
    WHERE NOT a.public ORDER BY a.n) AS additions_hidden,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('n', p.n, 'sha256', p.sha256,
      'hidden', p.hidden) ORDER BY p.n), '[]')
    FROM photos AS p WHERE p.report_id = r.id) AS photos
FROM reports AS r
WHERE EXISTS (SELECT 1 FROM report_events AS e
  WHERE e.report_id = r.id AND e.at >= %(since)s AND e.kind = ANY(%(kinds)s))
ORDER BY r.code
"""
_ALL = {
    "accounts": """
SELECT u.email, u.disabled, u.role, u.ward_code, o.code AS organisation,
  encode(sha256(convert_to(u.password_hash, 'UTF8')), 'hex') AS password,
  u.totp_since IS NOT NULL AS second_step,
  ARRAY(SELECT encode(c.code_hash, 'hex') FROM recovery_codes AS c WHERE c.user_id = u.id)
    AS recovery_codes,
  ARRAY(SELECT ARRAY[i.issuer, i.sub] FROM user_identities AS i WHERE i.user_id = u.id)
    AS identities
FROM users AS u LEFT JOIN organisations AS o ON o.id = u.organisation_id
ORDER BY u.email
""",
    "revoked_keys": """
SELECT encode(key_hash, 'hex') AS key, revoked_at::text FROM api_keys WHERE revoked_at IS NOT NULL
""",
    "barred_devices": """
SELECT encode(device, 'hex') AS device, until::text, banned_at::text, banned_by, reason
FROM banned_devices WHERE until > now()
""",
    "mine": "SELECT r.code FROM citizen_reports AS m JOIN reports AS r ON r.id = m.report_id",
    "alerts": """
SELECT identifier::text, cancelled_at::text FROM alerts WHERE cancelled_at >= %(since)s
""",
    "retention": "SELECT category_code, contact_months, content_months FROM retention_rules",
    "audit": """
SELECT n, at::text, actor, action, subject, reason FROM audit_log WHERE at >= %(since)s ORDER BY n
""",
}


# Where there was nothing to read: as `read` has it.
_NOTHING: dict[str, Any] = {
    **{name: [] for name in (*_ALL, "reports", "reports_sent")},
    "same_city": False,
}
NAMES = (*_NOTHING, "since", "made_at", "newest_report", "unknown_since", "earlier")
"""What each list holds."""


def read(
    url: str,
    since: datetime,
    newest_report: str | None,
    now: datetime,
    lists: Sequence[dict[str, Any]] = (),
    blind: bool = False,
) -> dict[str, Any] | None:
    """What was taken away in the database at `url` since then, as JSON has it; None: nothing to do.

    `newest_report`: a code by which to see that the backup is one of this very database; `lists`:
    those of earlier restores that were made after the backup, oldest first; `blind`: by them alone.
    `unknown_since` tells from when on there is no knowledge, None: there is. Raises `RefusedBackup`
    where it cannot be read.
    """
    earlier = [
        {**one, "same_city": _knows(one, newest_report), "earlier": [], "audit": []}
        for one in lists
    ]
    # By these the backup that was put in the place of its city's database is seen to be one of it.
    before = [one for one in earlier if one["same_city"] and _at(one, "since") <= since]
    found = None if blind else _read(url, since, newest_report, before)
    if found is None and not earlier:
        return None
    related = found is not None and found.pop("related")
    if found is None:
        found = dict(_NOTHING)
    unknown = max([since, *(_at(one, "made_at") for one in before)])
    return {
        **found,
        "since": since.isoformat(),
        "made_at": now.isoformat(),
        "newest_report": newest_report,
        "unknown_since": None if related else unknown.isoformat(),
        "earlier": earlier,
    }


def _knows(found: dict[str, Any], code: str | None) -> bool:
    """Whether the database that a list was read from had the report."""
    own = found["same_city"] and code == found["newest_report"]
    return code is not None and (own or code in found["reports_sent"])


def _at(found: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(found[name])


def _read(
    url: str, since: datetime, newest_report: str | None, before: list[dict[str, Any]]
) -> dict[str, Any] | None:
    stands = migrate.current(url)
    if stands is None:
        return None
    try:
        with dumps.snapshot(url) as (db, _), db.cursor(row_factory=dict_row) as cursor:
            values = {"since": since - _MARGIN, "kinds": list(KINDS)}
            found: dict[str, Any] = {
                name: cursor.execute(query, values).fetchall() for name, query in _ALL.items()
            }
            found["reports"] = cursor.execute(_REPORTS, values).fetchall()
            same = "SELECT code FROM reports WHERE code = ANY(%s)"
            codes = [newest_report, *(one["newest_report"] for one in before)]
            there = [row["code"] for row in cursor.execute(same, (codes,)).fetchall()]
            found["same_city"] = newest_report in there
            found["related"] = bool(there)
            later = "SELECT code FROM reports WHERE created_at > %s ORDER BY code"
            sent = cursor.execute(later, (since,)).fetchall()
    except psycopg.Error as error:
        raise RefusedBackup(
            f"what was erased, hidden and revoked since {since:%Y-%m-%d %H:%M} cannot be read from "
            f"the database that is to be replaced (migration {stands}): "
            f"{str(error).splitlines()[0]}; mend it (`pinward db upgrade`), or say --blind to "
            "restore without, and see to it by hand"
        ) from None
    found["mine"] = [row["code"] for row in found["mine"]]
    found["reports_sent"] = [row["code"] for row in sent]
    return found
