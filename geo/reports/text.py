"""What people write, as it is kept: plain text, NFC, trimmed, one kind of line break, nothing that
is not seen.

Text is text everywhere: `<b>` stays three typed characters, which whoever makes HTML of it escapes.
macOS and some keyboards send Vietnamese in NFD, where 'Thạnh' has six code points and equals no
NFC text in PostgreSQL. Characters that are not seen come along with what is pasted from other apps,
so they are taken out without a word instead of refusing the report: by them a text reads as another
(overrides of the writing direction), escapes a search ("s<ZWSP>pam"), or carries what nobody sees
(tags, variation selectors). Joiners stay where scripts and emoji need them, which Vietnamese and
English do not. Marks are stacked four high at most; Vietnamese has two.
"""

import re
import unicodedata

from geo.errors import Invalid

LONGEST_TEXT = 5_000
MOST_MARKS = 4

# Controls (Cc) but line breaks and tabs; lone surrogates, which UTF-8 cannot hold.
_REFUSED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_BREAKS = re.compile("\r\n|[\r\x85\u2028\u2029]")
# Letters and signs of Vietnamese, English and other Latin writing: nothing in it is unseen.
_ORDINARY = re.compile("[\n\t -~\xa0-\xac\xae-\u024f\u1e00-\u1eff\u2010-\u2027\u2030-\u205e]*")
# Soft hyphen; Arabic letter mark; Mongolian separators; zero width space, direction marks,
# embeddings, overrides and isolates; word joiner and invisible operators; byte order mark;
# interlinear annotations; musical controls; the block of tags.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)
_JOINERS = "\u200c\u200d"
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# Letters by their category that are drawn as nothing.
_BLANK = "\u115f\u1160\u3164\uffa0"
# A text of nothing but these shows nothing: separators, marks, controls, format characters.
_SHOWS = ("L", "N", "P", "S")
# In a text that is not normalised yet one letter may have more, but nobody's has so many; to order
# a run of thousands takes seconds.
_MOST_RAW_MARKS = 12


def clean_text(value: str, longest: int = LONGEST_TEXT, one_line: bool = False) -> str:
    """NFC, trimmed, without what is not seen, `\\n` as line break; `longest` counts code points
    after that.

    Raises `Invalid` on control characters, lone surrogates, nothing visible, or too much.
    """
    tidy = _BREAKS.sub("\n", value)
    if refused := _REFUSED.search(tidy):
        raise Invalid(f"must not hold control characters (U+{ord(refused[0]):04X} found)")
    tidy = visible(tidy)
    tidy = unicodedata.normalize("NFC", tidy).strip()
    if not any(
        unicodedata.category(character).startswith(_SHOWS)
        for character in tidy
        if character not in _BLANK
    ):
        raise Invalid("must say something: it has no visible character")
    if len(tidy) > longest:
        raise Invalid(f"must be at most {longest} characters; it has {len(tidy)}")
    if one_line and ("\n" in tidy or "\t" in tidy):
        raise Invalid("must be one line")
    return tidy


def visible(text: str) -> str:
    """NFC, without what is not seen; no check of anything else."""
    if _ORDINARY.fullmatch(text):
        return text
    bare = _UNSEEN.sub("", text)
    bare = unicodedata.normalize("NFC", _stacked(bare, _MOST_RAW_MARKS))
    bare = _stacked(bare, MOST_MARKS)
    if _SELECTORS.search(bare) or any(joiner in bare for joiner in _JOINERS):
        bare = _joined(bare)
    return bare


def _stacked(text: str, most: int) -> str:
    """With so many marks above, below or around one letter at most."""
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if _is_mark(character) else 0
        if marks <= most:
            kept.append(character)
    return "".join(kept)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Me") and not _SELECTORS.match(character)


def _joined(text: str) -> str:
    """With joiners and selectors only where they change how the characters around them look."""
    kept: list[str] = []
    for at, character in enumerate(text):
        before = kept[-1] if kept else ""
        after = text[at + 1 : at + 2]
        if character in _JOINERS:
            if not (_joins(before) and after and unicodedata.category(after)[0] in "LS"):
                continue
        elif _SELECTORS.match(character) and not _varies(before, character, after):
            continue
        kept.append(character)
    return "".join(kept)


def _joins(before: str) -> bool:
    """Whether a joiner after it can mean something: of an emoji, or a script whose letters join."""
    if before == "\ufe0f" or (before and unicodedata.category(before) in ("So", "Sk")):
        return True
    if not before or unicodedata.category(before)[0] not in "LM":
        return False
    name = unicodedata.name(before, "")
    return not name.startswith(("LATIN", "GREEK", "CYRILLIC", "COMBINING", "VARIATION", "CJK"))


def _varies(before: str, selector: str, after: str) -> bool:
    if not before:
        return False
    if selector in "\ufe0e\ufe0f":
        if before.isascii():
            # a keycap: 1, the selector, and the box around it
            return after == "\u20e3"
        return unicodedata.category(before) in ("So", "Sm", "Po", "Sk")
    # Variants of Chinese characters, in names of people and places.
    return selector >= "\U000e0100" and unicodedata.name(before, "").startswith("CJK UNIFIED")
