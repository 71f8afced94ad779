"""Whose a place is: the ward that answers for it, its organisation, and why, as reports keep it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from geo.reports import events
from geo.reports.keys import Keys
from geo.reports.routing import reasons as routing
from geo.wards.directory import Answer, Ward, WardDirectory


@dataclass(frozen=True)
class Intake:
    """What every report of a service is taken in with: keys and rules, no state."""

    wards: WardDirectory
    keys: Keys
    timezone: str
    snap_m: float

    def assigned(
        self, lon: float, lat: float, accuracy_m: float | None, now: datetime
    ) -> "Assigned":
        """Whose the place is on the city's local day of `now`; raises `OutsideCoverage`."""
        today = now.astimezone(ZoneInfo(self.timezone)).date()
        place = self.wards.at(lon, lat, today, accuracy_m=accuracy_m, snap_m=self.snap_m)
        return Assigned(place, accuracy_m)


@dataclass(frozen=True)
class Assigned:
    """A place (known to `accuracy_m` metres, None: not said) and the ward found for it."""

    place: Answer
    accuracy_m: float | None

    @property
    def event(self) -> dict[str, Any] | None:
        """The event that says who answers for it; None: nobody does yet."""
        if self.place.ward.organisation_id is None:
            return None
        return events.assigned(*_names(self.place.ward))

    @property
    def status(self) -> str:
        """The status of a report that nobody has begun to work on."""
        return "received" if self.event is None else "assigned"

    @property
    def reasons(self) -> list[events.Words]:
        """Why this ward and this organisation."""
        ward, place = self.place.ward, self.place
        reasons = [routing.ward_reason(ward.name, ward.kind, place.match, place.distance_m)]
        if place.ambiguous_with and self.accuracy_m:
            others = [(other.name, other.kind) for other, _ in place.ambiguous_with]
            reasons.append(routing.ambiguity_reason(self.accuracy_m, others))
        if ward.organisation_id is not None:
            reasons.append(routing.committee_reason(*_names(ward)))
        return reasons

    def columns(self) -> dict[str, Any]:
        """The columns of `reports` it decides; `reasons` as JSON text."""
        return {
            "status": self.status,
            "ward_id": self.place.ward.id,
            "ward_match": self.place.match,
            "ward_distance_m": self.place.distance_m,
            "ambiguous_with": [other.code for other, _ in self.place.ambiguous_with],
            "organisation_id": self.place.ward.organisation_id,
            "reasons": json.dumps(self.reasons, ensure_ascii=False),
        }

    def told(self) -> dict[str, Any]:
        """Ward, organisation and reasons as the reporter is told them."""
        place = self.place
        near = [
            {"code": ward.code, "name": ward.name, "kind": ward.kind, "distance_m": round(far, 1)}
            for ward, far in place.ambiguous_with
        ]
        return {
            "status": self.status,
            "ward": {
                "code": place.ward.code,
                "name": place.ward.name,
                "kind": place.ward.kind,
                "match": place.match,
                "distance_m": round(place.distance_m, 2),
                "ambiguous_with": near,
            },
            "organisation": _organisation(place.ward),
            "reasons": self.reasons,
        }


def _organisation(ward: Ward) -> dict[str, Any] | None:
    if ward.organisation_id is None:
        return None
    vi, en = _names(ward)
    return {"code": ward.organisation_code, "name": {"vi": vi, "en": en}}


def _names(ward: Ward) -> tuple[str, str]:
    return ward.organisation_vi or "", ward.organisation_en or ""
