"""Contact data: sealed for one report, under a key that can be replaced, read in one place."""

import ast
import base64
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from drawn import put_reports
from hypothesis import given
from hypothesis import strategies as st

from builders import middle
from geo.reports import contacts
from geo.reports.codes import derived_key
from geo.reports.contacts import _open, row_of
from geo.reports.keys import FRONT, Keys, plain_email, plain_phone
from geo.store import held

ROOT = Path(__file__).resolve().parents[3]
OLD, NEW, SECRET = b"o" * 32, b"n" * 32, b"s" * 32
GIVEN = {"name": "Đỗ Thị Ổn", "phone": "0912 345 678", "email": "On@Example.vn"}


def test_what_is_sealed_opens_for_its_report_only():
    keys, mine, other = Keys(SECRET, contact=(NEW,)), uuid4(), uuid4()
    sealed = keys.seal(b"0912", mine)
    assert b"0912" not in sealed
    assert keys.unseal(sealed, mine) == b"0912"
    assert keys.unseal(sealed, other) is None
    assert sealed[:FRONT] == keys.front
    assert keys.seal(b"0912", mine)[FRONT:17] != sealed[FRONT:17]


def test_a_device_is_sealed_to_its_report_by_the_key_of_the_service():
    keys, mine, other = Keys(SECRET, contact=(NEW,)), uuid4(), uuid4()
    sealed = keys.seal_device(b"16 bytes of hash", mine)
    assert keys.unseal_device(sealed, mine) == b"16 bytes of hash"
    assert keys.unseal_device(sealed, other) is None
    # Those who hold the key of contacts do not open it, nor does it open contacts.
    assert keys.unseal(sealed, mine) is None
    assert keys.unseal_device(keys.seal(b"x", mine), mine) is None
    # The door hashes under the new secret: a bar under the hash of before would bar nobody.
    assert Keys(b"t" * 32, (SECRET,)).unseal_device(sealed, mine) is None
    assert len(sealed) == len(keys.seal_device(b"other 16 of hash", other))


@given(st.integers(0, 36), st.integers(1, 255))
def test_no_byte_of_it_can_be_changed(place, by):
    keys, mine = Keys(SECRET), uuid4()
    sealed = bytearray(keys.seal(b"0912", mine))
    sealed[place % len(sealed)] ^= by
    assert keys.unseal(bytes(sealed), mine) is None


def test_the_first_key_seals_and_all_open():
    mine = uuid4()
    before, after = Keys(SECRET, contact=(OLD,)), Keys(SECRET, contact=(NEW, OLD))
    assert after.unseal(before.seal(b"x", mine), mine) == b"x"
    assert before.unseal(after.seal(b"x", mine), mine) is None
    assert after.front != before.front
    # One's own key where there was none, and a service's key that was replaced.
    alone = Keys(SECRET)
    assert before.unseal(alone.seal(b"x", mine), mine) == b"x"
    assert Keys(b"t" * 32, (SECRET,)).unseal(alone.seal(b"x", mine), mine) == b"x"
    assert Keys(b"t" * 32).unseal(alone.seal(b"x", mine), mine) is None


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("0912 345 678", "0912345678"),
        ("+84 912-345-678", "0912345678"),
        ("+84 (0)912 345 678", "0912345678"),
        ("0084912345678", "0912345678"),
        ("84912345678", "0912345678"),
        ("(028) 3822 1234", "02838221234"),
        ("+49 30 123456", "+4930123456"),
        ("0049 30 123456", "+4930123456"),
    ],
)
def test_a_phone_number_is_the_same_however_it_is_written(written, plain):
    assert plain_phone(written) == plain


def test_marks_are_those_of_the_key_and_of_what_it_is():
    assert plain_email(" On@Example.VN ") == "on@example.vn"
    keys = Keys(SECRET, contact=(NEW, OLD))
    phones = list(keys.marks("phone", "0912345678"))
    assert phones != list(keys.marks("email", "0912345678"))
    assert phones[1:] == list(Keys(SECRET, contact=(OLD,)).marks("phone", "0912345678"))
    row = row_of(GIVEN, uuid4(), keys)
    assert row["phone_mark"] == phones[0]
    assert row_of({"name": "x"}, uuid4(), keys)["phone_mark"] is None


