"""The yardstick of `warm_tile`: an application that does nothing but answer, with one body."""

import json
import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER = Path(os.environ["BENCH_ANSWER"])
BODY = (FOLDER / "body").read_bytes()
HEADERS = json.loads((FOLDER / "headers.json").read_text())


async def answer(request: Request) -> Response:
    return Response(BODY, headers=HEADERS)


app = Starlette(routes=[Route("/tiles/{path:path}", answer)])
