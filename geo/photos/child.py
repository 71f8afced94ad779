"""A photo on stdin; on stdout `+` and the JPEG, or `-` and why not. Run by `geo.photos.apart`."""

import sys

from geo.errors import RefusedPhoto
from geo.photos import limits

TAKEN, REFUSED = b"+", b"-"


def main() -> None:
    """Answer one photo. Whatever goes wrong is a refusal; a limit may end the process first."""
    limits.impose()
    data = sys.stdin.buffer.read()
    try:
        # Only now: also what is imported is to stay within the limits.
        from geo.photos.cleaning import clean

        answer = TAKEN + clean(data).data
    except RefusedPhoto as refusal:
        answer = REFUSED + f"{refusal.reason}\n{refusal.what or ''}".encode()
    except MemoryError:
        answer = REFUSED + b"too-much-work\n"
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    main()
