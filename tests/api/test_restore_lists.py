"""What lists of what was taken away do over several restores, and what they leave alone."""

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from conftest import serving
from restored import LIST, City, sent
from staffed import put_user, signed_in

import builders

NOT_KNOWN = "is not known: no database was there to tell it"
PRIVATE = {"reporter": {"phone": "0911 222 333"}}
WHY = {"reason": "theo yêu cầu"}
MARK = "01" * 32


@pytest.fixture
def city(city_url, tmp_path, pinward):
    folder = tmp_path / "city"
    folder.mkdir()
    made = City(city_url, folder, pinward)
    with serving(city_url, folder, 1, "--no-worker") as service:
        made.report = sent(service, **PRIVATE)
    made.account = put_user(city_url, "admin", name="chief")
    made.rows(
        "INSERT INTO api_keys (prefix, key_hash, name, owner_id, role, made_at, expires_at)"
        " SELECT 'p', '\\x01', 'k', id, 'planner', now(), 'infinity' FROM users"
    )
    made.rows("INSERT INTO recovery_codes SELECT id, '\\x01' FROM users")
    return made


def backup(city, name):
    done = city.run("db", "backup", name)
    assert done.returncode == 0, done.stderr


def restore(city, name, *words):
    done = city.run("db", "restore", name, "--over", *words)
    assert done.returncode == 0, done.stderr
    return done


def erase(city, report):
    done = city.run("reports", "erase", report["code"], "--text", "--why", "thư")
    assert done.returncode == 0, done.stderr


def erased(city, report):
    query = "SELECT content_gone_at IS NOT NULL FROM reports WHERE code = %s"
    return city.rows(query, report["code"]) == [(True,)]


def test_a_migrated_database_that_knows_nothing_of_the_city_is_no_knowledge(city):
    backup(city, "city.tar")
    erase(city, city.report)
    city.rows("DROP SCHEMA public CASCADE")
    city.rows("CREATE SCHEMA public")
    assert city.run("db", "upgrade").returncode == 0
    done = city.run("db", "restore", "city.tar")
    assert done.returncode == 0, done.stderr
    assert NOT_KNOWN in done.stderr
    # As well if it is another city's, whose account of the same name has no recovery codes.
    city.rows("TRUNCATE reports, recovery_codes CASCADE")
    done = restore(city, "city.tar", "--keep", "second")
    assert NOT_KNOWN in done.stderr
    assert city.rows("SELECT count(*) FROM recovery_codes") == [(1,)]
    # But its own tells what was erased.
    erase(city, city.report)
    assert NOT_KNOWN not in restore(city, "city.tar", "--keep", "third").stderr
    assert erased(city, city.report)


def test_the_wrong_backup_first_brings_nothing_back_with_the_right_one(city, tmp_path):
    backup(city, "mon.tar")
    with serving(city.url, city.folder, 1, "--no-worker") as service:
        later = sent(service)
    backup(city, "wed.tar")
    erase(city, later)
    assert city.run("users", "disable", city.account).returncode == 0
    assert city.run("keys", "revoke", "1").returncode == 0
    restore(city, "mon.tar")
    assert city.rows("SELECT count(*) FROM reports") == [(1,)]
    # Known to the database between alone, which does not know the newest report.
    erase(city, city.report)
    city.rows("UPDATE users SET disabled = false")
    city.rows("UPDATE api_keys SET revoked_at = NULL")
    done = restore(city, "wed.tar")
    assert erased(city, later)
    assert erased(city, city.report)
    assert city.rows("SELECT disabled FROM users") == [(True,)]
    assert city.rows("SELECT revoked_at IS NOT NULL FROM api_keys") == [(True,)]
    assert city.rows("SELECT count(*) FROM recovery_codes") == [(1,)]
    assert NOT_KNOWN not in done.stderr
    assert "still to be done" not in done.stdout
    copies = sorted((city.folder / "state" / "restored").iterdir())
    assert [each.suffix for each in copies] == [".done"] * 2
    assert {each.stat().st_mode & 0o777 for each in copies} == {0o600}
    assert copies[0].parent.stat().st_mode & 0o777 == 0o700
    # With no database left the lists tell at least what they know; one that is too old goes.
    city.rows("DROP SCHEMA public CASCADE")
    city.rows("CREATE SCHEMA public")
    old = copies[0].with_name("since-20200101T000000000000.json")
    found = json.loads(copies[1].read_text()) | {"made_at": "2020-01-01T00:00:00+00:00"}
    old.write_text(json.dumps(found))
    done = restore(city, "wed.tar", "--keep", "third")
    assert NOT_KNOWN in done.stderr
    assert erased(city, later)
    assert erased(city, city.report)
    assert not old.exists()


