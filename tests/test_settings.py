from pathlib import Path

from geo.settings import Settings

DOCS = Path(__file__).resolve().parent.parent / "docs" / "settings.md"


def test_every_setting_is_documented_and_nothing_else_is():
    listed = {
        line.split("`")[1]
        for line in DOCS.read_text().splitlines()
        if line.startswith("| `PINWARD")
    }
    assert listed == {f"PINWARD_{name.upper()}" for name in Settings.model_fields}


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("PINWARD_SNAP_M", "120")
    assert Settings().snap_m == 120