def _files():
    for room in ("geo", "tiles", "api", "benchmarks"):
        yield from (ROOT / room).rglob("*.py")
        yield from (ROOT / room).rglob("*.sql")


def test_nothing_else_reads_the_table():
    # In words of SQL and of Python: the table's module, its store, and the insert of a new report.
    naming = {
        str(path.relative_to(ROOT)) for path in _files() if "report_contacts" in path.read_text()
    }
    assert naming == {
        "geo/store/tables/__init__.py",
        "geo/store/tables/beside_reports.py",
        "geo/store/contacts.py",
        "geo/store/reports_submit.sql",
        # That row security is on; the name of a table; whether there was a contact.
        "geo/store/asking.py",
        "geo/store/service_role.py",
        "geo/store/persons.py",
        "geo/store/since.py",
    }
    submit = (ROOT / "geo/store/reports_submit.sql").read_text()
    assert not re.search(r"(FROM|JOIN|RETURNING)\s+report_contacts", submit)
    for name in ("asking", "service_role", "persons"):
        text = (ROOT / f"geo/store/{name}.py").read_text()
        assert not re.search(r"(FROM|JOIN)\s+report_contacts|report_contacts\.c", text), name


def test_nothing_else_calls_the_store_of_contacts():
    importing = set()
    for path in _files():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{name.name}" for name in node.names] + [node.module]
            elif isinstance(node, ast.Import):
                names = [name.name for name in node.names]
            if "geo.store.contacts" in names:
                importing.add(str(path.relative_to(ROOT)))
    assert importing == {"geo/reports/contacts.py"}


def sealed_by_fernet(given_, secret):
    """As contacts were sealed before they had keys of their own."""
    fernet = Fernet(base64.urlsafe_b64encode(derived_key(secret, "report contacts")))
    return fernet.encrypt(json.dumps(given_, ensure_ascii=False).encode())


def test_contacts_of_before_open_under_the_secret_key_or_one_it_replaced():
    for keys in (Keys(SECRET), Keys(NEW, (SECRET,)), Keys(NEW, (OLD, SECRET), (OLD,))):
        assert _open(sealed_by_fernet(GIVEN, SECRET), uuid4(), keys) == GIVEN
    assert _open(sealed_by_fernet(GIVEN, SECRET), uuid4(), Keys(NEW)) is None


def test_a_key_that_is_too_short_is_refused(pinward, url):
    done = pinward("contacts", "rotate", url=url, PINWARD_CONTACT_KEYS="x" * 40 + ",short")
    assert done.returncode == 1
    assert "PINWARD_CONTACT_KEYS needs at least 32" in done.stderr
    assert "short" not in done.stderr


@pytest.mark.anyio
@pytest.mark.parametrize("broken_off_at", [1, 2])
async def test_a_rotation_that_is_broken_off_goes_on_where_it_was(engine, city_url, broken_off_at):
    before, after = Keys(SECRET, contact=(OLD,)), Keys(SECRET, contact=(NEW, OLD))
    codes = put_reports(city_url, [middle(0)] * 5)
    async with engine.begin() as conn:
        named = {code: (await held.by_code(conn, code)).id for code in codes}
        for report_id in named.values():
            await contacts.put(conn, report_id, GIVEN, before)
    told = []

    def started(total):
        told.append(total)

        def done(n):
            told.append(n)
            if len(told) == broken_off_at + 1:
                raise KeyboardInterrupt

        return done

    with pytest.raises(KeyboardInterrupt):
        await contacts.rotate(engine, after, started, batch=2)
    assert told == [5, 2, 4][: broken_off_at + 1]
    rest = await contacts.rotate(engine, after, lambda total: lambda n: None, batch=2)
    assert rest == contacts.Rotated(5 - 2 * broken_off_at, 0)
    async with engine.connect() as conn:
        for code, report_id in named.items():
            opened = await contacts.read(
                conn,
                contacts.Named(report_id, code),
                keys=Keys(SECRET, contact=(NEW,)),
                actor="a",
                why="w",
                now=datetime.now(UTC),
            )
            assert opened == GIVEN
