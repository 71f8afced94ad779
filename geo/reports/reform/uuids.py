"""Ids of reports between arrays and statements."""

import numpy as np
import numpy.typing as npt


def uuids(ids: npt.NDArray[np.void]) -> list[str]:
    """Ids (n,) of 16 bytes as text that PostgreSQL reads as uuids."""
    packed = np.ascontiguousarray(ids).tobytes().hex()
    return [packed[i : i + 32] for i in range(0, len(packed), 32)]
