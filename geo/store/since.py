"""What a database knows that a backup of it does not: what was taken away since.

Read before the backup takes its place, and kept in a file of its owner's, because afterwards nobody
knows it any more. It names reports by their codes and holds hashes, no contact and no erased text.
"""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
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
    "audit": """
SELECT n, at::text, actor, action, subject, reason FROM audit_log WHERE at >= %(since)s ORDER BY n
""",
}


def read(url: str, since: datetime, newest_report: str | None) -> dict[str, Any] | None:
    """What was taken away in the database at `url` since then, as JSON has it; None: it is empty.

    `newest_report`: a code by which to see that the backup is one of this very database. Raises
    `RefusedBackup` where it cannot be read.
    """
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
            same = "SELECT 1 FROM reports WHERE code = %s"
            found["same_city"] = cursor.execute(same, (newest_report,)).fetchone() is not None
            later = "SELECT count(*) AS n FROM reports WHERE created_at > %s"
            found["reports_since"] = cursor.execute(later, (since,)).fetchall()[0]["n"]
    except psycopg.Error as error:
        raise RefusedBackup(
            f"what was erased, hidden and revoked since {since:%Y-%m-%d %H:%M} cannot be read from "
            f"the database that is to be replaced (migration {stands}): "
            f"{str(error).splitlines()[0]}; mend it (`pinward db upgrade`), or say --blind to "
            "restore without, and see to it by hand"
        ) from None
    found["mine"] = [row["code"] for row in found["mine"]]
    return {"since": since.isoformat(), **found}


def save(found: dict[str, Any], path: Path) -> None:
    """Write it to a new file for its owner alone, durably; raises `RefusedBackup`."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(found, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise RefusedBackup(
            f"what happened since cannot be kept in {path}: {error.strerror}; name another place "
            "with --keep. Nothing was replaced"
        ) from None


def load(path: Path) -> dict[str, Any]:
    """What `save` wrote; raises `RefusedBackup`."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        datetime.fromisoformat(found["since"])
        if not {*_ALL, "reports", "same_city", "reports_since"} <= found.keys():
            raise ValueError("something is missing")
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise RefusedBackup(
            f"{path} is no list of what happened since a backup, as `pinward db restore` keeps it"
        ) from None
    return dict(found)
