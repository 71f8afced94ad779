"""Photos of 12 megapixels through `POST /api/v1/uploads`, over HTTP: cleaned, stored, durable.

The yardstick makes the same small JPEG of them by Pillow alone, in two warm processes that read no
HTTP, write no file and trust what they are given. What is between the two is the price of a process
of its own for each photo (its start and Pillow's import, above all), of HTTP and of the disk.
"""

import io
import itertools
import statistics
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter
from typing import Any

import numpy as np
import serving
from load import Done, drive, post
from PIL import Image

SIZE = (4000, 3000)
WRITERS = 4
PAIRS = 3
SECONDS = 20.0
DIFFERENT = 6
_BOUNDARY = "pinward-photo"


def measure(url: str, pairs: int = PAIRS, seconds: float = SECONDS) -> dict[str, Any]:
    photos = [_photo(seed) for seed in range(DIFFERENT)]
    found: list[Done] = []
    bare: list[float] = []
    with (
        serving.pinward(url, "--no-worker") as port,
        ProcessPoolExecutor(serving.WORKERS) as pool,
    ):
        requests = itertools.cycle([_request(photo) for photo in photos])
        # Connections, imports and the page cache are there before.
        drive(port, WRITERS, requests, 2).only(201)
        _alone(pool, photos)
        for _ in range(pairs):
            found.append(drive(port, WRITERS, requests, seconds).only(201))
            bare.append(_alone(pool, photos * 4))
    ours = [1 / done.each_second for done in found]
    ratios = [theirs / mine for theirs, mine in zip(bare, ours, strict=True)]
    answers = [took for done in found for took in done.answers_s]
    mine = statistics.median(ours)
    size = statistics.mean(len(photo) for photo in photos) / 1e6
    return {
        "what": f"photos of 12 MP ({size:.1f} MB) through POST /uploads, {WRITERS} at once",
        "against": "Pillow alone, two warm processes",
        "ours_s": mine,
        "theirs_s": statistics.median(bare),
        "ratio": statistics.median(ratios),
        "aim": "-",
        "note": f"{1 / mine:.2f} photos a second; median of an answer "
        f"{statistics.median(answers):.2f} s; ratios of {pairs} pairs {min(ratios):.2f} to "
        f"{max(ratios):.2f}",
    }


def _photo(seed: int) -> bytes:
    """Broad shapes and a sensor's noise: about as many bytes as a phone's photo has."""
    rng = np.random.default_rng(seed)
    shapes = Image.fromarray(rng.integers(0, 255, (30, 40, 3), dtype=np.uint8))
    smooth = np.asarray(shapes.resize(SIZE, Image.Resampling.BICUBIC), dtype=np.int16)
    noise = rng.normal(0, 6, (SIZE[1], SIZE[0], 1)).astype(np.int16)
    into = io.BytesIO()
    Image.fromarray((smooth + noise).clip(0, 255).astype(np.uint8)).save(into, "JPEG", quality=90)
    return into.getvalue()


def _request(photo: bytes) -> bytes:
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    body = head.encode() + photo + f"\r\n--{_BOUNDARY}--\r\n".encode()
    made = post("/api/v1/uploads", body)
    kind = f"multipart/form-data; boundary={_BOUNDARY}".encode()
    return made.replace(b"application/json", kind, 1)


def _alone(pool: ProcessPoolExecutor, photos: list[bytes]) -> float:
    """Seconds each, all processes at work."""
    began = perf_counter()
    list(pool.map(_smaller, photos))
    return (perf_counter() - began) / len(photos)


def _smaller(photo: bytes) -> int:
    image = Image.open(io.BytesIO(photo))
    image.draft("RGB", (2048, 1536))
    picture = image.convert("RGB")
    picture.thumbnail((2048, 2048), Image.Resampling.LANCZOS, reducing_gap=3.0)
    into = io.BytesIO()
    picture.save(into, "JPEG", quality=85, subsampling="4:2:0", optimize=True)
    return len(into.getvalue())
