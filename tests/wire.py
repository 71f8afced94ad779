"""Answers as they come over the wire."""

from typing import Any

import httpx


def raw(
    service: Any, path: str, method: str = "GET", several: Any = (), **headers: str
) -> httpx.Response:
    """The answer, its body still packed in `wire`; `several` are headers, names may come twice."""
    with httpx.Client(base_url=service.base) as client:
        sent = [*{"Accept-Encoding": "", **headers}.items(), *several]
        request = client.build_request(method, path, headers=sent)
        answer = client.send(request, stream=True)
        answer.wire = b"".join(answer.iter_raw())
        answer.close()
        return answer
