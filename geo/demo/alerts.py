"""The demo's alerts: high water along the river and works in the centre, always some days to go."""

from datetime import datetime, timedelta
from uuid import uuid4

import shapely
from sqlalchemy import delete

from geo.alerts.sending import area_in_words
from geo.store import alerts as store
from geo.store.database import AsyncConnection
from geo.store.tables import alerts

SENDER = "demo.pinward.test"
_LASTS = timedelta(days=3)

# Drawn by hand along the bend of the river at Thanh Đa, and around a crossing of the centre.
_RIVERSIDE = [
    *((106.7168, 10.8262), (106.7232, 10.8331), (106.7336, 10.8352), (106.7437, 10.8301)),
    *((106.7466, 10.8206), (106.7421, 10.8127), (106.7338, 10.8076), (106.7245, 10.8098)),
    *((106.7187, 10.8166),),
]
_CROSSING = [
    *((106.6921, 10.7752), (106.6962, 10.7779), (106.6993, 10.7744), (106.6957, 10.7711)),
    *((106.6925, 10.7722),),
]
_ALERTS: tuple[tuple[list[tuple[float, float]], dict[str, str | None]], ...] = (
    (
        _RIVERSIDE,
        {
            "kind": "flood",
            "severity": "severe",
            "urgency": "expected",
            "certainty": "likely",
            "headline_vi": "Triều cường: ngập 30–50 cm ven sông",
            "headline_en": "High tide: 30–50 cm of water along the river",
            "description_vi": "Nước lên từ 17 giờ đến 20 giờ. Không để xe dưới hầm, "
            "tránh đường ven sông.",
            "description_en": "Water rises from 5 to 8 p.m. Keep vehicles out of basements and "
            "avoid the roads along the river.",
        },
    ),
    (
        _CROSSING,
        {
            "kind": "works",
            "severity": "minor",
            "urgency": "immediate",
            "certainty": "observed",
            "headline_vi": "Thay ống cấp nước, rào một làn đường",
            "headline_en": "Water main works, one lane closed",
        },
    ),
)


async def renew(conn: AsyncConnection, now: datetime) -> int:
    """Put the demo's alerts in the place of those of an earlier day; says how many were put.

    Nothing is done while some are in force for another day.
    """
    tomorrow = now + timedelta(days=1)
    rows = await store.page(conn, store.in_force(now), (), None, 100, None)
    if any(row.sender == SENDER and row.expires_at > tomorrow for row in rows):
        return 0
    await conn.execute(delete(alerts).where(alerts.c.sender == SENDER))
    for ring, columns in _ALERTS:
        area = shapely.MultiPolygon([shapely.orient_polygons(shapely.Polygon(ring))])
        touched = await store.wards_touched(conn, area, now.date())
        area_vi, area_en = area_in_words(touched)
        await store.add(
            conn,
            area,
            **columns,
            identifier=uuid4(),
            area_vi=area_vi,
            area_en=area_en,
            ward_codes=[row.code for row in touched],
            sent_at=now,
            effective_at=now,
            expires_at=now + _LASTS,
            sender=SENDER,
            sender_vi="Pinward (dữ liệu mẫu)",
            sender_en="Pinward (demo data)",
        )
    return len(_ALERTS)
