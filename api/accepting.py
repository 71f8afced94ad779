"""Which of several formats a client prefers (RFC 9110, section 12.5.1)."""

from collections.abc import Sequence


def preferred(accept: str | None, offered: Sequence[str]) -> str:
    """The best of the `offered` media types by an `Accept` header; the first one when in doubt.

    The most exact range that names a type gives its weight. A header that allows none of them gets
    the first as well: an answer the client may not like beats none.
    """
    if not accept or not accept.strip():
        return offered[0]
    ranges: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        ranges[name] = max(weight, ranges.get(name, 0.0))

    def weight_of(media_type: str) -> float:
        kind = media_type.partition("/")[0]
        for name in (media_type, f"{kind}/*", "*/*"):
            if name in ranges:
                return ranges[name]
        return 0.0

    # `max` takes the first of equals, which is the order of the offer.
    return max(offered, key=weight_of)
