"""Merging reports on the desk, and parting them: who follows whom, and what comes back."""

import secrets
import threading
from datetime import datetime, timedelta

import httpx
import psycopg
import pytest
from holding import until
from own import Sent
from staffed import signed_in
from working import At

import builders
from geo.store.locks import Lock


@pytest.fixture(scope="module")
def desk(service):
    with signed_in(service, "hotline_agent", name="merging-desk") as client:
        yield client


def two(service, n=2, **changes):
    return [Sent(service, **changes) for _ in range(n)]


def merged(desk, child, parent, **said):
    return At(desk, child.code).does("merge", parent=parent.code, **said)


def me_too(sent):
    answer = sent.service.http.post(
        f"{sent.path}/support", json={}, headers={"Pinward-Device": secrets.token_urlsafe(16)}
    )
    assert answer.status_code == 200, answer.text


def props(sent):
    return sent.public.json()["properties"]


def row(service, sent):
    with psycopg.connect(service.url, row_factory=psycopg.rows.namedtuple_row) as db:
        return db.execute("SELECT * FROM reports WHERE code = %s", (sent.code,)).fetchone()


def test_a_duplicate_names_its_parent_to_everybody_and_its_history_says_why(service, desk):
    child, parent = two(service)
    told = merged(desk, child, parent, text="Cùng một hố ga.", inner="Đã gọi người gửi.")
    assert (told["status"], told["duplicate_of"]) == ("duplicate", parent.code)
    assert props(child)["duplicate_of"] == parent.code
    assert props(parent)["duplicate_of"] is None
    assert child.history()[-1] == ("duplicate", "The same as another report. Cùng một hố ga.")
    assert "gọi người gửi" not in str(child.history(mine=True))
    assert parent.history()[-1] == ("merged", "Another report was merged into this one.")
    parent.becomes("withheld = 'review'")
    assert props(child)["duplicate_of"] is None
    assert parent.code not in child.public.text + str(child.history())


def test_what_a_desk_did_not_see_is_not_merged_away(service, desk):
    child, parent = two(service)
    at, seen = At(desk, child.code), At(desk, child.code).etag
    at.does("notes", inner="Đang gọi người gửi.")
    answer = at.ask("merge", seen, parent=parent.code)
    assert answer.status_code == 412
    assert props(child)["status"] != "duplicate"
    assert at.ask("merge", at.etag, parent=parent.code).status_code == 200
    assert at.ask("unmerge", seen, text="Khác chỗ.").status_code == 412
    assert at.ask("unmerge", at.etag, text="Khác chỗ.").status_code == 200


@pytest.mark.parametrize(
    ("changes", "sets", "status", "words"),
    [
        ({}, "status = 'resolved', resolved_at = now()", 409, "open ones only"),
        ({}, "status = 'duplicate'", 409, "duplicate itself"),
        ({"category": "lighting.lamp_out"}, "", 422, "another family"),
    ],
    ids=["resolved", "merged itself", "of another family"],
)
def test_one_merges_only_into_what_is_open_alike_and_no_duplicate(
    service, desk, changes, sets, status, words
):
    child, parent = Sent(service), Sent(service, **changes)
    if sets:
        parent.becomes(sets)
    answer = At(desk, child.code).ask("merge", parent=parent.code)
    assert answer.status_code == status
    assert words in answer.text
    assert props(child)["duplicate_of"] is None


def test_a_report_is_not_merged_into_itself_or_into_its_own_duplicate(service, desk):
    child, parent = two(service)
    assert At(desk, child.code).ask("merge", parent=child.code).status_code == 422
    assert At(desk, child.code).ask("merge", parent="2222-2222").status_code == 422
    merged(desk, child, parent)
    answer = At(desk, parent.code).ask("merge", parent=child.code)
    assert answer.status_code == 409
    assert At(desk, child.code).ask("merge", parent=parent.code).json()["allowed"] == ["unmerge"]


