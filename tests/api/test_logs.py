"""What the service writes down: nothing of who sent a report, nor from where."""

import httpx
import psycopg
from leftovers import tables_that_hold

import builders

LIST = "/api/v1/reports"
# The client's own, and what a proxy before the service would say.
HERE, FAR, FAR6 = "127.0.0.77", "203.0.113.77", "2001:db8::77"
FORWARDED = {
    "X-Forwarded-For": f"{FAR}, {FAR6}",
    "X-Real-IP": FAR,
    "Forwarded": f'for="[{FAR6}]"',
    "CF-Connecting-IP": FAR,
}
PRIVATE = {"name": "Lê Thị Lặnglẽ", "phone": "0966 321 654", "email": "langle@example.vn"}
TEXT = "Lờilẽ của người gửi"


def phone_of(service):
    """A client at an address of its own, so that it is not the service's."""
    transport = httpx.HTTPTransport(local_address=HERE)
    return httpx.Client(base_url=service.base, transport=transport, headers=FORWARDED, timeout=30)


def send_all_sorts(service):
    """Reports and requests that go right and wrong; what of them must not be written down."""
    key = builders.a_key()
    wrong = "wrongsecret-wrongsecret"
    body = builders.a_report(text=TEXT, reporter=PRIVATE)
    with phone_of(service) as client:
        said = client.post(LIST, json=body, headers=key).json()
        mine = {"Authorization": f"Report {said['secret']}"}
        path = f"{LIST}/{said['code']}"
        statuses = {
            client.post(LIST, json=body, headers=key).status_code,
            client.post(LIST, json={**body, "text": "khác"}, headers=key).status_code,
            client.post(LIST, json={**body, "lon": 1}).status_code,
            client.post(LIST, json={**body, "reporter": {"phone": "x"}}).status_code,
            client.post(
                LIST, content=b"{", headers={"Content-Type": "application/json"}
            ).status_code,
            client.get(path, headers=mine).status_code,
            client.get(path, headers={"Authorization": f"Report {wrong}"}).status_code,
            client.get(f"{path}/export", headers=mine).status_code,
            client.get(f"{path}/contact", params={"why": "gọi lại"}).status_code,
            client.get("/no/such/page").status_code,
            client.put(LIST).status_code,
            client.post(f"{path}/erasure", json={}, headers=mine).status_code,
        }
        assert statuses == {200, 400, 401, 404, 405, 422}
    return said, [wrong, *key.values()]


def break_something(service):
    """An error that nobody expected: what it says is logged."""
    with psycopg.connect(service.url) as db:
        db.execute("ALTER TABLE report_events ADD CHECK (text_vi = 'never') NOT VALID")
        db.commit()
        with phone_of(service) as client:
            body = builders.a_report(text=TEXT, reporter=PRIVATE)
            assert client.post(LIST, json=body, headers=builders.a_key()).status_code == 500
        db.execute("ALTER TABLE report_events DROP CONSTRAINT report_events_text_vi_check")


def test_neither_log_nor_database_knows_who_sent_or_from_where(service):
    said, more = send_all_sorts(service)
    break_something(service)
    log = service.log.read_text()
    assert "unexpected error in POST /api/v1/reports" in log
    for told in (HERE, FAR, FAR6, *PRIVATE.values(), TEXT, said["secret"], *more):
        assert told not in log, told
    # Not even which report was looked at.
    assert said["code"] not in log
    assert tables_that_hold(service.url, HERE, FAR, FAR6, said["secret"], *more) == set()


def test_nor_does_the_databases_own_log(service, cluster):
    said, more = send_all_sorts(service)
    break_something(service)
    with psycopg.connect(service.url) as db:
        # Slow enough to be logged.
        db.execute("SELECT pg_sleep(2.2), %s::text", (TEXT,))
    written = cluster.log.read_text(errors="replace")
    assert "violates check constraint" in written
    assert "pg_sleep(2.2)" in written
    for told in (HERE, FAR, *PRIVATE.values(), TEXT, said["secret"], *more):
        assert told not in written, told
