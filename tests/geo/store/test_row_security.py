"""The second lock: what the service's own role sees of contacts, by direct SQL, with no route."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors
from staffed import put_user
from told import SECRET, put_contacts

from builders import CODES
from geo.errors import NotAllowed, NotReady
from geo.reports import codes, contacts
from geo.reports.keys import Keys
from geo.scope import Scope
from geo.store import asking, service_role, users
from geo.store.database import create_engine
from geo.store.retention import Limits
from geo.store.tables.users import ROLES


@pytest.fixture(scope="module")
def url(clone, city_template):
    return clone(city_template)


@pytest.fixture(scope="module")
def reports(url):
    return put_contacts(url)


@pytest.fixture
def db(url, reports):
    """A connection of the service, as it makes them where it has no sign-in of its own."""
    with psycopg.connect(service_role.as_service(url)) as made:
        yield made
        made.rollback()


def account(url, role, **scope):
    email = put_user(url, role, name=f"a{uuid4().hex}", **scope)
    with psycopg.connect(url) as owner:
        return owner.execute("SELECT id FROM users WHERE email = %s", (email,)).fetchone()[0]


def declare(db, **settings):
    for name, value in settings.items():
        db.execute("SELECT set_config(%s, %s, true)", (f"pinward.{name}", str(value)))


def seen(db, reports):
    found = {row[0] for row in db.execute("SELECT report_id FROM report_contacts")}
    return {code for code, id_ in reports.items() if id_ in found}


def test_nobody_who_asks_sees_nothing(db, reports):
    assert seen(db, reports) == set()
    declare(db, account="", report="", secret_hash="")
    assert seen(db, reports) == set()
    assert db.execute("DELETE FROM report_contacts").rowcount == 0
    assert db.execute("UPDATE report_contacts SET sealed = 'x'").rowcount == 0


def test_an_officer_sees_the_own_ward_and_changes_nothing(url, db, reports):
    declare(db, account=account(url, "ward_officer", ward=CODES[0]))
    assert seen(db, reports) == {CODES[0]}
    assert db.execute("DELETE FROM report_contacts").rowcount == 0
    assert db.execute("UPDATE report_contacts SET sealed = 'x'").rowcount == 0


def test_agents_erase_within_their_scope_alone(url, db, reports):
    declare(db, account=account(url, "hotline_agent", ward=CODES[1]))
    assert db.execute("DELETE FROM report_contacts").rowcount == 1
    db.rollback()
    declare(db, account=account(url, "hotline_agent"))
    assert seen(db, reports) == set(reports)
    assert db.execute("UPDATE report_contacts SET sealed = 'x'").rowcount == 0
    assert db.execute("DELETE FROM report_contacts").rowcount == 3


def test_crews_planners_and_closed_accounts_see_none(url, db, reports):
    for role in ("crew", "planner"):
        for scope in ({}, {"ward": CODES[0]}):
            declare(db, account=account(url, role, **scope))
            assert seen(db, reports) == set(), (role, scope)
    closed = account(url, "admin")
    declare(db, account=closed)
    assert seen(db, reports) == set(reports)
    with psycopg.connect(url) as owner:
        owner.execute("UPDATE users SET disabled = true WHERE id = %s", (closed,))
    assert seen(db, reports) == set()
    declare(db, account=2**31 - 1)
    assert seen(db, reports) == set()


def test_the_secret_opens_its_own_report_and_no_other(db, reports):
    mine, other = CODES[:2]
    proof = codes.secret_hash(SECRET + mine).hex()
    declare(db, report=reports[mine], secret_hash=proof)
    assert seen(db, reports) == {mine}
    assert db.execute("UPDATE report_contacts SET sealed = 'x'").rowcount == 1
    assert db.execute("DELETE FROM report_contacts").rowcount == 1
    db.rollback()
    for report, shown in ((reports[other], proof), ("", proof), (reports[mine], "")):
        declare(db, report=report, secret_hash=shown)
        assert seen(db, reports) == set()


def test_database_and_code_agree_on_every_role_and_scope(url, db, reports):
    with psycopg.connect(url) as owner:
        committee = dict(owner.execute("SELECT ward_code, id FROM organisations"))
        ward = dict(owner.execute("SELECT code, id FROM wards"))
    scopes = (
        *({}, {"ward": CODES[0]}, {"ward": "no such"}, {"organisation": committee[CODES[1]]}),
        {"ward": CODES[0], "organisation": committee[CODES[1]]},
        {"ward": CODES[2], "organisation": committee[CODES[2]]},
    )
    made = {account(url, role, **scope): (role, scope) for role in ROLES for scope in scopes}

    async def every():
        engine = create_engine(url)
        async with engine.connect() as conn:
            found = {row.id: row for row in await users.every(conn)}
        await engine.dispose()
        return found

    rows = asyncio.run(every())
    for id_, told in made.items():
        declare(db, account=id_)
        wanted = set()
        for code in reports:
            try:
                within = Scope.of(rows[id_]).covers(ward[code], committee[code])
            except NotAllowed:
                within = False
            if within and rows[id_].role in contacts.READERS:
                wanted.add(code)
        assert seen(db, reports) == wanted, told
        erased = db.execute("DELETE FROM report_contacts").rowcount
        assert erased == (len(wanted) if told[0] in contacts.ERASERS else 0), told
        db.rollback()


def test_a_pooled_connection_forgets_who_asked(url, reports):
    admin = account(url, "admin")

    async def run():
        engine = create_engine(service_role.as_service(url), pool_size=1)
        count = "SELECT count(*) FROM report_contacts"
        told = []
        for declared in (True, False):
            async with engine.begin() as conn:
                if declared:
                    await asking.as_account(conn, admin)
                told.append((await conn.exec_driver_sql(count)).scalar())
                if not declared:
                    with pytest.raises(NotAllowed):
                        await contacts.forget(conn, list(reports.values()))
                    # of none there is nothing to ask
                    assert await contacts.forget(conn, []) == 0
        await engine.dispose()
        return told

    assert asyncio.run(run()) == [3, 0]


def test_sending_adds_a_contact_that_the_sender_does_not_see(db, reports):
    report = uuid4()
    db.execute(
        "INSERT INTO reports (id, code, category_code, status, text, geom, created_at)"
        " VALUES (%s, 'c', 'drainage', 'received', 'x', ST_Point(106, 10, 4326), now())",
        (report,),
    )
    db.execute("INSERT INTO report_contacts VALUES (%s, 'sealed')", (report,))
    assert seen(db, {"": report}) == set()
    with pytest.raises(errors.InsufficientPrivilege):
        db.execute("INSERT INTO report_contacts VALUES (%s, 'x') RETURNING sealed", (uuid4(),))


# Of the tables that are not the service's own to change: what it may all the same.
MAY = {
    "audit_log": {"INSERT"},
    "reports": {"INSERT", "UPDATE"},
    "report_events": {"INSERT", "UPDATE"},
    "reports_today": {"DELETE"},
    "reform_moves": {"DELETE"},
}


def test_the_role_owns_nothing_and_may_do_no_more_than_it_needs(url, db):
    role = service_role.ROLE
    assert db.execute("SELECT current_user").fetchone() == (role,)
    assert (
        db.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication"
            " FROM pg_roles WHERE rolname = %s",
            (role,),
        ).fetchone()
        == (False,) * 6
    )
    owned = "SELECT count(*) FROM pg_shdepend WHERE refobjid = %s::regrole AND deptype = 'o'"
    assert db.execute(owned, (role,)).fetchone() == (0,)
    assert db.execute(
        "SELECT has_schema_privilege('public', 'CREATE'),"
        " has_database_privilege(current_database(), 'CREATE'),"
        " (SELECT count(*) FROM pg_auth_members WHERE member = %s::regrole)",
        (role,),
    ).fetchone() == (False, False, 0)
    more = db.execute(
        "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND has_table_privilege(oid, 'TRUNCATE, REFERENCES, TRIGGER')"
    ).fetchall()
    assert more == []
    for table in service_role.GRANTS:
        may = {
            each
            for each in ("INSERT", "UPDATE", "DELETE")
            if db.execute("SELECT has_table_privilege(%s::regclass, %s)", (table, each)).fetchone()[
                0
            ]
        }
        assert may <= MAY.get(table, set()), table


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users SET role = 'admin'",
        "UPDATE users SET ward_code = NULL",
        "INSERT INTO users (email, name, role, password_hash) VALUES ('a', 'a', 'admin', 'x')",
        "UPDATE audit_log SET reason = 'x'",
        "DELETE FROM audit_log",
        "DELETE FROM wards",
        "ALTER TABLE report_contacts DISABLE ROW LEVEL SECURITY",
        "DROP POLICY seen ON report_contacts",
        "CREATE TABLE mine (x int)",
        "TRUNCATE report_contacts",
        "CREATE OR REPLACE FUNCTION pinward_asks(report uuid, roles text[]) RETURNS boolean"
        " LANGUAGE sql AS 'SELECT true'",
    ],
)
def test_what_the_service_may_never_do(db, statement):
    with pytest.raises(errors.InsufficientPrivilege):
        db.execute(statement)


def test_a_table_of_the_same_name_in_front_does_not_answer_for_the_real_one(url, db, reports):
    db.execute("CREATE TEMPORARY TABLE users (id int, role text, disabled bool, ward_code text,"
               " ward_day date, organisation_id int)")  # fmt: skip
    db.execute("INSERT INTO pg_temp.users VALUES (7, 'admin', false, NULL, NULL, NULL)")
    db.execute("SET LOCAL search_path = pg_temp, public")
    declare(db, account=7)
    with psycopg.connect(url) as owner:
        assert not owner.execute(
            "SELECT 1 FROM users WHERE id = 7 AND role IN ('admin', 'hotline_agent')"
        ).fetchone()
    assert seen(db, reports) == set()


def test_what_goes_through_all_contacts_fails_where_it_would_find_none(url, reports):
    keys = Keys(b"k" * 32)
    limits = Limits(["drainage"], [datetime.now(UTC)])

    async def begun(as_whom, what):
        engine = create_engine(as_whom)
        try:
            async with engine.connect() as conn:
                return await what(conn)
        finally:
            await engine.dispose()

    def rotated(conn):
        return contacts.rotate(conn.engine, keys, lambda total: lambda n: None)

    for what in (
        rotated,
        lambda conn: contacts.find(conn, phone="0912345678", email=None, keys=keys),
        lambda conn: contacts.count_due(conn, limits),
        lambda conn: contacts.forget_due(conn, limits, UUID(int=0), 10),
    ):
        with pytest.raises(NotReady, match="owner of the tables"):
            asyncio.run(begun(service_role.as_service(url), what))
    assert asyncio.run(begun(url, rotated)).unopened == len(reports)
