"""Hotspot runs, what each said of a category as of a day, and the hotspots it named."""

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from geo.store.tables.base import metadata

RUN_STATES = ("waiting", "running", "done", "failed")
SEEN = ("kept", "returned", "merged", "split", "new", "dormant")


def _of_an_answer() -> tuple[Column[int], Column[int]]:
    """`key` and `answer_id` of what an answer holds, which goes with it."""
    answer = ForeignKey("hotspot_answers.id", ondelete="CASCADE")
    return (
        Column("key", BigInteger, Identity(), primary_key=True),
        Column("answer_id", BigInteger, answer, nullable=False),
    )


# A run that was asked for, by night or by somebody; what it found is in `hotspot_answers`.
hotspot_runs = Table(
    "hotspot_runs",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    # one category or family; NULL: all
    Column("category_code", Text, ForeignKey("categories.code")),
    Column("as_of", Date, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("total", Integer, nullable=False, server_default="0"),
    Column("parameters", JSONB, nullable=False, server_default="{}"),
    # of all that went into it; equal to an earlier run's, nothing is computed again
    Column("digest", Text),
    Column("unchanged", Boolean, nullable=False, server_default="false"),
    Column("n_reports", Integer, nullable=False, server_default="0"),
    Column("n_left_out", Integer, nullable=False, server_default="0"),
    Column("n_hotspots", Integer, nullable=False, server_default="0"),
    Column("error", Text),
    Column("user_id", Integer, ForeignKey("users.id", ondelete="SET NULL")),
    Column("queued_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    CheckConstraint(f"state IN {RUN_STATES!r}", name="state"),
)

# What was said of a category as of a day; a later run of the same day takes its place.
hotspot_answers = Table(
    "hotspot_answers",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("run_id", BigInteger, ForeignKey("hotspot_runs.id", ondelete="SET NULL")),
    Column("category_code", Text, ForeignKey("categories.code"), nullable=False),
    Column("as_of", Date, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    # the answer its identities go on from
    Column("previous_as_of", Date),
    Column("digest", Text, nullable=False, server_default=""),
    Column("n_reports", Integer, nullable=False),
    Column("n_events", Integer, nullable=False, server_default="0"),
    Column("n_left_out", Integer, nullable=False, server_default="0"),
    # {id: the id it went into, or null}
    Column("ended", JSONB, nullable=False, server_default="{}"),
    # of the category, when it was made: where its reports were looked for
    Column("visibility", Text, nullable=False, server_default="public"),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("category_code", "as_of"),
    Index("ix_hotspot_answers_run_id", "run_id"),
)

hotspots = Table(
    "hotspots",
    metadata,
    *_of_an_answer(),
    # the same from answer to answer, e.g. H-7K3M-9QXV
    Column("id", Text, nullable=False),
    # how it comes to be here; a dormant one was not found, and stands as it was last seen
    Column("seen", Text, nullable=False),
    Column("parents", ARRAY(Text), nullable=False, server_default="{}"),
    Column("likeness", Double),
    # the day of the answer that first bore this id, and the window it was last seen in
    Column("born_on", Date, nullable=False),
    Column("seen_since", DateTime(timezone=True), nullable=False),
    Column("seen_until", DateTime(timezone=True), nullable=False),
    Column("n", Integer, nullable=False),
    Column("n_open", Integer, nullable=False, server_default="0"),
    # reports after thinning, and how many of them what people there report otherwise would bring
    Column("events", Integer, nullable=False),
    Column("expected", Double, nullable=False),
    Column("relative_risk", Double, nullable=False),
    Column("risk_low", Double, nullable=False),
    Column("risk_high", Double, nullable=False),
    Column("p_value", Double, nullable=False),
    Column("scale_m", Double, nullable=False),
    # NULL where none can be told: `unsaid` of `history` says why
    Column("trend", Text),
    # {from, counts, others, within_m, whole, p_slope, …}: what trend and months were judged by
    Column("history", JSONB, nullable=False, server_default="{}"),
    # calendar months it comes back in, 1 to 12
    Column("months", ARRAY(SmallInteger), nullable=False, server_default="{}"),
    # {name, sentence, confidence, …: {vi, en}}
    Column("said", JSONB, nullable=False, server_default="{}"),
    Column("ward_code", Text),
    # schools and clinics within 300 m: [{kind, name, distance_m}]
    Column("near", JSONB, nullable=False, server_default="[]"),
    Column("area_m2", Double, nullable=False),
    Column("first_report_at", DateTime(timezone=True), nullable=False),
    Column("last_report_at", DateTime(timezone=True), nullable=False),
    # hull of its reports, widened so that one place is a polygon too
    Column("geom", Geometry("POLYGON", 4326, spatial_index=False), nullable=False),
    CheckConstraint(f"seen IN {SEEN!r}", name="seen"),
    UniqueConstraint("answer_id", "id"),
    Index("ix_hotspots_id", "id"),
    Index("ix_hotspots_geom", "geom", postgresql_using="gist"),
)

# Which reports a hotspot holds: what the next run knows it by. Thinned when old.
hotspot_members = Table(
    "hotspot_members",
    metadata,
    Column(
        "hotspot_key",
        BigInteger,
        ForeignKey("hotspots.key", ondelete="CASCADE"),
        primary_key=True,
    ),
    # the last eight bytes of each report's id, ascending; and when it was made, microseconds UTC
    Column("numbers", ARRAY(BigInteger), nullable=False),
    Column("at_us", ARRAY(BigInteger), nullable=False),
)

# Hexagons of the fixed grid that stand out in an answer: only those.
hotspot_hexagons = Table(
    "hotspot_hexagons",
    metadata,
    *_of_an_answer(),
    # axial coordinates of the grid in a plane (geo.hotspots.hexes.grid)
    Column("epsg", Integer, nullable=False),
    Column("q", Integer, nullable=False),
    Column("r", Integer, nullable=False),
    # reports, those left after thinning, and of all categories that are not hidden
    Column("n", Integer, nullable=False),
    Column("events", Integer, nullable=False),
    Column("events_all", Integer, nullable=False),
    Column("expected", Double, nullable=False),
    Column("relative_risk", Double, nullable=False),
    Column("risk_low", Double, nullable=False),
    Column("risk_high", Double, nullable=False),
    Column("q_value", Double, nullable=False),
    # {sentence: {vi, en}}
    Column("said", JSONB, nullable=False),
    Column("geom", Geometry("POLYGON", 4326, spatial_index=False), nullable=False),
    UniqueConstraint("answer_id", "epsg", "q", "r"),
    Index("ix_hotspot_hexagons_geom", "geom", postgresql_using="gist"),
)

# Where so few report that no hotspot of a usual category could show itself; may be empty.
hotspot_quiet = Table(
    "hotspot_quiet",
    metadata,
    Column("as_of", Date, primary_key=True),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    # fewer events than these lie within so many metres
    Column("least_events", Integer, nullable=False),
    Column("reach_m", Double, nullable=False),
    Column("geom", Geometry("MULTIPOLYGON", 4326, spatial_index=False), nullable=False),
)

BEGINNING_LEVELS = ("square", "ward")

# What began in the last days before an answer's: places with more events since than usual.
hotspot_beginnings = Table(
    "hotspot_beginnings",
    metadata,
    *_of_an_answer(),
    Column("level", Text, nullable=False),
    # its first day; the last one is the answer's
    Column("since", Date, nullable=False),
    # reports after thinning, and how many both margins would bring
    Column("observed", Integer, nullable=False),
    Column("expected", Double, nullable=False),
    Column("relative_risk", Double, nullable=False),
    Column("p_value", Double, nullable=False),
    Column("radius_m", Double, nullable=False),
    # of wards: all it holds, the fullest first; of squares: the one in its middle
    Column("ward_codes", ARRAY(Text), nullable=False),
    # {name, sentence: {vi, en}}
    Column("said", JSONB, nullable=False),
    Column("geom", Geometry("MULTIPOLYGON", 4326, spatial_index=False), nullable=False),
    CheckConstraint(f"level IN {BEGINNING_LEVELS!r}", name="level"),
    Index("ix_hotspot_beginnings_answer_id", "answer_id"),
)

# Reports that say more of how they were made than of the city, as of a day.
hotspot_artefacts = Table(
    "hotspot_artefacts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("as_of", Date, nullable=False),
    Column("kind", Text, nullable=False),
    Column("n", Integer, nullable=False),
    # whether its reports were left out of the hotspots
    Column("left_out", Boolean, nullable=False),
    Column("why", JSONB, nullable=False),
    # NULL where it is at no one place
    Column("geom", Geometry("POINT", 4326, spatial_index=False)),
    # of its reports
    Column("category_codes", ARRAY(Text), nullable=False, server_default="{}"),
    Index("ix_hotspot_artefacts_as_of", "as_of"),
)
