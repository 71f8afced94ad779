"""Nothing that a route is made of is called in a thread: a change of threads takes longer than all
of it, and of a hundred reports sent at once each would wait for seven."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from api.app import create_app
from geo.settings import Settings


def routes(some: Any) -> Iterator[Any]:
    """Those of routers within routers, too."""
    for each in some:
        if hasattr(each, "dependant"):
            yield each
        elif hasattr(each, "original_router"):
            yield from routes(each.original_router.routes)


def called(dependant: Any) -> Iterator[Any]:
    yield dependant.call
    for each in dependant.dependencies:
        yield from called(each)


def waits(call: Any) -> bool:
    function = call if inspect.isfunction(call) else type(call).__call__
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def test_no_route_and_nothing_it_depends_on_runs_in_a_thread(tmp_path, monkeypatch):
    monkeypatch.setenv("PINWARD_STATE", str(tmp_path))
    found = list(routes(create_app(Settings()).routes))
    assert len(found) > 100
    threaded = {
        f"{call.__module__}.{call.__qualname__}"
        for route in found
        for call in called(route.dependant)
        if not waits(call)
    }
    assert threaded == set()


@pytest.mark.parametrize("call", [len, lambda: None, dict])
def test_a_plain_function_would_be_found(call):
    assert not waits(call)
