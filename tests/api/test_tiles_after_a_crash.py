"""Service and worker killed while reports pour in: what was acknowledged is on the map."""

import json
import os
import signal
import threading

import httpx
import psycopg
from conftest import serving
from drawn import decoded
from reforming import until_gone

from builders import a_key, a_report


def test_a_killed_service_leaves_every_acknowledged_report_on_the_map(
    clone, city_template, tmp_path, pinward
):
    url = clone(city_template)
    acknowledged: list[str] = []
    with serving(url, tmp_path, 2) as service:
        enough = threading.Event()

        def send():
            with httpx.Client(base_url=service.base, timeout=10) as http:
                while True:
                    try:
                        answer = http.post("/api/v1/reports", json=a_report(), headers=a_key())
                    except httpx.TransportError:
                        return
                    assert answer.status_code == 201, answer.text
                    acknowledged.append(answer.json()["code"])
                    if len(acknowledged) > 60:
                        enough.set()

        senders = [threading.Thread(target=send) for _ in range(6)]
        for sender in senders:
            sender.start()
        assert enough.wait(60)
        os.killpg(service.pid, signal.SIGKILL)
        for sender in senders:
            sender.join()
    until_gone(url)
    with psycopg.connect(url) as db:
        codes = {row[0] for row in db.execute("SELECT code FROM reports")}
    assert set(acknowledged) <= codes
    told = pinward("tiles", "verify", "--json", url=url)
    assert told.returncode == 0, told.stdout + told.stderr
    assert json.loads(told.stdout)["equal"] is True
    with serving(url, tmp_path, 1) as service:
        tile = service.http.get("/tiles/reports/0/0/0.mvt")
        features = decoded(tile.content)["reports"]
        assert sum(f["properties"]["point_count"] for f in features) == len(codes)
