"""A report as it is sent: a value that checks itself, before any database is asked."""

import json
import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
)

from geo.errors import Invalid
from geo.photos.keeping import MOST_PHOTOS
from geo.reports.contacts import Reporter
from geo.reports.text import LONGEST_TEXT, clean_text

LONGEST_ANSWER = 1_000
CATEGORY_CODE = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")


def said_text(value: str) -> str:
    """A report's text as it is kept; `ValueError` says what is wrong with it."""
    try:
        return clean_text(value)
    except Invalid as error:
        raise ValueError(error.detail) from None


def _time(value: Any) -> Any:
    # A bare number would be read as seconds since 1970; people who send one mean something else.
    if isinstance(value, str) and not re.fullmatch(r"\s*[-+]?[0-9.]+\s*", value):
        return value
    if isinstance(value, datetime):
        return value
    raise ValueError("must be a time with its zone, e.g. 2026-01-31T00:00:00Z")


Degrees = Annotated[float, Field(strict=True, allow_inf_nan=False)]
UploadId = Annotated[str, Field(min_length=1, max_length=100)]
Answer = str | Annotated[float, Field(strict=True, allow_inf_nan=False)]


class NewReport(BaseModel):
    """Body of `POST /api/v1/reports`; members not listed here are refused by name."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "category": "drainage.flooding",
                    "lon": 106.6980,
                    "lat": 10.7725,
                    "accuracy_m": 12,
                    "text": "Nước ngập ngang bánh xe trước cổng chợ.",
                    "answers": {"depth": "ankle"},
                }
            ]
        },
    )

    category: Annotated[str, Field(max_length=100, description="a code of GET /api/v1/categories")]
    lon: Annotated[Degrees, Field(ge=-180, le=180, description="WGS 84 degrees")]
    lat: Annotated[Degrees, Field(ge=-90, le=90, description="WGS 84 degrees")]
    accuracy_m: (
        Annotated[
            Degrees, Field(ge=0, le=100_000, description="radius the point is known to, in metres")
        ]
        | None
    ) = None
    text: Annotated[
        str,
        AfterValidator(said_text),
        Field(
            min_length=1,
            description=f"what is the matter: up to {LONGEST_TEXT} characters after trimming",
        ),
    ]
    kind: Literal["incident", "suggestion"] = "incident"
    observed_at: (
        Annotated[
            AwareDatetime,
            BeforeValidator(_time),
            Field(description="when it was seen: with its zone, not in the future, within a year"),
        ]
        | None
    ) = None
    channel: Annotated[
        str,
        Field(
            max_length=32,
            pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*$",
            description="how it came: web, app, hotline …",
        ),
    ] = "web"
    reporter: Reporter | None = None
    answers: Annotated[
        dict[str, Answer], Field(max_length=50, description="question's code → answer")
    ] = Field(default_factory=dict)
    photos: Annotated[
        list[UploadId],
        Field(
            max_length=MOST_PHOTOS,
            description="ids of POST /api/v1/uploads, each usable once and for 24 hours",
        ),
    ] = Field(default_factory=list)

    @property
    def contact(self) -> dict[str, str]:
        """What the reporter gave to be reached by; empty: anonymous."""
        return self.reporter.given if self.reporter else {}

    def canonical(self) -> bytes:
        """The same bytes for the same report, however it was written and in later versions too."""
        said = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(said, sort_keys=True, ensure_ascii=False).encode()


def check_answers(questions: list[dict[str, Any]], given: dict[str, Any]) -> dict[str, Any]:
    """The answers as they are kept; raises `Invalid` naming each field that is not right."""
    asked = {question["code"]: question for question in questions}
    errors = []
    kept: dict[str, Any] = {}
    for code in given.keys() - asked.keys():
        there = ", ".join(asked) or "this category asks nothing"
        errors.append((code, f"is no question of this category ({there})"))
    for code, question in asked.items():
        if code not in given:
            if question.get("required"):
                errors.append((code, f"must be answered: {question['text']['en']}"))
            continue
        try:
            kept[code] = _answer(question, given[code])
        except Invalid as error:
            errors.append((code, error.detail))
    if errors:
        raise Invalid(
            "; ".join(f"answers.{_shown(code)}: {message}" for code, message in errors),
            errors=[{"field": f"answers.{_shown(c)}", "message": m} for c, m in errors],
        )
    return kept


def _answer(question: dict[str, Any], value: Any) -> Any:
    if question["type"] == "number":
        if not isinstance(value, int | float):
            raise Invalid("must be a number")
        return value
    if not isinstance(value, str):
        raise Invalid("must be text")
    if question["type"] == "singlevaluelist":
        values = [each["code"] for each in question["values"]]
        if value not in values:
            raise Invalid(f"must be one of {', '.join(values)}")
        return value
    return clean_text(value, LONGEST_ANSWER)


def _shown(code: str) -> str:
    # A name from outside goes into our message: short, and fit to be written.
    return code.encode("ascii", "backslashreplace").decode()[:60]
