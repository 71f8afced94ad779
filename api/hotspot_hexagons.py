"""The second view of hotspots as it is answered: hexagons that stand out, and where few report."""

import json
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.hotspots import AnswerView, Compared, MultiPolygon, Polygon, Words
from geo.hotspots.hexes.rate import FDR
from geo.store.database import AnyRow

NOTE = {
    "vi": "Ô lục giác cố định rộng 200 m, trong đó tỷ lệ phản ánh của một loại cao hơn hẳn so với "
    f"xung quanh. Trong số các ô được vẽ của mỗi loại, dự kiến tối đa {FDR:.0%} là do ngẫu nhiên; "
    "điểm nóng thì chặt hơn: 5% là khả năng có dù chỉ một điểm sai trên toàn bản đồ. Ô không được "
    "vẽ chưa chắc đã an toàn: xem nơi ít phản ánh.",
    "en": "Hexagons of a fixed grid, 200 m wide, in which a category's share of all reports stands "
    f"out from the places around. Of those drawn for a category at most {FDR:.0%} are expected to "
    "be chance; hotspots are stricter: 5% is the chance of a single false one on the whole map. A "
    "hexagon that is not drawn need not be safe: see where few report.",
}
_QUIET = {
    "vi": "Vùng tô là nơi có ít hơn {least} sự việc của mọi loại công khai trong bán kính "
    "{reach} m, trong {days} ngày: ít đến mức điểm nóng của một loại thường gặp không thể lộ ra; "
    "loại hiếm gặp vẫn có thể. Ít phản ánh chưa chắc đã an toàn.",
    "en": "The shaded area has fewer than {least} events of all public categories within {reach} m "
    "in {days} days: too few for a hotspot of a category of the usual frequency to show itself; a "
    "rare one still may. Silence is not safety.",
}


class HexagonProperties(Compared):
    """A hexagon in which a category stands out, as of a day."""

    category: str
    family: str
    as_of: Annotated[date, Field(description="last day looked at")]
    epsg: Annotated[int, Field(description="plane whose metres the grid is fixed to")]
    q: Annotated[int, Field(description="axial coordinates in the grid: the same from day to day")]
    r: int
    sentence: Annotated[Words, Field(description="what it says, ready to be read")]
    events_all: Annotated[int, Field(description="the same of all but hidden categories")]
    q_value: Annotated[
        float,
        Field(
            description="of the category's hexagons that stand out at least as much, the part "
            "expected to be chance (Benjamini and Hochberg)"
        ),
    ]


class HexagonFeature(BaseModel):
    """A hexagon as GeoJSON."""

    type: Literal["Feature"]
    geometry: Polygon
    properties: HexagonProperties


class HexagonCollection(BaseModel):
    """Hexagons as GeoJSON, and the answers they are of; `next` is the following page or null."""

    type: Literal["FeatureCollection"]
    features: list[HexagonFeature]
    answers: list[AnswerView]
    note: Words
    next: str | None


class QuietProperties(BaseModel):
    """Where so few report that no hotspot of a usual category could show itself."""

    as_of: Annotated[date, Field(description="last day looked at")]
    least_events: Annotated[int, Field(description="fewer events than these lie in reach")]
    reach_m: float
    sentence: Annotated[Words, Field(description="what it says, ready to be read")]


class QuietFeature(BaseModel):
    """The mask as GeoJSON, within the wards; its edge is drawn to some 60 m."""

    type: Literal["Feature"]
    geometry: MultiPolygon
    properties: QuietProperties


class QuietCollection(BaseModel):
    """One mask; none before the first run."""

    type: Literal["FeatureCollection"]
    features: list[QuietFeature]


def feature(row: AnyRow) -> dict[str, Any]:
    """A row of hexagons as a GeoJSON feature."""
    return {
        "type": "Feature",
        "geometry": json.loads(row.geojson),
        "properties": {
            "category": row.category_code,
            "family": row.family,
            "as_of": row.as_of.isoformat(),
            "epsg": row.epsg,
            "q": row.q,
            "r": row.r,
            "sentence": row.said["sentence"],
            "n": row.n,
            "events": row.events,
            "events_all": row.events_all,
            "expected": row.expected,
            "relative_risk": row.relative_risk,
            "risk_low": row.risk_low,
            "risk_high": row.risk_high,
            "q_value": row.q_value,
        },
    }


def quiet(row: AnyRow) -> dict[str, Any]:
    """A row of masks as a GeoJSON feature."""
    told = {"least": row.least_events, "reach": round(row.reach_m), "days": row.days}
    return {
        "type": "Feature",
        "geometry": json.loads(row.geojson),
        "properties": {
            "as_of": row.as_of.isoformat(),
            "least_events": row.least_events,
            "reach_m": round(row.reach_m, 1),
            "sentence": {language: words.format(**told) for language, words in _QUIET.items()},
        },
    }
