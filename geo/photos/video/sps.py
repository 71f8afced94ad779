"""How large the pictures of an H.264 stream are, by the parameters of its sequence."""

from geo.photos.video.refusals import refused

_MAIN = 77
# Ours has 20 to 30.
_MOST_BYTES = 48


def size(nal: bytes) -> tuple[int, int]:
    """Width and height (px) of a sequence of the main profile, 4:2:0, whole pictures.

    Raises `RefusedVideo` for any other. What stands in the file beside the stream is what a page
    lays itself out by; this is what a decoder takes memory for, and they must be one.
    """
    if not 8 <= len(nal) <= _MOST_BYTES or nal[1] != _MAIN:
        raise refused("not-clean")
    # A 3 keeps three zeros apart from a mark.
    plain = nal[4:].replace(b"\0\0\3", b"\0\0")
    bits = "".join(f"{byte:08b}" for byte in plain)
    at = 0

    def take(count: int) -> int:
        nonlocal at
        at += count
        if at > len(bits):
            raise refused("not-clean")
        return int(bits[at - count : at], 2)

    def golomb() -> int:
        zeros = 0
        while not take(1):
            zeros += 1
        return (1 << zeros) - 1 + (take(zeros) if zeros else 0)

    golomb()  # its number
    golomb()  # bits of a picture's number
    order = golomb()
    if order == 0:
        golomb()
    elif order != 2:
        raise refused("not-clean")
    golomb()  # pictures referred to
    take(1)
    width, height = (golomb() + 1) * 16, (golomb() + 1) * 16
    whole, _, cropped = take(1), take(1), take(1)
    if not whole:
        raise refused("not-clean")
    left, right, top, bottom = (golomb() if cropped else 0 for _ in range(4))
    return width - 2 * (left + right), height - 2 * (top + bottom)