def test_a_list_takes_nothing_away_that_came_after_it(city, tmp_path):
    with serving(city.url, city.folder, 1, "--no-worker") as service:
        edited = sent(service)
    city.rows("INSERT INTO recovery_codes SELECT id, '\\x02' FROM users")
    backup(city, "city.tar")
    with (
        serving(city.url, city.folder, 1, "--no-worker") as service,
        signed_in(service, "hotline_agent", name="agent") as agent,
    ):
        path = f"/api/v1/moderation/reports/{edited['code']}"
        for act, body in (("text", WHY | {"text": "Một nhà xả rác"}), ("hide", WHY)):
            done = agent.post(f"{path}/{act}", json=body)
            assert done.status_code == 200, done.text
    city.rows("DELETE FROM recovery_codes WHERE code_hash = '\\x02'")
    city.rows("UPDATE api_keys SET revoked_at = now()")
    restore(city, "city.tar")
    state = "SELECT withheld, text FROM reports WHERE code = %s"
    assert city.rows(state, edited["code"]) == [("hidden", "Một nhà xả rác")]
    # As if it had been broken off: it may be gone on with when the service has run already.
    (copy,) = (city.folder / "state" / "restored").iterdir()
    (kept,) = tmp_path.glob("city.tar.since-*.done")
    copy.rename(copy.with_suffix(""))
    kept = kept.rename(kept.with_suffix(""))
    city.rows("UPDATE api_keys SET revoked_at = NULL")
    city.rows("UPDATE users SET totp_since = now() WHERE email = %s", city.account)
    city.rows(
        "INSERT INTO recovery_codes SELECT id, '\\x03' FROM users WHERE email = %s", city.account
    )
    city.rows("INSERT INTO user_identities SELECT 'https://i', 's', id, now() FROM users LIMIT 1")
    with (
        serving(city.url, city.folder, 1, "--no-worker") as service,
        signed_in(service, "hotline_agent", name="other") as agent,
    ):
        new = sent(service)
        version = agent.get(path).json()["version"]
        for act, body in (("release", {"version": version}), ("text", {"text": "Sửa lại lần nữa"})):
            done = agent.post(f"{path}/{act}", json=WHY | body)
            assert done.status_code == 200, done.text
    city.rows("INSERT INTO citizens VALUES (decode(%s, 'hex'))", MARK)
    city.rows(
        "INSERT INTO citizen_reports SELECT id, decode(%s, 'hex') FROM reports WHERE code = %s",
        *(MARK, new["code"]),
    )
    city.rows("INSERT INTO citizens VALUES (decode(%s, 'hex'))", "02" * 32)
    city.rows("INSERT INTO citizen_sessions SELECT mark, mark, 'infinity' FROM citizens")
    done = city.run("db", "again", kept)
    assert done.returncode == 0, done.stderr
    assert city.rows("SELECT revoked_at IS NOT NULL FROM api_keys") == [(True,)]
    assert city.rows(state, edited["code"]) == [(None, "Sửa lại lần nữa")]
    assert city.rows("SELECT count(*) FROM citizen_reports") == [(1,)]
    assert city.rows("SELECT count(*) FROM citizens") == [(2,)]
    assert (b"\x03",) in city.rows("SELECT code_hash FROM recovery_codes")
    assert city.rows("SELECT count(*) FROM user_identities") == [(1,)]
    assert not kept.exists()
    copy = kept.with_name(kept.name + ".done").rename(kept)
    refused = city.run("db", "again", copy)
    assert refused.returncode == 1
    assert "was done to its end" in refused.stderr


