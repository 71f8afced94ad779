import psycopg
import pytest

PASSWORD = "a long enough one"


@pytest.fixture(scope="module")
def account(service, tmp_path_factory):
    import os
    import subprocess
    import sys
    from pathlib import Path

    done = subprocess.run(
        [
            Path(sys.executable).with_name("pinward"),
            *("users", "add", "Officer@Example.test", "--name", "Lê Thị Mẫu"),
            *("--role", "ward_officer", "--ward", "90001"),
        ],
        input=f"{PASSWORD}\n{PASSWORD}\n",
        text=True,
        capture_output=True,
        check=False,
        env={**os.environ, "PINWARD_DATABASE_URL": service.url},
    )
    assert done.returncode == 0, done.stderr
    return "officer@example.test"


def _sign_in(service, email, password):
    return service.http.post("/api/v1/session", json={"email": email, "password": password})


@pytest.fixture(autouse=True)
def nobody_signed_in(service):
    service.http.cookies.clear()


def test_an_officer_signs_in_is_known_and_signs_out(service, account):
    assert service.http.get("/api/v1/session").status_code == 401
    answer = _sign_in(service, "OFFICER@example.test", PASSWORD)
    assert answer.status_code == 200
    assert answer.json()["ward"] == {"code": "90001", "name": "Bến Thử", "kind": "ward"}
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert service.http.get("/api/v1/session").json()["name"] == "Lê Thị Mẫu"
    token = service.http.cookies["pinward_session"]
    assert service.http.delete("/api/v1/session").status_code == 204
    # The old cookie is worth nothing, not merely forgotten by the browser.
    again = service.http.get("/api/v1/session", cookies={"pinward_session": token})
    assert again.status_code == 401


def test_a_wrong_password_and_a_wrong_address_get_the_same_answer(service, account):
    wrong = _sign_in(service, account, "not the password")
    nobody = _sign_in(service, "nobody@example.test", PASSWORD)
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.json() == nobody.json()


def test_neither_password_nor_token_is_in_the_database(service, account):
    _sign_in(service, account, PASSWORD)
    token = service.http.cookies["pinward_session"]
    with psycopg.connect(service.url) as conn:
        everything = str(conn.execute("SELECT u.*, s.* FROM users u, sessions s").fetchall())
    assert PASSWORD not in everything
    assert token not in everything


def test_a_disabled_account_is_out_at_once(service, pinward):
    add = ("users", "add", "gone@example.test", "--name", "X", "--role", "planner")
    done = pinward(*add, url=service.url, stdin=f"{PASSWORD}\n{PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    assert _sign_in(service, "gone@example.test", PASSWORD).status_code == 200
    assert pinward("users", "disable", "gone@example.test", url=service.url).returncode == 0
    assert service.http.get("/api/v1/session").status_code == 401
    assert _sign_in(service, "gone@example.test", PASSWORD).status_code == 401


def test_users_are_refused_with_a_reason(url, pinward):
    short = pinward(
        *("users", "add", "a@b.test", "--name", "X", "--role", "planner"),
        url=url,
        stdin="short\nshort\n",
    )
    assert short.returncode == 1
    assert "10 characters" in short.stderr
    role = pinward(
        *("users", "add", "a@b.test", "--name", "X", "--role", "king"),
        url=url,
        stdin=f"{PASSWORD}\n{PASSWORD}\n",
    )
    assert role.returncode == 1
    assert "ward_officer" in role.stderr
    nobody = pinward("users", "disable", "nobody@b.test", url=url)
    assert nobody.returncode == 1
    assert pinward("users", "list", "--json", url=url).stdout.strip() == '{"users": []}'


def test_a_sign_in_is_bounded_and_held_to_text(service):
    huge = service.http.post("/api/v1/session", json={"email": "a" * 70_000, "password": "x"})
    assert huge.status_code == 413
    nul = service.http.post("/api/v1/session", json={"email": "a\x00@b.test", "password": "x"})
    assert nul.status_code == 422


def test_behind_tls_the_cookie_never_travels_without_it(service, account):
    answer = service.http.post(
        "/api/v1/session",
        json={"email": account, "password": PASSWORD},
        headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "city.example"},
    )
    assert "Secure" in answer.headers["set-cookie"]
