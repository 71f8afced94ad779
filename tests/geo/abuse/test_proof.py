"""The proof of work: whose it is, how long, for how much work, and that nothing else passes."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.abuse import proof

KEY = b"k" * 32
NOW = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
MINE = "device a"


def answered(difficulty=50, key=KEY, whose=MINE, now=NOW):
    made = proof.make(key, whose, difficulty, now)
    return made, proof.answer(made.text, made.difficulty)


def test_an_answered_challenge_is_a_proof_until_it_ends():
    made, header = answered()
    shown = proof.check(KEY, MINE, header, NOW)
    assert shown is not None
    assert (shown.difficulty, shown.expires) == (50, made.expires)
    assert made.expires == NOW + proof.LASTS
    last = made.expires - timedelta(seconds=1)
    assert proof.check(KEY, MINE, header, last)
    assert proof.check(KEY, MINE, header, made.expires) is None


def test_two_challenges_of_one_moment_have_names_of_their_own():
    (_, first), (_, second) = answered(), answered()
    names = {proof.check(KEY, MINE, each, NOW).name for each in (first, second)}
    assert len(names) == 2


@pytest.mark.parametrize(
    "what", ["another device", "another key", "easier", "later", "no work", "cut", "longer"]
)
def test_what_was_not_asked_or_not_worked_for_is_no_proof(what):
    made, header = answered(difficulty=1000)
    whose, key = MINE, KEY
    if what == "another device":
        whose = "device b"
    elif what == "another key":
        key = b"x" * 32
    elif what in ("easier", "later"):
        # the same challenge, signed for more work and less time than is claimed
        packed = bytearray(base64.urlsafe_b64decode(made.text + "=" * (-len(made.text) % 4)))
        at = slice(4, 8) if what == "easier" else slice(0, 4)
        packed[at] = (1).to_bytes(4, "big") if what == "easier" else b"\xff\xff\xff\xff"
        changed = base64.urlsafe_b64encode(packed).rstrip(b"=").decode()
        header = proof.answer(changed, 1)
    elif what == "no work":
        n = next(n for n in range(100) if not proof.is_answer(f"{made.text}.{n}", 1000))
        header = f"{made.text}.{n}"
    elif what == "cut":
        header = header[1:]
    else:
        header += "." + "1" * 10
    assert proof.check(key, whose, header, NOW) is None


@given(st.text(max_size=150))
def test_whatever_else_comes_in_the_header_is_no_proof_and_no_error(header):
    assert proof.check(KEY, MINE, header, NOW) is None


def test_the_work_is_as_much_as_is_said():
    tries = []
    for _ in range(60):
        made, header = answered(difficulty=200)
        tries.append(int(header.rpartition(".")[2]) + 1)
        first = int.from_bytes(hashlib.sha256(header.encode()).digest()[:6], "big")
        assert first * 200 < 1 << 48
        assert made.text == header.rpartition(".")[0]
    # the mean of 60 draws, of standard deviation 200 / sqrt(60) = 26
    assert 100 < sum(tries) / len(tries) < 330


@pytest.mark.parametrize(("shown", "asked", "enough"), [(25, 100, True), (24, 100, False)])
def test_a_quarter_of_what_is_asked_by_now_will_do(shown, asked, enough):
    assert proof.is_enough(shown, asked) is enough
    assert proof.is_enough(asked, shown)