def test_alerts_are_called_off_again_and_contacts_and_rules_told_of(city):
    with (
        serving(city.url, city.folder, 1, "--no-worker") as service,
        signed_in(service, "planner", name="planner") as planner,
    ):
        body = {
            "kind": "flood",
            "severity": "severe",
            "headline": {"vi": "Triều cường"},
            "wards": [builders.CODES[0]],
            "expires_at": (datetime.now(UTC) + timedelta(hours=6)).isoformat(),
        }
        alerts = [planner.post("/api/v1/alerts", json=body).json()["id"] for _ in range(2)]
        backup(city, "city.tar")
        done = planner.post(f"/api/v1/alerts/{alerts[0]}/cancel")
        assert done.status_code < 300, done.text
        done = service.http.put(
            f"{LIST}/{city.report['code']}/contact",
            json={"phone": "0922 333 444"},
            headers={"Authorization": f"Report {city.report['secret']}"},
        )
        assert done.status_code < 300, done.text
    when = city.rows("SELECT cancelled_at FROM alerts ORDER BY id")
    for rule in (("*", "6", "never"), ("drainage.flooding", "1", "2")):
        months = ("--contact-months", rule[1], "--content-months", rule[2])
        done = city.run("retention", "set", rule[0], *months)
        assert done.returncode == 0, done.stderr
    done = restore(city, "city.tar")
    assert "called off the alert Triều cường" in done.stdout
    assert city.rows("SELECT cancelled_at FROM alerts ORDER BY id") == when
    assert f"the contact of {city.report['code']} was given or replaced since" in done.stderr
    for rule in (
        "'*' --contact-months 6 --content-months never",
        "'drainage.flooding' --contact-months 1 --content-months 2",
    ):
        assert f"pinward retention set {rule}`" in done.stderr


def test_a_store_of_photos_that_fails_keeps_nobody_in(city, tmp_path):
    with (
        serving(city.url, city.folder, 1, "--no-worker") as service,
        signed_in(service, "hotline_agent", name="agent") as agent,
    ):
        boxed, hidden = sent(service, 1), sent(service)
        backup(city, "city.tar")
        box = {"left": 0, "top": 0, "right": 0.5, "bottom": 0.5}
        done = agent.post(f"{LIST}/{boxed['code']}/photos/1/boxes", json={"boxes": [box]} | WHY)
        assert done.status_code == 200, done.text
        done = agent.post(f"/api/v1/moderation/reports/{hidden['code']}/hide", json=WHY)
        assert done.status_code == 200, done.text
    city.rows("UPDATE users SET disabled = true")
    city.rows("UPDATE api_keys SET revoked_at = now()")
    ((covered,),) = city.rows("SELECT sha256 FROM photos")
    folder = city.folder / "state" / "media" / covered[:2]
    folder.rename(tmp_path / "aside")
    folder.write_text("no folder")
    done = restore(city, "city.tar")
    assert f"photo 1 of {boxed['code']} was covered since, and is hidden for now" in done.stderr
    assert "not all could be done" in done.stderr
    assert city.rows("SELECT DISTINCT disabled FROM users") == [(True,)]
    assert city.rows("SELECT revoked_at IS NOT NULL FROM api_keys") == [(True,)]
    assert city.rows("SELECT hidden FROM photos") == [(True,)]
    withheld = "SELECT withheld FROM reports WHERE code = %s"
    assert city.rows(withheld, hidden["code"]) == [("hidden",)]
    (kept,) = tmp_path.glob("city.tar.since-*.json")
    folder.unlink()
    (tmp_path / "aside").rename(folder)
    done = city.run("db", "again", kept)
    assert f"covered photo 1 of {boxed['code']}" in done.stdout, done.stderr
    assert city.rows("SELECT sha256 FROM photos") == [(covered,)]
    assert not kept.exists()


def test_one_report_that_fails_keeps_no_other(city):
    with serving(city.url, city.folder, 1, "--no-worker") as service:
        others = [sent(service), sent(service)]
    backup(city, "city.tar")
    for report in (city.report, *others):
        erase(city, report)
    made = city.rows("SELECT code FROM reports ORDER BY code")
    restore(city, "city.tar", "--keep", "list")
    city.rows("UPDATE reports SET content_gone_at = NULL, erased_at = NULL")
    city.rows(
        "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'broken'; END $$"
    )
    with psycopg.connect(city.url) as db:
        db.execute(
            "CREATE TRIGGER t BEFORE UPDATE ON reports FOR EACH ROW"
            f" WHEN (NEW.code = '{made[0][0]}') EXECUTE FUNCTION fails()"
        )
    (copy,) = (city.folder / "state" / "restored").iterdir()
    done = city.run("db", "again", copy.rename(copy.with_suffix("")))
    assert f"{made[0][0]}: nothing was done again" in done.stderr
    assert city.rows("SELECT content_gone_at IS NOT NULL FROM reports ORDER BY code") == [
        (False,),
        (True,),
        (True,),
    ]
    city.rows("DROP TRIGGER t ON reports")
    assert city.run("db", "again", copy.with_suffix("")).returncode == 0
    assert erased(city, {"code": made[0][0]})
