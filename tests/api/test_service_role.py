"""As whom serve and worker connect: never as an owner, and a sentence where the role is missing."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from conftest import serving
from staffed import signed_in

import builders
from geo.store import dumps, migrate, service_role
from geo.store.cluster import SERVICE, Cluster

OWNER = "city_owner"


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A cluster without the role of the service, and a database whose owner may make none."""
    cluster = Cluster(tmp_path_factory.mktemp("bare"), durable=False)
    cluster.start()
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
        admin.execute(f"DROP ROLE {SERVICE}")
        admin.execute(f"DROP ROLE {service_role.ROLE}")
        admin.execute(f"CREATE ROLE {OWNER} LOGIN")
        admin.execute(f"CREATE DATABASE owned OWNER {OWNER}")
    with psycopg.connect(cluster.url("owned")) as admin:
        for extension in ("postgis", "btree_gist", "unaccent", "pg_trgm"):
            admin.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    yield cluster
    cluster.remove()


def owned(cluster):
    return cluster.url("owned").replace("user=pinward", f"user={OWNER}")


def connected(url):
    with psycopg.connect(url) as db:
        rows = db.execute(
            "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return {row[0] for row in rows}


def test_an_owner_who_may_make_no_role_is_told_what_has_to_be_done(bare, pinward):
    url = owned(bare)
    done = pinward("db", "upgrade", url=url)
    assert done.returncode == 0, done.stderr
    assert migrate.current(url) == migrate.newest()
    asked = f"CREATE ROLE {service_role.ROLE} NOLOGIN; GRANT {service_role.ROLE} TO"
    assert asked in done.stderr
    for command in (("serve", "--port", "1"), ("worker",)):
        refused = pinward(*command, url=url)
        assert refused.returncode == 1
        assert "pinward db upgrade" in refused.stderr, refused.stderr
    with psycopg.connect(bare.url("postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {service_role.ROLE} NOLOGIN")
    # The role is there, and not this owner's to become.
    again = pinward("db", "upgrade", url=url)
    assert f'GRANT {service_role.ROLE} TO "{OWNER}"' in again.stderr
    assert "pinward db upgrade" in pinward("worker", url=url).stderr
    with psycopg.connect(bare.url("postgres"), autocommit=True) as admin:
        admin.execute(f'GRANT {service_role.ROLE} TO "{OWNER}"')
    assert pinward("db", "upgrade", url=url).stderr == ""
    service_role.check(service_role.as_service(url))


def test_the_role_is_made_by_many_at_once(bare, tmp_path):
    with psycopg.connect(bare.url("postgres"), autocommit=True) as admin:
        for n in range(6):
            admin.execute(f"CREATE DATABASE many{n} TEMPLATE owned")
            with psycopg.connect(bare.url(f"many{n}")) as db:
                db.execute(f"DROP OWNED BY {service_role.ROLE}")
        with psycopg.connect(bare.url("owned")) as db:
            db.execute(f"DROP OWNED BY {service_role.ROLE}")
        admin.execute(f"DROP ROLE {service_role.ROLE}")
        urls = [bare.url(f"many{n}") for n in range(6)] * 2
        with ThreadPoolExecutor(12) as pool:
            assert set(pool.map(service_role.ensure, urls)) == {None}
        for url in urls:
            service_role.check(service_role.as_service(url))


def test_a_database_without_the_grants_says_which_command_gives_them(city_url, pinward):
    with psycopg.connect(city_url) as db:
        db.execute(f"DROP OWNED BY {service_role.ROLE}")
    refused = pinward("serve", "--port", "1", url=city_url)
    assert refused.returncode == 1
    assert "pinward db upgrade" in refused.stderr
    assert pinward("db", "upgrade", url=city_url).returncode == 0
    service_role.check(service_role.as_service(city_url))


def test_the_service_refuses_to_work_as_an_owner(city_url, pinward):
    for command in (("serve", "--port", "1"), ("worker",)):
        refused = pinward(*command, url=city_url, PINWARD_SERVICE_DATABASE_URL=city_url)
        assert refused.returncode == 1
        assert "PINWARD_SERVICE_DATABASE_URL" in refused.stderr


def test_it_works_with_a_sign_in_of_its_own(clone, city_template, cluster, tmp_path):
    url = clone(city_template)
    own = url.replace("user=pinward", f"user={SERVICE}")
    assert own == cluster.service_url(url.split("/")[3].split("?")[0])
    with serving(url, tmp_path, PINWARD_SERVICE_DATABASE_URL=own) as service:
        sent = service.http.post(
            "/api/v1/reports", json=builders.a_report(reporter={"phone": "0912 345 678"})
        ).json()
        with signed_in(service, "ward_officer", ward=builders.CODES[0]) as officer:
            path = f"/api/v1/reports/{sent['code']}/contact"
            answer = officer.get(path, params={"why": "gọi lại"})
        assert answer.json()["contact"]["phone"] == "0912 345 678"
        end = time.monotonic() + 30
        while "this worker leads" not in service.log.read_text():
            assert time.monotonic() < end, service.log.read_text()
            time.sleep(0.1)
        assert connected(url) == {SERVICE}


def test_where_no_sign_in_of_its_own_is_set_each_connection_becomes_the_role(service):
    service.http.get("/api/v1/reports")
    url = service_role.as_service(service.url)
    assert "pinward_service" in url
    with psycopg.connect(url) as db:
        assert db.execute("SELECT current_user").fetchone() == (service_role.ROLE,)
        db.execute("RESET ROLE")
        assert db.execute("SELECT current_user").fetchone() == (service_role.ROLE,)


def test_a_private_cluster_has_the_sign_in_and_serve_uses_it(tmp_path, pinward):
    state = tmp_path / "state"
    try:
        assert pinward("db", "start", url="").returncode == 0
        with serving("", tmp_path) as service:
            assert service.http.get("/readyz").status_code == 503
            assert connected(Cluster(state).url()) == {SERVICE}
    finally:
        Cluster(state).remove()


def test_a_backup_comes_back_where_the_role_is_not_there_yet(bare, city_url, tmp_path):
    made = tmp_path / "made.dump"
    with dumps.snapshot(city_url) as (_, seen_as):
        dumps.dump(city_url, seen_as, made)
    with psycopg.connect(bare.url("postgres"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE restored")
    with psycopg.connect(bare.url("restored")) as db:
        dumps.replace(bare.url("restored"), made)
        assert service_role.ROLE not in str(db.execute("SELECT relacl FROM pg_class").fetchall())
    assert service_role.ensure(bare.url("restored")) is None
    service_role.check(service_role.as_service(bare.url("restored")))
