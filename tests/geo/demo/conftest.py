from datetime import UTC, datetime

import pytest

from geo.demo import city

# A day at the end of the rain season: the year before it holds a whole one.
NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def demo_city() -> city.City:
    """The whole demo city, made once."""
    return city.build(NOW)
