"""Files as another system's hotline would hand them over, and their import by the command."""

import csv
import json

import psycopg

import builders

HEADER = ("id", "category", "created", "closed", "lon", "lat", "text")
MIDDLE = builders.middle(0)


def row(n, **changes):
    made = {
        "id": f"r{n}",
        "category": "Street Light Outages",
        "created": "2025-03-01T10:00:00",
        "closed": "",
        "lon": f"{MIDDLE[0] + n * 1e-6:.6f}",
        "lat": f"{MIDDLE[1]:.6f}",
        "text": "hỏng",
        **changes,
    }
    return [made[name] for name in HEADER]


def write_csv(path, rows, header=HEADER):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return path


def run_import(pinward, path, url, *more):
    done = pinward("reports", "import", path, "--json", *more, url=url)
    assert done.stdout.startswith("{"), done.stderr
    return json.loads(done.stdout)


def query(url, sql, *values):
    with psycopg.connect(url) as conn:
        return conn.execute(sql, values).fetchall()


def flags(said):
    return {item["flag"]: item["reports"] for item in said["flags"]}
