"""A restore brings nothing back that was erased, hidden, covered, barred or revoked since."""

import json

import psycopg
import pytest
from conftest import serving
from restored import LIST, TAKEN, City, sent
from staffed import PASSWORD, put_user, signed_in

BOX = {"left": 0, "top": 0, "right": 0.5, "bottom": 0.5}
WHY = {"reason": "theo yêu cầu"}
MARK, OTHER = "01" * 32, "02" * 32


@pytest.fixture
def city(city_url, tmp_path, pinward):
    folder = tmp_path / "city"
    folder.mkdir()
    made = City(city_url, folder, pinward)
    with serving(city_url, folder, 1, "--no-worker") as service:
        private = {"reporter": {"phone": "0911 222 333"}}
        made.erased, made.boxed, made.photo_hidden = (sent(service, n) for n in (1, 2, 3))
        made.anonymous = sent(service, **private)
        made.hidden, made.edited, made.mine, made.kept = (sent(service) for _ in range(4))
        with psycopg.connect(city_url) as db:
            for mark in (MARK, OTHER):
                db.execute("INSERT INTO citizens VALUES (decode(%s, 'hex'))", (mark,))
                db.execute(
                    "INSERT INTO citizen_sessions VALUES"
                    " (decode(%s, 'hex'), decode(%s, 'hex'), 'infinity')",
                    (mark, mark),
                )
            for report, mark in ((made.mine, MARK), (made.kept, OTHER)):
                db.execute(
                    "INSERT INTO citizen_reports SELECT id, decode(%s, 'hex') FROM reports"
                    " WHERE code = %s",
                    (mark, report["code"]),
                )
        for text in ("Còn đó", TAKEN):
            added = service.http.post(
                f"{LIST}/{made.edited['code']}/additions",
                json={"text": text},
                headers={"Authorization": f"Report {made.edited['secret']}"},
            )
            assert added.status_code == 201, added.text
        made.left = put_user(city_url, "crew", name="left")
        for n in "12":
            made.rows(f"INSERT INTO recovery_codes SELECT id, '\\x0{n}' FROM users")
            made.rows(
                "INSERT INTO user_identities SELECT %s, 's', id, now() FROM users",
                f"https://i{n}.example",
            )
        with signed_in(service, "hotline_agent", name="agent") as agent:
            with signed_in(service, "admin", name="chief") as chief:
                key = chief.post("/api/v1/keys", json={"name": "k", "role": "planner"})
                assert key.status_code == 201, key.text
                assert made.run("db", "backup", "city.tar").returncode == 0
                made.cookies = dict(chief.cookies)
            said = service.http.post(
                f"{LIST}/{made.erased['code']}/erasure",
                json={"text": True},
                headers={"Authorization": f"Report {made.erased['secret']}"},
            )
            assert said.status_code == 200, said.text
            said = service.http.delete(
                f"{LIST}/{made.anonymous['code']}/contact",
                headers={"Authorization": f"Report {made.anonymous['secret']}"},
            )
            assert said.status_code < 300, said.text
            done = [
                agent.post(
                    f"{LIST}/{made.boxed['code']}/photos/1/boxes", json={"boxes": [BOX]} | WHY
                ),
                *(
                    agent.post(f"/api/v1/moderation/reports/{path}", json=body)
                    for path, body in (
                        (f"{made.photo_hidden['code']}/photos/1/hide", WHY),
                        (f"{made.hidden['code']}/hide", WHY),
                        (f"{made.edited['code']}/text", WHY | {"text": "Một nhà xả rác"}),
                        (f"{made.edited['code']}/additions/2/hide", WHY),
                    )
                ),
            ]
            assert [each.status_code for each in done] == [200] * 5, [d.text for d in done]
            said = service.http.patch(
                f"{LIST}/{made.kept['code']}",
                json={"text": "Không có tên ai"},
                headers={"Authorization": f"Report {made.kept['secret']}"},
            )
            assert said.status_code == 200, said.text
            # While the service runs, what it does could be lost between reading and replacing.
            refused = made.run("db", "restore", "city.tar", "--over")
            assert refused.returncode == 1
            assert "stop `pinward serve`" in refused.stderr
        made.rows("DELETE FROM recovery_codes WHERE code_hash = '\\x01'")
        made.rows("DELETE FROM user_identities WHERE issuer = 'https://i1.example'")
        made.run("users", "disable", made.left)
        made.run("keys", "revoke", str(made.rows("SELECT id FROM api_keys")[0][0]))
        made.rows("UPDATE users SET password_hash = 'other' WHERE email LIKE 'agent%'")
        made.rows("INSERT INTO banned_devices VALUES ('\\x09', 'infinity', now(), 'a', 'b')")
        made.rows("DELETE FROM citizens WHERE mark = decode(%s, 'hex')", MARK)
        sent(service)
    return made


