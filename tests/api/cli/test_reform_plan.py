"""What `pinward wards reform plan` says at its end, and of files that cannot be written."""

import pytest
import shapely

import builders
from ward_files import a_feature, a_file


@pytest.fixture
def whole(city_url, pinward, tmp_path):
    """The small city as one ward from 2025 on."""
    ground = shapely.union_all([builders.square(n) for n in range(6)])
    file = a_file(tmp_path, a_feature(0, ground, name="Tất Cả"))
    words = ("wards", "import", file, "--set", "whole", "--valid-from", "2025-07-01")
    assert pinward(*words, url=city_url).returncode == 0
    return city_url


def test_a_map_or_geojson_that_cannot_be_written_is_told_in_a_sentence(whole, pinward, tmp_path):
    (tmp_path / "a_file").write_text("")
    for words in (
        ("wards", "reform", "plan", "--to", "whole", "--map", "a_file/plan.html"),
        ("wards", "check", "whole", "--against", "small-city", "--geojson", "a_file/x.json"),
    ):
        done = pinward(*words, url=whole)
        assert done.returncode == 1
        assert done.stderr.strip() == f"{words[-1]} cannot be written: Not a directory"


def test_a_plan_says_what_comes_next(whole, pinward):
    def last():
        return pinward("wards", "reform", "plan", "--to", "whole", url=whole).stdout.splitlines()[
            -1
        ]

    assert last().endswith("`pinward wards reform apply --to whole` does it.")
    assert pinward("wards", "reform", "apply", "--to", "whole", url=whole).returncode == 0
    assert "It was applied already" in last()