def test_one_merges_only_within_ones_own_ward(service):
    child = Sent(service)
    lon, lat = builders.middle(1)
    elsewhere = Sent(service, lon=lon, lat=lat)
    with signed_in(service, "ward_officer", ward=builders.CODES[0]) as officer:
        for one, other in ((child, elsewhere), (elsewhere, child)):
            assert At(officer, one.code).ask("merge", parent=other.code).status_code == 403
    assert props(child)["duplicate_of"] is None


def test_what_was_merged_into_a_report_goes_along_and_every_me_too_counts_once(service, desk):
    child, parent, root = two(service, 3)
    for sent, n in ((child, 2), (parent, 1), (root, 1)):
        for _ in range(n):
            me_too(sent)
    merged(desk, child, parent)
    assert props(parent)["supports"] == 1 + (2 + 1)
    merged(desk, parent, root)
    assert props(child)["duplicate_of"] == root.code
    assert [props(one)["supports"] for one in (child, parent, root)] == [2, 1, 1 + 3 + 2]
    assert ("moved_on", "The report that this one is the same as was merged into another.") in (
        child.history()
    )
    At(desk, parent.code).does("unmerge", text="Khác chỗ.")
    assert [props(one)["supports"] for one in (child, parent, root)] == [2, 1, 1 + 3]
    assert props(child)["duplicate_of"] == root.code
    At(desk, child.code).does("unmerge", text="Khác chỗ.")
    assert props(root)["supports"] == 1
    assert root.history()[-1][0] == "unmerged"


@pytest.mark.parametrize(
    ("sets", "back"),
    [
        ("status = 'received'", "received"),
        ("status = 'waiting', waits_since = now() - interval '3 hours'", "waiting"),
        ("status = 'in_progress'", "assigned"),
    ],
)
def test_parted_it_has_the_status_of_before_and_no_time_was_lost(service, desk, sets, back):
    child, parent = two(service)
    long_ago = [f"{name} = {name} - interval '60 hours'" for name in ("created_at", "due_at")]
    child.becomes(", ".join([sets, *long_ago]))
    due = row(service, child).due_at
    merged(desk, child, parent)
    assert row(service, child).closed_at is not None
    # As if that had been two days ago.
    child.becomes(
        "paused = coalesce((SELECT range_agg(tstzrange(lower(one) - interval '2 days',"
        " upper(one) - interval '2 days')) FROM unnest(paused) AS one), '{}')"
    )
    with psycopg.connect(service.url) as db:
        db.execute(
            "UPDATE report_merges SET merged_at = merged_at - interval '2 days'"
            " WHERE report_id = %s",
            (row(service, child).id,),
        )
    told = At(desk, child.code).does("unmerge", text="Khác chỗ.")
    after = row(service, child)
    assert told["status"] == after.status == back
    assert (after.closed_at, after.parent_id, after.holder_id) == (None, None, None)
    # Due calendar days after it came, and so many hours later as it did not run.
    waited = timedelta(hours=3) if back == "waiting" else timedelta(0)
    assert abs(after.due_at - due - timedelta(days=2) - waited) < timedelta(minutes=1)
    assert child.history()[-1] == (
        back,
        "No longer held to be the same as another. Khác chỗ.",
    )
    # It may be merged once more.
    merged(desk, child, parent)


@pytest.mark.parametrize(("move", "line"), [("resolve", "was resolved"), ("reject", "was refused")])
def test_duplicates_end_with_their_parent_and_are_opened_again_with_it(service, desk, move, line):
    child, parent, apart = two(service, 3)
    merged(desk, child, parent)
    At(desk, parent.code).does(move, text="Đã thông cống.")
    assert props(child)["status"] == "closed"
    kind, said = child.history()[-1]
    assert kind == "closed"
    assert line in said
    assert "Đã thông cống." in said
    assert row(service, child).resolved_at is not None
    assert props(apart)["status"] != "closed"
    At(desk, parent.code).does("reopen", text="Lại ngập.")
    assert (props(child)["status"], props(child)["duplicate_of"]) == ("duplicate", parent.code)
    assert "opened again" in child.history()[-1][1]
    At(desk, child.code).does("unmerge", text="Khác chỗ.")


