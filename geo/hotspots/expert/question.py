"""What an expert may ask: a plain method over the reports of one category as they are.

Light to import: who only asks need not load what computes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Final, Literal, get_args

from geo.errors import Invalid
from geo.hotspots.days import DAYS, window
from geo.period import Period
from geo.store.area import Bbox

Method = Literal["dbscan", "hdbscan", "gi_star"]
METHODS: Final[tuple[Method, ...]] = get_args(Method)

# Each method's own parameters, and what they are unless told.
PARAMETERS: Final[dict[Method, dict[str, float | int]]] = {
    "dbscan": {"eps_m": 100.0, "min_points": 10},
    "hdbscan": {"min_cluster_size": 10},
    "gi_star": {"cell_m": 200.0, "alpha": 0.05},
}
# Reports that are worked on at once: five or six seconds on two cores, most of it spent on loading
# libraries and reports. The time of HDBSCAN grows with the square.
MOST_REPORTS: Final[dict[Method, int]] = {
    "dbscan": 250_000,
    "hdbscan": 10_000,
    "gi_star": 500_000,
}
# More than anybody looks at, and about a megabyte and a half of outlines.
MOST_SHAPES: Final = 3000


@dataclass(frozen=True, slots=True)
class Question:
    """A method with all its parameters, a category's code, a day of the city, and maybe a box."""

    method: Method
    parameters: Mapping[str, float | int]
    category: str
    as_of: date
    area: Bbox | None = None

    @classmethod
    def of(
        cls,
        method: Method,
        category: str,
        as_of: date,
        area: Bbox | None = None,
        **given: float | int | None,
    ) -> "Question":
        """With the method's defaults for what is None; raises `Invalid`, by field, on a parameter
        of another method."""
        own = PARAMETERS[method]
        told = {name: value for name, value in given.items() if value is not None}
        errors = [
            {"field": name, "message": f"belongs to {_owner(name)}, not to {method}: leave it out"}
            for name in told
            if name not in own
        ]
        if errors:
            said = "; ".join(f"{error['field']} {error['message']}" for error in errors)
            raise Invalid(said, errors=errors)
        return cls(method, {**own, **told}, category, as_of, area)

    def period(self, zone: tzinfo) -> Period:
        """The 90 days looked at."""
        return window(self.as_of, zone, DAYS)

    @property
    def counted(self) -> str | None:
        """The category whose reports are worked on; None: all of them, which make the cells."""
        return None if self.method == "gi_star" else self.category

    def refuse_more(self, n_reports: int) -> None:
        """Raise `Invalid` when that is more than the method is allowed."""
        most = MOST_REPORTS[self.method]
        if n_reports <= most:
            return
        of = "of all categories" if self.counted is None else f"of {self.category}"
        there = "in this bbox" if self.area else "in the whole city"
        message = (
            f"there are {n_reports:,} reports {of} {there} in {DAYS} days, and {self.method} is "
            f"allowed {most:,}: ask for a {'smaller ' if self.area else ''}bbox"
        )
        raise Invalid(message, errors=[{"field": "bbox", "message": message}])


def refuse_shapes(question: Question, n: int) -> None:
    """Raise `Invalid` when so many shapes are more than are drawn."""
    if n <= MOST_SHAPES:
        return
    field, advice = {
        "dbscan": ("min_points", "a larger min_points, another eps_m"),
        "hdbscan": ("min_cluster_size", "a larger min_cluster_size"),
        "gi_star": ("cell_m", "a larger cell_m, a smaller alpha"),
    }[question.method]
    message = (
        f"this draws {n:,} shapes, and at most {MOST_SHAPES:,} are: ask for {advice} or a bbox"
    )
    raise Invalid(message, errors=[{"field": field, "message": message}])


def _owner(name: str) -> str:
    return next(method for method, own in PARAMETERS.items() if name in own)
