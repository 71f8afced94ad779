"""A city whose backups are restored: its commands, its rows, and reports sent to it."""

import psycopg
from hostile import drawn, written

import builders

LIST = "/api/v1/reports"
TAKEN = "Nhà ông Bảy số 12 xả rác"


class City:
    """A city with a backup, and what was taken away in it since."""

    def __init__(self, url, folder, pinward):
        self.url, self.folder, self.pinward = url, folder, pinward
        self.env = {"url": url, "PINWARD_STATE": str(folder / "state")}

    def run(self, *words):
        return self.pinward(*words, **self.env)

    def rows(self, query, *values):
        with psycopg.connect(self.url) as db:
            found = db.execute(query, values or None)
            return found.fetchall() if found.description else []


def sent(service, colour=None, **changes):
    photos = []
    if colour is not None:
        photo = written(drawn(100 + colour, 60), "PNG")
        answer = service.http.post("/api/v1/uploads", files={"file": ("a.png", photo)})
        photos.append(answer.json()["id"])
    body = builders.a_report(text=TAKEN, photos=photos, **changes)
    answer = service.http.post(LIST, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()
