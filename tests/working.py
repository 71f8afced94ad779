"""Tasks over HTTP, by whoever works on them."""

from typing import Any

import httpx

PATH = "/api/v1/tasks"


class At:
    """One of the staff (a signed-in client) at a report."""

    def __init__(self, client: httpx.Client, code: str) -> None:
        self.client, self.code = client, code
        self.path = f"{PATH}/{code}"

    @property
    def seen(self) -> dict[str, Any]:
        """The properties of the task as it is now."""
        answer = self.client.get(self.path)
        assert answer.status_code == 200, answer.text
        return answer.json()["properties"]

    @property
    def etag(self) -> str:
        """For `If-Match`."""
        return self.client.get(self.path).headers["etag"]

    def ask(self, what: str, etag: str | None = None, **body: Any) -> httpx.Response:
        """The answer to a move or another change."""
        headers = {"If-Match": etag} if etag else {}
        return self.client.post(f"{self.path}/{what}", json=body, headers=headers)

    def does(self, what: str, **body: Any) -> dict[str, Any]:
        """The task after a change that is taken."""
        answer = self.ask(what, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()["properties"]

    def lines(self) -> list[tuple[str, str, bool]]:
        """(kind, English words, public) of its history."""
        return [(e["kind"], e["text"]["en"], e["public"]) for e in self.seen["events"]]