def test_what_was_written_of_a_hidden_parent_stands_in_no_public_history(service, desk):
    child, parent = two(service)
    merged(desk, child, parent)
    parent.becomes("withheld = 'hidden'")
    At(desk, parent.code).does("resolve", text="Nhà ông Bình đã dọn.")
    assert props(child)["status"] == "closed"
    assert "Bình" not in str(child.history()) + str(child.history(mine=True))


def test_whose_duplicate_is_not_done_opens_it_again_and_it_stands_on_its_own(service, desk):
    child, parent = two(service)
    merged(desk, child, parent)
    At(desk, parent.code).does("resolve", text="Đã thông cống.")
    answer = child.ask("POST", "reopen", {"text": "Chỗ tôi vẫn ngập."})
    assert answer.status_code == 200, answer.text
    assert (props(child)["status"], props(child)["duplicate_of"]) == ("assigned", None)
    At(desk, parent.code).does("reopen", text="Lại ngập.")
    assert props(child)["status"] == "assigned"
    merged(desk, child, parent)


def test_a_parent_that_is_taken_back_lets_its_duplicates_go_on(service, desk):
    child, parent = two(service)
    child.becomes("status = 'received'")
    merged(desk, child, parent)
    assert parent.ask("POST", "withdraw").status_code == 200
    assert (props(child)["status"], props(child)["duplicate_of"]) == ("received", None)
    assert "taken back" in child.history()[-1][1]
    assert datetime.fromisoformat(props(child)["due_at"]) > datetime.fromisoformat(
        props(child)["created_at"]
    )


def test_two_desks_that_merge_two_reports_into_each_other_do_not_stand_still(service, desk):
    for _ in range(8):
        one, other = two(service)
        third = Sent(service)
        merged(desk, third, one)
        asks = [
            (one, "merge", {"parent": other.code}),
            (other, "merge", {"parent": one.code}),
            (third, "unmerge", {"text": "Khác chỗ."}),
            (one, "resolve", {"text": "Đã thông cống."}),
        ]
        ready, answers = threading.Barrier(len(asks)), []

        def ask(sent, what, body, ready=ready, answers=answers):
            with signed_in_as(service, desk) as client:
                ready.wait()
                answers.append(At(client, sent.code).ask(what, **body).status_code)

        threads = [threading.Thread(target=ask, args=each) for each in asks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(answers) <= {200, 409, 412}, answers
        assert 200 in answers
        parents = {sent.code: props(sent)["duplicate_of"] for sent in (one, other, third)}
        assert all(parents[parents[code]] is None for code in parents if parents[code])


@pytest.mark.parametrize("what", ["merge", "unmerge"])
def test_merges_and_partings_are_made_one_at_a_time(service, desk, what):
    """Else two who change which of two is the parent might lock them the other way around."""
    child, parent = two(service)
    body = {"parent": parent.code}
    if what == "unmerge":
        merged(desk, child, parent)
        body = {"text": "Khác chỗ."}
    waits = (
        "SELECT 1 FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database"
        " WHERE d.datname = current_database() AND locktype = 'advisory' AND NOT granted"
    )
    answers = []
    asks = threading.Thread(
        target=lambda: answers.append(At(desk, child.code).ask(what, **body).status_code)
    )
    with psycopg.connect(service.url) as other, psycopg.connect(service.url) as db:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (int(Lock.MERGES),))
        asks.start()
        until(lambda: db.execute(waits).fetchone() is not None or answers)
        assert not answers
        other.rollback()
    asks.join()
    assert answers == [200]


def signed_in_as(service, client):
    """Another connection of the same account: a second desk."""
    return httpx.Client(
        base_url=service.base,
        timeout=30,
        headers={"Pinward-Request": "1"},
        cookies=client.cookies,
    )
