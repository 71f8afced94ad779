"""PostgreSQL's advisory locks: a number for each thing that only one may do at a time.

All of them here, so that two never share a number: who waits for another's would stand still.
"""

import enum


@enum.unique
class Lock(enum.IntEnum):
    """Arbitrary numbers, the same in every process of a database."""

    MIGRATING = 7_466_927
    # The same number is in migration 0003.
    PYRAMID = 7_466_928
    NUMBERING = 7_466_930
    # Held by the worker that leads, as long as its connection lives.
    LEADING = 7_466_931
    # Held by a run for as long as it computes.
    HOTSPOTS = 7_466_932
    # Held while a run is asked for.
    ASKING_HOTSPOTS = 7_466_933
    # With a run's id as second number: held by the process that makes it, as long as it lives.
    HOTSPOT_RUN = 7_466_934
    # Held while a reform of boundaries is applied or undone.
    REFORM = 7_466_935
    # Held while today's ward of old reports is made anew; shared by who adds old reports.
    TODAY = 7_466_936
    # Held while statistics are folded or made anew.
    STATISTICS = 7_466_951
    # With a part of a photo's hash as second number: held while its object is added or deleted.
    PHOTO = 7_466_950
    # Held while reports are merged or parted, until the commit.
    MERGES = 7_466_939
    # Held by who adds a line to the audit log, until the commit. Also in migration 0018.
    AUDIT = 7_466_937
