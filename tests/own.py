"""A report and whoever sent it, over HTTP."""

from typing import Any

import httpx
import psycopg

import builders

LIST = "/api/v1/reports"


class Sent:
    """A report sent to the real service, and what its sender can ask of it."""

    def __init__(self, service: Any, **changes: Any) -> None:
        self.service = service
        answer = service.http.post(LIST, json=builders.a_report(**changes))
        assert answer.status_code == 201, answer.text
        self.code, self.secret = answer.json()["code"], answer.json()["secret"]
        self.path = f"{LIST}/{self.code}"

    def ask(
        self,
        method: str,
        what: str = "",
        body: Any = None,
        secret: str | None = None,
        **headers: str,
    ) -> httpx.Response:
        """The answer to a request made with the secret, or another one."""
        sent_as = {**headers, "Authorization": f"Report {secret or self.secret}".encode()}
        path = self.path + (f"/{what}" if what else "")
        sent = {} if body is None else {"json": body}
        return self.service.http.request(method, path, headers=sent_as, **sent)

    def done(self, method: str, what: str = "", body: Any = None) -> dict[str, Any]:
        """What a request that is taken answers."""
        answer = self.ask(method, what, body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    @property
    def mine(self) -> dict[str, Any]:
        """The properties of the reporter's own view."""
        return self.done("GET")["properties"]

    @property
    def public(self) -> httpx.Response:
        """What everybody is answered."""
        return self.service.http.get(self.path)

    def history(self, *, mine: bool = False) -> list[tuple[str, str]]:
        """(kind, English words) of the events."""
        path = f"{self.path}/events"
        answer = self.ask("GET", "events") if mine else self.service.http.get(path)
        return [(event["kind"], event["text"]["en"]) for event in answer.json()["events"]]

    def becomes(self, sets: str) -> None:
        """Change the row, as the staff or time would."""
        with psycopg.connect(self.service.url) as db:
            db.execute(f"UPDATE reports SET {sets} WHERE code = %s", (self.code,))

    def grows_older(self, minutes: float) -> None:
        """As if it had been sent so much earlier."""
        self.becomes(f"created_at = created_at - interval '{minutes} minutes'")

    def changes(self) -> int:
        """How many changes of it the public map was told of."""
        with psycopg.connect(self.service.url) as db:
            told = "SELECT count(*) FROM changes WHERE topic = 'report' AND subject = %s"
            return db.execute(told, (self.code,)).fetchone()[0]
