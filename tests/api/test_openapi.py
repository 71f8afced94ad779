"""The OpenAPI document tells the truth: the real service answers as it promises."""

import pytest
import schemathesis

import builders


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
