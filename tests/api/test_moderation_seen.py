"""What is released is what was looked at: what became another one meanwhile is looked at again."""

import pytest
from hostile import drawn, written
from own import Sent
from staffed import signed_in
from working import At

import builders

QUEUE = "/api/v1/moderation/reports"


@pytest.fixture(scope="module")
def agent(service):
    with signed_in(service, "hotline_agent", name="xem-lai") as client:
        yield client


@pytest.fixture(scope="module")
def crew(service):
    with signed_in(service, "crew", ward=builders.CODES[0], name="xem-lai-doi") as client:
        yield client


def uploaded(service):
    files = {"file": ("a", written(drawn(64, 48), "JPEG"))}
    return service.http.post("/api/v1/uploads", files=files, timeout=120).json()["id"]


def waiting(agent, code):
    (one,) = (e for e in agent.get(QUEUE).json()["reports"] if e["code"] == code)
    return one


def release(agent, code, version):
    body = {"reason": "đã xem", "version": version}
    return agent.post(f"{QUEUE}/{code}/release", json=body)


@pytest.mark.parametrize("how", ["category", "photo", "result", "nothing"])
def test_what_became_another_one_at_the_desk_is_looked_at_again(service, agent, crew, how):
    """Another category may show the place exactly, and photos come with notes and results."""
    sent = Sent(service)
    sent.becomes("withheld = 'review'")
    before = waiting(agent, sent.code)["version"]
    at = At(crew, sent.code)
    if how == "category":
        At(agent, sent.code).does("category", category="lighting.lamp_out", text="Đổi.")
    elif how == "photo":
        at.does("notes", photos=[uploaded(service)])
    elif how == "result":
        at.does("take")
        at.does("start")
        at.does("resolve", text="Đã xong.", photos=[uploaded(service)])
    else:
        # Whose hands it is in says nothing of what the public would see.
        at.does("take")
        at.does("notes", inner="Gọi lại sau.")
        assert release(agent, sent.code, before).status_code == 200
        return
    assert release(agent, sent.code, before).status_code == 412
    assert sent.public.status_code == 404
    assert release(agent, sent.code, waiting(agent, sent.code)["version"]).status_code == 200
    assert sent.public.status_code == 200
