"""What the service's role is granted, table by table, as information_schema tells it."""

import psycopg
import pytest
from psycopg import errors

from geo.store import service_role

ALL = {"SELECT", "INSERT", "UPDATE", "DELETE"}
# Written down once more, not taken from the code. Whatever is not named here the service may read
# and change: a table that it must not change has to be added here and in `service_role.GRANTS`.
EXCEPTIONS = {
    "alembic_version": {"SELECT"},
    "audit_log": {"SELECT", "INSERT"},
    "categories": {"SELECT"},
    "city_days": {"SELECT"},
    "deadline_rules": {"SELECT"},
    "facilities": {"SELECT"},
    "organisations": {"SELECT"},
    "reforms": {"SELECT"},
    "reform_moves": {"SELECT", "DELETE"},
    "report_events": {"SELECT", "INSERT", "UPDATE"},
    "reports": {"SELECT", "INSERT", "UPDATE"},
    "reports_today": {"SELECT", "DELETE"},
    "retention_rules": {"SELECT"},
    "routing_rules": {"SELECT"},
    "streets": {"SELECT"},
    "users": {"SELECT"},
    "ward_sets": {"SELECT"},
    "ward_shapes": {"SELECT"},
    "wards": {"SELECT"},
    "wards_today": {"SELECT"},
    "zones": {"SELECT"},
}
COLUMNS = {("users", name) for name in ("password_hash", "totp_sealed", "totp_since", "totp_step")}


@pytest.fixture
def owner(url):
    with psycopg.connect(url) as db:
        yield db


def granted(db):
    """What each table of ours grants to the service's role, and to everybody."""
    tables = db.execute(
        "SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace"
        " AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT EXISTS"
        " (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')"
    )
    found = {name: set() for (name,) in tables}
    for name, privilege in db.execute(
        "SELECT table_name, privilege_type FROM information_schema.table_privileges"
        " WHERE table_schema = 'public' AND grantee IN (%s, 'PUBLIC')",
        (service_role.ROLE,),
    ):
        if name in found:
            found[name].add(privilege)
    return found


def wrong(db):
    return {
        name: given for name, given in granted(db).items() if given != EXCEPTIONS.get(name, ALL)
    }


def test_each_table_grants_what_the_list_says(owner):
    assert wrong(owner) == {}
    assert {"audit_log", "users", "report_contacts", "procrastinate_jobs"} <= granted(owner).keys()


def test_columns_of_accounts_that_the_service_may_change(owner):
    others = [name for name, may in EXCEPTIONS.items() if "UPDATE" not in may]
    found = set(
        owner.execute(
            "SELECT table_name, column_name FROM information_schema.column_privileges"
            " WHERE grantee = %s AND privilege_type = 'UPDATE' AND table_name = ANY(%s)",
            (service_role.ROLE, others),
        )
    )
    assert ("users", "password_hash") in found
    assert found <= COLUMNS


def test_row_security_is_on_where_contacts_are(owner):
    on = owner.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relrowsecurity ORDER BY 1"
    ).fetchall()
    assert on == [("report_contacts",)]


def test_a_table_made_later_is_the_service_s_too_and_one_of_the_exceptions_only_read(url, owner):
    owner.execute("CREATE TABLE later (n int GENERATED ALWAYS AS IDENTITY, said text)")
    owner.execute("ALTER TABLE streets RENAME TO roads")
    owner.execute("CREATE TABLE streets (n int)")
    owner.commit()
    with psycopg.connect(service_role.as_service(url)) as db:
        db.execute("INSERT INTO later (said) VALUES ('x')")
    assert wrong(owner).keys() == {"roads", "streets"}
    owner.commit()
    service_role.ensure(url)
    assert wrong(owner) == {}


def test_what_works_as_the_owner_is_for_the_service_alone(url, owner):
    functions = (
        "SELECT oid::regprocedure::text FROM pg_proc WHERE prosecdef AND proname LIKE 'pin%'"
    )
    names = [name for (name,) in owner.execute(functions)]
    assert len(names) >= 2
    for name in names:
        owner.execute(f"GRANT EXECUTE ON FUNCTION {name} TO PUBLIC")
    owner.execute("CREATE ROLE passer_by LOGIN")
    owner.commit()
    try:
        service_role.ensure(url)
        for name in names:
            may = "SELECT has_function_privilege(%s, %s, 'EXECUTE')"
            assert owner.execute(may, ("passer_by", name)).fetchone() == (False,), name
            assert owner.execute(may, (service_role.ROLE, name)).fetchone() == (True,), name
        with (
            psycopg.connect(url.replace("user=pinward", "user=passer_by")) as nobody,
            pytest.raises(errors.InsufficientPrivilege),
        ):
            nobody.execute("SELECT 1 FROM report_contacts")
    finally:
        owner.rollback()
        owner.execute("DROP ROLE passer_by")
        owner.commit()
