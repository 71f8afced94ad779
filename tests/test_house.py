"""The house keeps its own rules."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _files(*endings: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = [ROOT / name for name in listed.split("\0") if name.endswith(endings)]
    return [path for path in paths if path.is_file()]


def test_no_lock_file_names_a_registry():
    for path in _files("requirements.lock", "package-lock.json"):
        assert not re.search(
            r'"resolved"|--index-url|--find-links|://[^ "]*\.(whl|tgz)', path.read_text()
        ), path


def test_python_files_stay_short_enough_to_read():
    # Migrations are written once and never grow; a list of hazards reads well at some length.
    long = {
        str(path.relative_to(ROOT)): lines
        for path in _files(".py")
        if "migrations" not in path.parts
        and (lines := len(path.read_text().splitlines())) > (400 if "tests" in path.parts else 330)
    }
    assert long == {}


def test_every_system_package_is_named_in_one_place():
    for path in _files(".sh", ".py", "Makefile", "run"):
        if path.name in ("install.sh", "test_house.py"):
            continue
        assert "apt-get install" not in path.read_text(), path


def test_no_test_folder_is_a_package():
    assert [path for path in _files("__init__.py") if "tests" in path.parts] == []