def _check(city):
    """Nothing that was taken away is there."""
    code = city.erased["code"]
    assert city.rows(
        "SELECT erased_at IS NOT NULL, content_gone_at IS NOT NULL, strpos(text, 'Bảy')"
        " FROM reports WHERE code = %s",
        code,
    ) == [(True, True, 0)]
    of = "SELECT {} FROM photos JOIN reports ON id = report_id WHERE code = %s"
    assert city.rows(of.format("1"), code) == []
    assert city.rows(of.format("hidden"), city.photo_hidden["code"]) == [(True,)]
    assert city.rows("SELECT * FROM report_contacts") == []
    what = "SELECT withheld, text FROM reports WHERE code = %s"
    assert city.rows(what, city.hidden["code"]) == [("hidden", TAKEN)]
    assert city.rows(what, city.edited["code"]) == [(None, "Một nhà xả rác")]
    assert city.rows(
        "SELECT public FROM report_events JOIN reports r ON r.id = report_id"
        " WHERE code = %s AND report_events.kind = 'added' ORDER BY report_events.id",
        city.edited["code"],
    ) == [(True,), (False,)]
    assert city.rows("SELECT count(*) FROM api_keys WHERE revoked_at IS NULL") == [(0,)]
    assert city.rows("SELECT disabled FROM users WHERE email = %s", city.left) == [(True,)]
    assert city.rows("SELECT DISTINCT code_hash FROM recovery_codes") == [(b"\x02",)]
    assert city.rows("SELECT issuer FROM user_identities") == [("https://i2.example",)]
    assert city.rows("SELECT device FROM banned_devices") == [(b"\x09",)]
    assert city.rows("SELECT code FROM citizen_reports JOIN reports ON id = report_id") == [
        (city.kept["code"],)
    ]
    assert city.rows("SELECT encode(mark, 'hex') FROM citizens") == [(OTHER,)]
    for table in ("sessions", "citizen_sessions"):
        assert city.rows(f"SELECT count(*) FROM {table}") == [(0,)], table
    # The covered picture is shown, and those it took the place of lie nowhere.
    shown = city.rows("SELECT sha256 FROM photos UNION SELECT sha256 FROM uploads")
    media = city.folder / "state" / "media"
    assert {p.name for p in media.glob("??/*")} == {sha256 for (sha256,) in shown}


