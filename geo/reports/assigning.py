"""Whose a place is: the ward, the organisation that answers, why, and until when, as reports keep
it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from geo.reports import events
from geo.reports.city_rules import About, CityRules
from geo.reports.keys import Keys
from geo.reports.routing import reasons as routing
from geo.reports.routing.rules import Case, Fit, Organisation
from geo.reports.workflow.timing import Terms
from geo.wards.directory import Answer, Ward, WardDirectory


@dataclass(frozen=True)
class Intake:
    """What every report of a service is taken in with: keys, rules, and the categories as they were
    when they were read last (`geo.store.reports.context`): to write asks whether they still are."""

    wards: WardDirectory
    keys: Keys
    timezone: str
    snap_m: float
    rules: CityRules
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)

    def place(self, lon: float, lat: float, accuracy_m: float | None, now: datetime) -> Answer:
        """The ward of a point on the city's local day of `now`; raises `OutsideCoverage`."""
        today = now.astimezone(ZoneInfo(self.timezone)).date()
        return self.wards.at(lon, lat, today, accuracy_m=accuracy_m, snap_m=self.snap_m)

    def assigned(
        self,
        place: Answer,
        point: tuple[float, float],
        accuracy_m: float | None,
        category: Mapping[str, Any],
        created_at: datetime,
    ) -> "Assigned":
        """Who answers for a report sent at `created_at` from `point` (lon, lat), which is at
        `place`, until when, and why.

        `category` is `{code, family, name: {vi, en}, deadlines}`.
        """
        about = About(category["code"], category["family"], category["deadlines"])
        case = Case(about.code, about.family, place.ward.code, *point, created_at)
        fit = self.rules.router.fit(case)
        own = promised(fit)
        terms = self.rules.terms(about, created_at, own)
        return Assigned(place, accuracy_m, category["name"], fit, own, terms, created_at)


@dataclass(frozen=True)
class Assigned:
    """A place (known to `accuracy_m` metres, None: not said), the ward found for it, the rule that
    fits, if one does, and what is promised."""

    place: Answer
    accuracy_m: float | None
    category: events.Words
    fit: Fit | None
    promised: dict[str, Any] | None
    terms: Terms
    created_at: datetime

    @cached_property
    def organisation(self) -> Organisation | None:
        """Who answers: whom the rule names, else the ward's own committee; None: it has none."""
        if self.fit is not None and self.fit.rule.organisation is not None:
            return self.fit.rule.organisation
        return _committee(self.place.ward)

    @property
    def event(self) -> dict[str, Any] | None:
        """The event that says who answers for it; None: nobody does yet."""
        if self.organisation is None:
            return None
        told = events.assigned(self.organisation.name_vi, self.organisation.name_en)
        return {**told, "data": {"rule": self.fit.rule.code}} if self.fit else told

    @property
    def status(self) -> str:
        """The status of a report that nobody has begun to work on."""
        return "received" if self.organisation is None else "assigned"

    @cached_property
    def reasons(self) -> list[events.Words]:
        """Why this ward and this organisation."""
        ward, place = self.place.ward, self.place
        reasons = [routing.ward_reason(ward.name, ward.kind, place.match, place.distance_m)]
        if place.ambiguous_with and self.accuracy_m:
            others = [(other.name, other.kind) for other, _ in place.ambiguous_with]
            reasons.append(routing.ambiguity_reason(self.accuracy_m, others))
        answers = self.organisation
        if answers is None:
            return reasons
        if self.fit is None:
            return [*reasons, routing.committee_reason(answers.name_vi, answers.name_en)]
        told = None
        if answers.id != ward.organisation_id and self.fit.rule.informs_ward:
            told = (ward.name, ward.kind)
        return [*reasons, *routing.rule_reasons(self.fit, self.category, answers, told)]

    def dues(self) -> dict[str, Any]:
        """The columns of what is promised: `due_at, warn_at`, and the same of the first reply."""
        first, resolve = self.terms.first, self.terms.resolve
        return {
            "first_due_at": first and first.due(self.created_at),
            "first_warn_at": first and first.promise.warn(self.created_at),
            "due_at": resolve and resolve.due(self.created_at),
            "warn_at": resolve and resolve.promise.warn(self.created_at),
        }

    def columns(self) -> dict[str, Any]:
        """The columns of `reports` it decides besides `dues`; `reasons` and `promised` as JSON
        text."""
        return {
            "status": self.status,
            "ward_id": self.place.ward.id,
            "ward_match": self.place.match,
            "ward_distance_m": self.place.distance_m,
            "ambiguous_with": [other.code for other, _ in self.place.ambiguous_with],
            "organisation_id": self.organisation and self.organisation.id,
            "reasons": json.dumps(self.reasons, ensure_ascii=False),
            "priority": self.fit.rule.priority if self.fit else 2,
            "promised": json.dumps(self.promised) if self.promised else None,
        }

    def told(self) -> dict[str, Any]:
        """Ward, organisation and reasons as the reporter is told them."""
        place = self.place
        near = [
            {"code": ward.code, "name": ward.name, "kind": ward.kind, "distance_m": round(far, 1)}
            for ward, far in place.ambiguous_with
        ]
        answers = self.organisation
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
            "organisation": answers
            and {
                "code": answers.code,
                "name": {"vi": answers.name_vi, "en": answers.name_en},
            },
            "reasons": self.reasons,
        }


def promised(fit: Fit | None) -> dict[str, Any] | None:
    """`reports.promised`: what the rule promises instead of the category."""
    if fit is None or not (fit.rule.first_reply or fit.rule.resolve):
        return None
    spans = {"first_reply": fit.rule.first_reply, "resolve": fit.rule.resolve}
    seconds = {name: span.total_seconds() for name, span in spans.items() if span is not None}
    return {**seconds, "clock": fit.rule.clock, "source": fit.rule.code}


def _committee(ward: Ward) -> Organisation | None:
    if ward.organisation_id is None:
        return None
    names = (ward.organisation_vi or "", ward.organisation_en or "")
    return Organisation(ward.organisation_id, ward.organisation_code or "", *names)
