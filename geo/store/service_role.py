"""The role as which the service and its worker work: it owns nothing, and row security binds it.

Roles are of the whole cluster of databases, grants of each. Both are made anew by every
`pinward db upgrade`, after the migrations: so a restored database gets them, too, and whatever a
later migration adds. Nothing of it is in a migration: where the owner may not make roles, the
migrations run all the same.
"""

import time
from typing import Final

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from geo.errors import NotReady
from geo.store.locks import Lock

ROLE: Final = "pinward_service"

_ALL: Final = "SELECT, INSERT, UPDATE, DELETE"
_READ: Final = "SELECT"
# What the service changes is any other table of ours. These are changed by commands alone.
GRANTS: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            *("alembic_version", "categories", "organisations", "facilities", "streets"),
            *("ward_sets", "wards", "ward_shapes", "wards_today"),
            *("reforms", "retention_rules", "zones", "routing_rules", "deadline_rules"),
            "city_days",
        ),
        _READ,
    ),
    # A report whose pin is moved is no longer what a reform found.
    **dict.fromkeys(("reports_today", "reform_moves"), "SELECT, DELETE"),
    # What was reported stays: an erasure blanks it.
    **dict.fromkeys(("reports", "report_events"), "SELECT, INSERT, UPDATE"),
    "audit_log": "SELECT, INSERT",
    # Not whose role and scope an account has: a slip in a route makes nobody an administrator.
    "users": _READ,
}
CHANGED: Final[dict[str, tuple[str, ...]]] = {
    "users": ("password_hash", "totp_sealed", "totp_since", "totp_step"),
}
"""Columns that the service may update where it may not update the table."""

_TABLES: Final = """
SELECT c.oid::regclass::text, c.relname, c.relkind
FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relkind, c.relname
"""
_FUNCTIONS: Final = """
SELECT p.oid::regprocedure::text, p.prosecdef FROM pg_proc AS p
WHERE p.pronamespace = 'public'::regnamespace
    AND (starts_with(p.proname, 'pinward_') OR starts_with(p.proname, 'procrastinate_'))
"""
# Somebody else's transaction changed the same row of a catalogue: it is enough to look again.
_RACED: Final = (errors.DuplicateObject, errors.UniqueViolation, errors.InternalError_)


def as_service(url: str) -> str:
    """The same database, every connection becoming the service's role as it begins.

    Weaker than a sign-in of its own: `SET ROLE NONE` undoes it.
    """
    told = conninfo_to_dict(url).get("options") or ""
    return make_conninfo(url, options=f"{told} -c role={ROLE}".strip())


def ensure(url: str) -> str | None:
    """Make the role where it is missing, and give it what it needs in this database.

    By the owner's URL; safe when many do it at once. Returns what somebody who may make roles has
    to do, where the owner may not; None: nothing.
    """
    with psycopg.connect(url, autocommit=True) as db:
        for left in range(9, -1, -1):
            try:
                return _ensure(db)
            except _RACED:
                if not left:
                    raise
                time.sleep(0.1)
    raise AssertionError


def _ensure(db: psycopg.Connection) -> str | None:
    owner = db.execute("SELECT current_user").fetchone()
    assert owner
    wanted = (
        f"CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO {sql.Identifier(owner[0]).as_string(db)};"
    )
    try:
        if not db.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone():
            db.execute(f"CREATE ROLE {ROLE} NOLOGIN")
        _become(db)
    except errors.InsufficientPrivilege:
        there = db.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone()
        if there:
            _grant(db)
            wanted = wanted.partition("; ")[2]
        return (
            f"the role {ROLE}, as which the service works, is not there for this owner, who may "
            f"not make it. Have somebody who may say once, as psql takes it:  {wanted}  and run "
            "`pinward db upgrade` again"
        )
    _grant(db)
    return None


def _become(db: psycopg.Connection) -> None:
    """Let the owner become the role, if that is not so already."""
    how = "SET" if db.info.server_version >= 160000 else "MEMBER"
    may = db.execute("SELECT pg_has_role(current_user, %s, %s)", (ROLE, how)).fetchone()
    if may and not may[0]:
        only = " WITH INHERIT FALSE, SET TRUE" if how == "SET" else ""
        db.execute(f"GRANT {ROLE} TO CURRENT_USER{only}")


def _grant(db: psycopg.Connection) -> None:
    """All grants of this database, in one transaction."""
    role = sql.Identifier(ROLE)
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(%s)", (Lock.MIGRATING,))
        db.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
        # What is made between two upgrades; those named in GRANTS get their own at the next one.
        for given, those in ((_ALL, "TABLES"), ("USAGE, SELECT", "SEQUENCES")):
            db.execute(
                sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {} ON {} TO {}").format(
                    sql.SQL(given), sql.SQL(those), role
                )
            )
        for table, name, kind in db.execute(_TABLES).fetchall():
            of = sql.SQL("SEQUENCE " if kind == "S" else "") + sql.SQL(table)
            given = "USAGE, SELECT" if kind == "S" else GRANTS.get(name, _ALL)
            db.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(of, role))
            db.execute(sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(given), of, role))
        for table, columns in CHANGED.items():
            there = db.execute(
                "SELECT attname FROM pg_attribute"
                " WHERE attrelid = to_regclass(%s) AND attname = ANY(%s) AND NOT attisdropped",
                (table, list(columns)),
            ).fetchall()
            if there:
                names = sql.SQL(", ").join(sql.Identifier(column) for (column,) in there)
                db.execute(
                    sql.SQL("GRANT UPDATE ({}) ON {} TO {}").format(
                        names, sql.Identifier(table), role
                    )
                )
        for function, as_owner in db.execute(_FUNCTIONS).fetchall():
            if as_owner:
                # Said by the migrations, too, but a backup holds no grants.
                db.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
            db.execute(
                sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(sql.SQL(function), role)
            )


def check(url: str) -> None:
    """Raise `NotReady` where the service cannot work by this URL, or must not.

    Quiet when no database answers, and before the first migration: who asks then is told so.
    """
    try:
        with psycopg.connect(url) as db:
            found = db.execute(
                "SELECT rolsuper OR rolbypassrls, pg_has_role(c.relowner, 'USAGE'),"
                " has_table_privilege(c.oid, 'SELECT'), current_user"
                " FROM pg_roles, pg_class AS c"
                " WHERE rolname = current_user AND c.oid = to_regclass('public.report_contacts')"
            ).fetchone()
    except psycopg.Error as error:
        if said := missing(error):
            raise NotReady(said) from error
        return
    if found is None:
        return
    free, owner, granted, name = found
    if free or owner:
        raise NotReady(
            f"the service would work as {name}, who owns the tables or whom row-level security "
            f"does not bind. Let PINWARD_SERVICE_DATABASE_URL name a role that is nothing but a "
            f"member of {ROLE}, or leave it out"
        )
    if not granted:
        raise NotReady(
            f"{name} may not read the tables: run `pinward db upgrade` as their owner, and see "
            f"that {name} is a member of {ROLE}"
        )


def missing(error: psycopg.Error) -> str | None:
    """What to do where a connection failed for want of the role; None: it failed otherwise."""
    said = str(error)
    if f'"{ROLE}"' not in said:
        return None
    return (
        f"the service works as the role {ROLE}, which is not there or which this database user may "
        f"not become. Run `pinward db upgrade` with PINWARD_DATABASE_URL; it makes the role, or "
        "says who has to"
    )
