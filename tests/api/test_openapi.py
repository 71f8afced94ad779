"""The OpenAPI document tells the truth: the real service answers as it promises."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks

import builders

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")


@pytest.fixture(scope="module")
def described(service):
    return schemathesis.openapi.from_url(f"{service.base}/openapi.json")


def test_every_reference_in_the_document_leads_somewhere(service):
    document = service.http.get("/openapi.json").json()

    def references(node):
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    for reference in set(references(document)):
        place = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in place, reference
            place = place[part]


@pytest.fixture(scope="module")
def sent(service):
    """Reports of all sorts, with their secrets."""
    answers = [
        service.http.post("/api/v1/reports", json=builders.a_report(**changes)).json()
        for changes in (
            {},
            {"category": "order.theft", "reporter": {"phone": "0912 345 678"}},
            {"category": "order.drugs"},
            {"accuracy_m": 3000, "kind": "suggestion", "observed_at": None},
            {"lat": builders.SOUTH - 0.001, "answers": {"depth": "knee"}},
        )
    ]
    return [(answer["code"], answer["secret"]) for answer in answers]


@pytest.mark.parametrize(
    "path",
    ["/api/v1/reports/{code}", "/api/v1/reports/{code}/events", "/api/v1/reports/{code}/export"],
)
def test_what_is_really_there_is_answered_as_documented(described, sent, path):
    for code, secret in sent:
        for headers in ({}, {"Authorization": f"Report {secret}"}):
            case = described[path]["GET"].Case(path_parameters={"code": code}, headers=headers)
            answer = case.call_and_validate()
            assert answer.status_code in (200, 401, 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/categories"),
        ("GET", "/api/v1/reports"),
        ("POST", "/api/v1/reports"),
        ("GET", "/api/v1/reports/{code}"),
        ("GET", "/api/v1/reports/{code}/events"),
        ("GET", "/api/v1/reports/{code}/photos/{n}"),
        ("POST", "/api/v1/uploads"),
        ("GET", "/api/v1/uploads/{upload_id}"),
        ("PATCH", "/api/v1/uploads/{upload_id}"),
        ("DELETE", "/api/v1/uploads/{upload_id}"),
        ("GET", "/api/v1/reports/{code}/contact"),
        ("POST", "/api/v1/reports/{code}/erasure"),
        ("PATCH", "/api/v1/reports/{code}"),
        ("POST", "/api/v1/reports/{code}/additions"),
        ("POST", "/api/v1/reports/{code}/position"),
        ("POST", "/api/v1/reports/{code}/withdraw"),
        ("PUT", "/api/v1/reports/{code}/contact"),
        ("DELETE", "/api/v1/reports/{code}/contact"),
        ("GET", "/api/v1/reports/{code}/export"),
        ("GET", "/api/v1/statistics"),
    ],
)
def test_whatever_is_sent_about_reports_is_answered_as_documented(described, sent, method, path):
    @given(case=described[path][method].as_strategy())
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    def check(case):
        # A report may be shaped right and still name no category or lie outside the city.
        case.call_and_validate(excluded_checks=[checks.positive_data_acceptance])

    check()
