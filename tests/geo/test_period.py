from datetime import UTC, datetime, timedelta, timezone

import pytest

from geo.errors import Invalid
from geo.period import Period


def test_a_period_is_kept_in_utc():
    ict = timezone(timedelta(hours=7))
    period = Period(datetime(2026, 1, 1, 7, tzinfo=ict), datetime(2026, 1, 2, 7, tzinfo=ict))
    assert period.since == datetime(2026, 1, 1, tzinfo=UTC)
    assert period.since.tzinfo is UTC
    assert period.days == 1


def test_a_period_without_a_zone_does_not_exist():
    with pytest.raises(Invalid, match="time zone"):
        Period(datetime(2026, 1, 1), datetime(2026, 1, 2))


def test_a_period_that_ends_where_it_begins_does_not_exist():
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(Invalid, match="before it begins"):
        Period(moment, moment)
