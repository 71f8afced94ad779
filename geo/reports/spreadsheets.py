"""Text in CSV files that people open in a spreadsheet, which runs cells that begin like a formula.

An apostrophe before them makes them text to it. Where one was written already another one is added,
so that taking one away again always gives back what was there.
"""

import re

import pyarrow as pa
import pyarrow.compute as pc

_FORMULA = re.compile("'*[=+\\-@\t\r\n]")


def harmless(cell: str | None) -> str | None:
    """The text as a cell that no spreadsheet runs."""
    return f"'{cell}" if cell and _FORMULA.match(cell) else cell


def as_written(cells: pa.Array) -> pa.Array:
    """Texts (n,) from what `harmless` made of them; all others as they are."""
    return pc.replace_substring_regex(cells, f"^'({_FORMULA.pattern})", "\\1")
