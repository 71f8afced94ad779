"""What people write, as it is kept: NFC, trimmed, one kind of line break, nothing unprintable.

macOS and some keyboards send Vietnamese in NFD, where 'Thạnh' has six code points and equals no
NFC text in PostgreSQL.
"""

import re
import unicodedata

from geo.errors import Invalid

LONGEST_TEXT = 5_000

# Controls (Cc) but line breaks and tabs; lone surrogates, which UTF-8 cannot hold; overrides of the
# writing direction, with which a text can be made to read as another.
_REFUSED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
# Letters by their category that are drawn as nothing.
_BLANK = "\u115f\u1160\u3164\uffa0"
# A text of nothing but these shows nothing: separators, marks, controls, format characters.
_SHOWS = ("L", "N", "P", "S")


def clean_text(value: str, longest: int = LONGEST_TEXT, one_line: bool = False) -> str:
    """NFC, trimmed, `\\n` as line break; `longest` counts code points after that.

    Raises `Invalid` on control characters, lone surrogates, nothing visible, or too much.
    """
    tidy = value.replace("\r\n", "\n").replace("\r", "\n")
    if refused := _REFUSED.search(tidy):
        raise Invalid(f"must not hold control characters (U+{ord(refused[0]):04X} found)")
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
