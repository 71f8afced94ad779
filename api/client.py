"""A client that hangs up: what is done for it alone need not go on."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

T = TypeVar("T")


class ClientGone(Exception):
    """Nobody is there to take the answer."""


async def done_or_gone(work: asyncio.Task[T], receive: Receive) -> T:
    """What `work` gives or raises; `ClientGone` when the client, told by `receive`, leaves first.

    Whether the work then goes on is for the caller to say.
    """
    leaves = asyncio.create_task(_leaves(receive))
    try:
        await asyncio.wait({work, leaves}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaves.cancel()
    if work.done():
        return work.result()
    raise ClientGone


async def while_there(work: Coroutine[Any, Any, T], receive: Receive) -> T:
    """What `work` gives or raises; when the client leaves first it is cancelled, `ClientGone`.

    A client that has sent a second request on its connection already is not heard to leave.
    """
    task = asyncio.create_task(work)
    try:
        return await done_or_gone(task, receive)
    finally:
        # Whatever it holds is given back before its place is another's.
        task.cancel()
        await asyncio.wait({task})


async def _leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
