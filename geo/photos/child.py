"""Hostile bytes on stdin; on stdout `+` and what is clean of them, or `-` and why not.

Run by `geo.photos.process`, with the name of its work.
"""

import sys
from collections.abc import Callable

from geo.errors import RefusedPhoto
from geo.photos import limits

TAKEN, REFUSED = b"+", b"-"


def main() -> None:
    """Answer once. Whatever goes wrong is a refusal; a limit may end the process first."""
    work = sys.argv[1]
    limits.impose(limits.VIDEO if work == "video" else limits.PHOTO)
    data = sys.stdin.buffer.read()
    try:
        answer = TAKEN + _worker(work)(data)
    except RefusedPhoto as refusal:
        answer = REFUSED + f"{refusal.reason}\n{refusal.what or ''}".encode()
    except MemoryError:
        answer = REFUSED + b"too-much-work\n"
    sys.stdout.buffer.write(answer)


def _worker(work: str) -> Callable[[bytes], bytes]:
    # Only now: also what is imported is to stay within the limits.
    if work == "video":
        from geo.photos.video import cleaning as video

        return lambda data: video.clean(data).packed()
    from geo.photos import boxes, cleaning

    if work == "boxes":
        return lambda data: cleaning.boxed_out(*boxes.from_line(data)).data
    return lambda data: cleaning.clean(data).data


if __name__ == "__main__":
    main()
