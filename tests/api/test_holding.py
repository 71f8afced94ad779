"""Who waits in vain for a service is told what it was at."""

import pytest
from holding import until


def test_waiting_in_vain_tells_what_the_service_was_at(service):
    with pytest.raises(AssertionError) as failed:
        until(lambda: False, 0.1, service)
    said = str(failed.value)
    for part in (
        "not true within 0.1 s",
        "/readyz: 200",
        '"ready"',
        "pinward_changes_pending",
        "Started worker",
    ):
        assert part in said, said