def test_what_was_taken_away_since_a_backup_is_taken_away_again(city, tmp_path):
    covered = city.rows(
        "SELECT sha256 FROM photos JOIN reports ON id = report_id WHERE code = %s",
        city.boxed["code"],
    )
    assert city.rows("SELECT count(*) > 0 FROM sessions") == [(True,)]
    done = city.run("db", "restore", "city.tar", "--over")
    assert done.returncode == 0, done.stderr
    _check(city)
    assert covered == city.rows(
        "SELECT sha256 FROM photos JOIN reports ON id = report_id WHERE code = %s",
        city.boxed["code"],
    )
    for sentence in (
        f"erased {city.erased['code']} with its text",
        f"covered photo 1 of {city.boxed['code']}",
        f"hid photo 1 of {city.photo_hidden['code']}",
        f"hid {city.hidden['code']}",
        f"edited the text of {city.edited['code']}",
        f"hid addition 2 of {city.edited['code']}",
        f"took the contact of {city.anonymous['code']} away",
        f"disabled {city.left}",
        "revoked key",
        "barred devices: 1",
        '"mine": 1',
        "everybody is signed out",
    ):
        assert sentence in done.stdout, sentence
    assert "agent@example.test: the password was changed since" in done.stderr
    assert "reports sent since, which are lost: 1" in done.stderr
    assert f"{city.kept['code']} is as before its reporter changed it since" in done.stderr
    (kept,) = tmp_path.glob("city.tar.since-*.json.done")
    assert kept.stat().st_mode & 0o777 == 0o600
    said = kept.read_text()
    assert "ông Bảy" not in said
    assert "0911" not in said
    assert "report.erase.text" in [line["action"] for line in json.loads(said)["audit"]]
    again = city.run("db", "again", kept)
    assert again.returncode == 1
    assert "was done to its end" in again.stderr
    # Twice is no harm where the first was broken off.
    (copy,) = (city.folder / "state" / "restored").iterdir()
    assert copy.stat().st_mode & 0o777 == 0o600
    copy.unlink()
    again = city.run("db", "again", kept.rename(tmp_path / "broken-off"))
    assert "done again since the backup: 0" in again.stdout, again.stderr
    _check(city)
    assert city.run("audit", "verify").returncode == 0
    with serving(city.url, city.folder, 1, "--no-worker") as service:
        service.http.cookies.update(city.cookies)
        assert service.http.get("/api/v1/session").status_code == 401
        service.http.cookies.clear()
        words = {"email": city.left, "password": PASSWORD}
        assert service.http.post("/api/v1/session", json=words).status_code == 401
        path = f"{LIST}/{city.erased['code']}"
        assert service.http.get(f"{path}/photos/1").status_code == 404
        assert service.http.get(f"{LIST}/{city.hidden['code']}").status_code == 404


def test_a_covered_photo_that_is_lost_is_hidden(city, tmp_path):
    (covered,) = city.rows(
        "SELECT sha256 FROM photos JOIN reports ON id = report_id WHERE code = %s",
        city.boxed["code"],
    )
    (city.folder / "state" / "media" / covered[0][:2] / covered[0]).unlink()
    nowhere = city.run("db", "restore", "city.tar", "--over", "--keep", tmp_path / "no" / "list")
    assert nowhere.returncode == 1
    assert "name another place with --keep" in nowhere.stderr
    assert city.rows("SELECT count(*) FROM users WHERE disabled") == [(1,)]
    done = city.run("db", "restore", "city.tar", "--over", "--keep", tmp_path / "list")
    assert (tmp_path / "list.done").stat().st_mode & 0o777 == 0o600
    assert f"photo 1 of {city.boxed['code']} was covered since" in done.stderr
    assert city.rows(
        "SELECT hidden FROM photos JOIN reports ON id = report_id WHERE code = %s",
        city.boxed["code"],
    ) == [(True,)]


def test_without_the_database_of_before_people_are_told_what_to_look_for(city):
    city.rows("DROP SCHEMA public CASCADE")
    city.rows("CREATE SCHEMA public")
    done = city.run("db", "restore", "city.tar")
    assert done.returncode == 0, done.stderr
    assert "is not known: no database was there to tell it" in done.stderr
    assert "pinward reports erase" in done.stderr
    for table in ("sessions", "citizen_sessions"):
        assert city.rows(f"SELECT count(*) FROM {table}") == [(0,)], table


def test_a_list_that_cannot_be_read_stops_the_restore(city, tmp_path):
    city.rows("ALTER TABLE banned_devices RENAME TO gone")
    refused = city.run("db", "restore", "city.tar", "--over")
    assert refused.returncode == 1
    assert "--blind" in refused.stderr
    assert city.rows("SELECT count(*) FROM gone") == [(1,)]
    assert not list(tmp_path.glob("city.tar.since-*"))
    blind = city.run("db", "restore", "city.tar", "--over", "--blind")
    assert blind.returncode == 0, blind.stderr
    assert "is not known" in blind.stderr
