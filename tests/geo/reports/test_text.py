import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import Invalid
from geo.reports.text import LONGEST_TEXT, clean_text

ANYTHING = st.text(st.characters(codec=None), max_size=60)


@given(ANYTHING)
def test_cleaned_text_is_nfc_trimmed_and_can_be_stored(text):
    try:
        cleaned = clean_text(text)
    except Invalid:
        return
    assert unicodedata.is_normalized("NFC", cleaned)
    assert cleaned == cleaned.strip()
    cleaned.encode("utf-8")
    assert not any(
        unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t"
        for character in cleaned
    )
    assert clean_text(cleaned) == cleaned


@given(ANYTHING, st.sampled_from("\0\x01\x07\x0b\x0c\x1b\x7f\x80\x85\x9f\ud800\udfff"), ANYTHING)
def test_a_control_character_or_lone_surrogate_is_refused_wherever_it_stands(before, bad, after):
    with pytest.raises(Invalid, match="control characters"):
        clean_text(f"{before}{bad}{after}x")


@given(st.text(" \t\n\r\u00a0\u200b\u200d\u2028\u0301", max_size=20))
def test_text_that_shows_nothing_is_refused(text):
    with pytest.raises(Invalid, match="visible"):
        clean_text(text)


def test_both_forms_of_vietnamese_become_one():
    said = "Phường Thạnh Mỹ Tây, Đường Nguyễn Huệ"
    assert clean_text(unicodedata.normalize("NFD", said)) == said


def test_line_breaks_become_one_kind():
    assert clean_text("a\r\nb\rc\nd") == "a\nb\nc\nd"


def test_the_limit_counts_characters_after_composing_and_trimming():
    # "ạ" is two code points in NFD; the limit is about what is kept.
    at_limit = unicodedata.normalize("NFD", "ạ" * LONGEST_TEXT)
    assert len(clean_text(f"  {at_limit}  ")) == LONGEST_TEXT
    with pytest.raises(Invalid, match="5001"):
        clean_text("ạ" * (LONGEST_TEXT + 1))


def test_one_line_means_one_line():
    for text in ("a\nb", "a\tb"):
        with pytest.raises(Invalid, match="one line"):
            clean_text(text, one_line=True)


@pytest.mark.parametrize("text", ["🚧", "👨‍👩‍👧", "?", "1", "ổ", "٣", "道路"])
def test_any_script_and_emoji_are_text(text):
    assert clean_text(text) == text


@pytest.mark.parametrize("override", ["\u202e", "\u2066"])
def test_text_that_reads_as_another_is_refused(override):
    with pytest.raises(Invalid, match="control characters"):
        clean_text(f"Đèn {override}hỏng")


@pytest.mark.parametrize("blank", ["\u3164", "\u200b", "\uffa0\u115f"])
def test_letters_drawn_as_nothing_say_nothing(blank):
    with pytest.raises(Invalid, match="no visible character"):
        clean_text(blank)
