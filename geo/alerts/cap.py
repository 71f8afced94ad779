"""Alerts as CAP 1.2, the Common Alerting Protocol (OASIS, 2010), alone or in an Atom feed.

Elements come in the order the standard's schema wants. Polygons are `lat,lon` pairs; CAP knows no
holes, so a hole is warned too. Times carry an offset, never `Z` (CAP 1.2, section 3.3.2).
"""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

from geo.store.database import AnyRow

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
ATOM = "http://www.w3.org/2005/Atom"
MEDIA_TYPE = "application/cap+xml"
ATOM_TYPE = "application/atom+xml"

# CAP's category of each kind, and the event in words.
_CATEGORY = {"flood": "Met", "storm": "Met", "heat": "Met", "fire": "Fire", "works": "Infra"}
_EVENT = {
    "flood": ("Ngập lụt", "Flood"),
    "storm": ("Giông bão", "Storm"),
    "heat": ("Nắng nóng", "Heat"),
    "fire": ("Cháy", "Fire"),
    "works": ("Công trình, sự cố hạ tầng", "Works"),
    "other": ("Cảnh báo khác", "Other warning"),
}
# Names the kind of code in `geocode`: Vietnam's codes of commune-level units.
_WARD_CODES = "VN-WARD"

for _prefix, _uri in (("cap", NAMESPACE), ("atom", ATOM)):
    ET.register_namespace(_prefix, _uri)


def document(row: AnyRow, timezone: str) -> bytes:
    """One alert (a row of `geo.store.alerts`) as an XML document; a cancelled one as `Cancel`."""
    return _packed(_alert(row, ZoneInfo(timezone)), NAMESPACE)


def feed(rows: Sequence[AnyRow], timezone: str, address: str, title: str, now: datetime) -> bytes:
    """Alerts as an Atom feed at `address`, each entry holding its whole CAP document.

    A CAP document holds one alert, so a list of them needs something around it.
    """
    zone = ZoneInfo(timezone)
    root = ET.Element(f"{{{ATOM}}}feed")
    _add(root, "id", address, ATOM)
    _add(root, "title", title, ATOM)
    newest = max((row.cancelled_at or row.sent_at for row in rows), default=now)
    _add(root, "updated", _time(newest, zone), ATOM)
    ET.SubElement(root, f"{{{ATOM}}}link", rel="self", href=address, type=ATOM_TYPE)
    for row in rows:
        entry = ET.SubElement(root, f"{{{ATOM}}}entry")
        _add(entry, "id", f"urn:uuid:{_identifier(row)}", ATOM)
        _add(entry, "title", row.headline_vi, ATOM)
        _add(entry, "updated", _time(row.cancelled_at or row.sent_at, zone), ATOM)
        author = ET.SubElement(entry, f"{{{ATOM}}}author")
        _add(author, "name", row.sender_vi, ATOM)
        own = f"{address.partition('?')[0]}/{row.id}"
        ET.SubElement(entry, f"{{{ATOM}}}link", rel="alternate", href=own, type=MEDIA_TYPE)
        ET.SubElement(entry, f"{{{ATOM}}}content", type=MEDIA_TYPE).append(_alert(row, zone))
    return _packed(root)


def _alert(row: AnyRow, zone: ZoneInfo) -> ET.Element:
    alert = ET.Element(f"{{{NAMESPACE}}}alert")
    cancelled = row.cancelled_at is not None
    _add(alert, "identifier", str(_identifier(row)))
    _add(alert, "sender", row.sender)
    _add(alert, "sent", _time(row.cancelled_at if cancelled else row.sent_at, zone))
    _add(alert, "status", "Actual")
    _add(alert, "msgType", "Cancel" if cancelled else "Alert")
    _add(alert, "scope", "Public")
    if cancelled:
        first = f"{row.sender},{row.identifier},{_time(row.sent_at, zone)}"
        _add(alert, "references", first)
    for language in ("vi", "en"):
        if language == "vi" or row.headline_en:
            _info(alert, row, zone, language)
    return alert


def _info(alert: ET.Element, row: AnyRow, zone: ZoneInfo, language: str) -> None:
    vi = language == "vi"
    info = ET.SubElement(alert, f"{{{NAMESPACE}}}info")
    _add(info, "language", "vi-VN" if vi else "en")
    _add(info, "category", _CATEGORY.get(row.kind, "Other"))
    _add(info, "event", _EVENT[row.kind][0 if vi else 1])
    _add(info, "urgency", row.urgency.capitalize())
    _add(info, "severity", row.severity.capitalize())
    _add(info, "certainty", row.certainty.capitalize())
    _add(info, "effective", _time(row.effective_at, zone))
    _add(info, "expires", _time(row.expires_at, zone))
    _add(info, "senderName", row.sender_vi if vi else row.sender_en)
    _add(info, "headline", row.headline_vi if vi else row.headline_en)
    description = row.description_vi if vi else row.description_en or row.description_vi
    if description:
        _add(info, "description", description)
    area = ET.SubElement(info, f"{{{NAMESPACE}}}area")
    _add(area, "areaDesc", row.area_vi if vi else row.area_en)
    for rings in json.loads(row.geojson)["coordinates"]:
        _add(area, "polygon", " ".join(f"{lat},{lon}" for lon, lat in rings[0]))
    for code in row.ward_codes:
        geocode = ET.SubElement(area, f"{{{NAMESPACE}}}geocode")
        _add(geocode, "valueName", _WARD_CODES)
        _add(geocode, "value", code)


def _identifier(row: AnyRow) -> UUID:
    # A cancellation is a message of its own, so it has a name of its own: always the same.
    identifier: UUID = row.identifier
    return identifier if row.cancelled_at is None else uuid5(identifier, "cancel")


def _add(parent: ET.Element, name: str, text: str, namespace: str = NAMESPACE) -> None:
    ET.SubElement(parent, f"{{{namespace}}}{name}").text = text


def _time(value: datetime, zone: ZoneInfo) -> str:
    said = value.astimezone(zone).replace(microsecond=0).isoformat()
    return said.replace("+00:00", "-00:00")


def _packed(root: ET.Element, namespace: str | None = None) -> bytes:
    found: bytes = ET.tostring(
        root, encoding="UTF-8", xml_declaration=True, default_namespace=namespace
    )
    return found
