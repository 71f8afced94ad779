"""A client that hangs up: what is done for it alone need not go on."""

import asyncio
from typing import TypeVar

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


async def _leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
