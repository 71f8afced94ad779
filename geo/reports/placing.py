"""Wards, organisations and reasons of many reports at once, as columns."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geo.reports.routing import reasons as routing
from geo.wards.directory import WardDirectory
from geo.wards.lookup import NEAREST, SNAP_M

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Placed:
    """Columns of `reports`, all of one length, null where no ward is near.

    `outside`: no ward covers the point, whether or not a near one answers for it.
    """

    outside: Bools
    organised: Bools
    ward_id: pa.Array
    ward_match: pa.Array
    ward_distance_m: pa.Array
    organisation_id: pa.Array
    reasons: pa.Array

    @classmethod
    def of(
        cls, wards: WardDirectory, lon: Floats, lat: Floats, days: Days, snap_m: float = SNAP_M
    ) -> "Placed":
        """Place points, each on its own day; with no wards known at all, none is `outside`."""
        if not len(wards):
            return cls._nowhere(len(lon))
        found = wards.assign(lon, lat, days, snap_m)
        nowhere = found.position < 0
        near = np.equal(found.match, NEAREST)
        # One row of facts for each ward, and beside it one for its neighbourhood.
        key = np.where(nowhere, 0, found.position * 2 + near)
        met, back = np.unique(key, return_inverse=True)
        facts = [_facts(wards, int(each)) for each in met]

        def column(name: str, kind: pa.DataType) -> pa.Array:
            values = pa.array([fact[name] for fact in facts], kind)
            indices = pa.array(back.astype(np.int32), mask=nowhere)
            return pa.DictionaryArray.from_arrays(indices, values)

        organised = np.array([fact["organisation_id"] is not None for fact in facts], dtype=bool)
        return cls(
            outside=nowhere | near,
            organised=organised[back] & ~nowhere,
            ward_id=column("ward_id", pa.int32()),
            ward_match=column("match", pa.string()),
            ward_distance_m=pa.array(np.round(found.distance_m, 2), mask=nowhere),
            organisation_id=column("organisation_id", pa.int32()),
            reasons=pa.DictionaryArray.from_arrays(
                pa.array(np.where(nowhere, len(facts), back).astype(np.int32)),
                pa.array([*(fact["reasons"] for fact in facts), "[]"], pa.string()),
            ),
        )

    @classmethod
    def _nowhere(cls, n: int) -> "Placed":
        none = np.zeros(n, dtype=bool)
        reasons = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array(["[]"]))
        ids = pa.nulls(n, pa.int32())
        return cls(
            none, none, ids, pa.nulls(n, pa.string()), pa.nulls(n, pa.float64()), ids, reasons
        )


def _facts(wards: WardDirectory, key: int) -> dict[str, Any]:
    ward = wards.wards[key // 2]
    match = "nearest" if key % 2 else "covers"
    reasons = [routing.ward_reason(ward.name, ward.kind, match)]
    if ward.organisation_id is not None:
        names = (ward.organisation_vi or "", ward.organisation_en or "")
        reasons.append(routing.committee_reason(*names))
    return {
        "ward_id": ward.id,
        "match": match,
        "organisation_id": ward.organisation_id,
        "reasons": json.dumps(reasons, ensure_ascii=False),
    }
