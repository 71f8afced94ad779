"""The pages' sources: their types, and that every sentence is there in both languages."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from api.errors import STATUS
from geo.errors import PinwardError

WEB = Path(__file__).resolve().parent.parent.parent / "web"
ENGLISH = sorted((WEB / "src").rglob("en.ts"))
_VIETNAMESE = re.compile(r"[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)


def test_the_pages_hold_by_their_types(pages):
    """Also that no language lacks a sentence: English has the type of Vietnamese."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    words = ["npm", "run", "--silent", "check"]
    said = subprocess.run(
        words, cwd=WEB, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stdout


@pytest.mark.parametrize("english", ENGLISH, ids=lambda path: path.parent.name)
def test_english_is_the_shape_of_vietnamese_and_translated(english):
    source = english.read_text()
    assert re.search(r"export const en: (typeof vi|Messages)\b", source), "type it as `typeof vi`"
    assert (english.parent / "vi.ts").exists()
    left = [line.strip() for line in source.splitlines() if _VIETNAMESE.search(line)]
    assert [line for line in left if "// lang:vi" not in line] == []


def test_there_is_no_sentence_outside_of_the_languages_files():
    """Of the templates: what people read comes from `vi.ts` and `en.ts`."""
    found = {
        str(path.relative_to(WEB)): lines
        for path in sorted((WEB / "src").rglob("*.svelte"))
        if (lines := [each for each in path.read_text().splitlines() if _VIETNAMESE.search(each)])
    }
    assert found == {}


def _below(error: type[PinwardError]) -> set[type[PinwardError]]:
    return {error}.union(*(_below(each) for each in error.__subclasses__()))


def test_every_refusal_that_a_person_may_meet_has_a_vietnamese_sentence():
    told = set(
        re.findall(r"^  '?([a-z-]+)'?:", (WEB / "src" / "i18n/refusals.ts").read_text(), re.M)
    )
    met = {
        kind
        for error, status in STATUS.items()
        for kind in {each.kind for each in _below(error)}
        if status < 500
    }
    # What only commands and other servers say.
    met -= {"refused-import", "outgoing-refused"}
    assert met - told == set()
