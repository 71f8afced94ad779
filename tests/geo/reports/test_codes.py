from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import Invalid
from geo.reports import codes

KEY, OTHER = b"k" * 32, b"o" * 32


def test_codes_have_no_vowel_and_nothing_that_looks_like_another():
    assert not set(codes.ALPHABET) & set("AEIOUY01ILBGSZ")
    assert len(set(codes.ALPHABET)) == len(codes.ALPHABET)


def test_drawn_codes_are_spread_evenly_and_differ():
    drawn = [bytes(row).decode() for row in codes.new_codes(20_000)]
    # Of so many, two are the same once in four hundred times.
    assert len(set(drawn)) > 19_990
    for place in (0, 3, 5, 8):
        counts = dict.fromkeys(codes.ALPHABET, 0)
        for code in drawn:
            counts[code[place]] += 1
        # 870 each on average, standard deviation 29.
        assert min(counts.values()) > 700
        assert max(counts.values()) < 1040


@given(
    st.text(codes.ALPHABET, min_size=8, max_size=8),
    st.sampled_from(["", " ", "-", "–", "_", " - "]),
    st.booleans(),
)
def test_a_code_is_read_however_it_is_typed(letters, between, lower):
    typed = between.join(letters.lower() if lower else letters)
    assert codes.read_code(typed) == f"{letters[:4]}-{letters[4:]}"


def test_letters_taken_for_digits_are_read_as_those():
    assert codes.read_code("bgsz-bgsz") == "8652-8652"


@given(st.text(max_size=20))
def test_reading_a_code_never_fails(text):
    found = codes.read_code(text)
    assert found is None or codes.read_code(found) == found


def test_the_secret_of_a_key_is_the_same_at_every_replay_and_with_this_server_key_only():
    key = uuid4()
    assert codes.secret_of_key(KEY, key) == codes.secret_of_key(KEY, key)
    assert codes.secret_of_key(KEY, key) != codes.secret_of_key(OTHER, key)
    assert codes.secret_of_key(KEY, key) != codes.secret_of_key(KEY, uuid4())
    assert str(key) not in codes.secret_of_key(KEY, key)


def test_purposes_have_keys_of_their_own():
    made = {codes.derived_key(KEY, purpose) for purpose in ("a", "b")}
    assert len(made) == 2
    assert KEY not in made


@pytest.mark.parametrize(
    "text", ["0B9E7A526B1C4A579B0E1F6F6B1D2C3A", '"0b9e7a52-6b1c-4a57-9b0e-1f6f6b1d2c3a"']
)
def test_a_key_is_read_in_its_usual_forms(text):
    assert codes.read_key(text) == UUID("0b9e7a52-6b1c-4a57-9b0e-1f6f6b1d2c3a")


@given(st.text(max_size=40))
def test_a_key_that_is_none_is_refused(text):
    with pytest.raises(Invalid, match="uuid"):
        codes.read_key(text)
