"""The kinds of facility, what people call them, and what other people's data call them."""

from typing import Final

# kind -> name in Vietnamese and English
KINDS: Final[dict[str, dict[str, str]]] = {
    "school": {"vi": "Trường học", "en": "School"},
    "kindergarten": {"vi": "Trường mầm non", "en": "Kindergarten"},
    "university": {"vi": "Trường đại học", "en": "University"},
    "clinic": {"vi": "Phòng khám, trạm y tế", "en": "Clinic"},
    "hospital": {"vi": "Bệnh viện", "en": "Hospital"},
    "pharmacy": {"vi": "Nhà thuốc", "en": "Pharmacy"},
    "ward_office": {"vi": "Ủy ban nhân dân", "en": "Ward office"},
    "police": {"vi": "Công an", "en": "Police"},
    "fire_station": {"vi": "Trạm chữa cháy", "en": "Fire station"},
    "other": {"vi": "Địa điểm khác", "en": "Other"},
}

# What a map's layer switch shows together.
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "schools": ("school", "kindergarten", "university"),
    "clinics": ("clinic", "hospital"),
    "other": ("pharmacy", "ward_office", "police", "fire_station", "other"),
}

# Other words for a kind: OpenStreetMap's `amenity` and `healthcare` values and common plurals.
_SYNONYMS: Final[dict[str, str]] = {
    "schools": "school",
    "primary_school": "school",
    "secondary_school": "school",
    "high_school": "school",
    "language_school": "school",
    "music_school": "school",
    "childcare": "kindergarten",
    "preschool": "kindergarten",
    "nursery": "kindergarten",
    "college": "university",
    "clinics": "clinic",
    "doctor": "clinic",
    "doctors": "clinic",
    "dentist": "clinic",
    "health_station": "clinic",
    "health_post": "clinic",
    "hospitals": "hospital",
    "chemist": "pharmacy",
    "townhall": "ward_office",
    "government": "ward_office",
    "police_station": "police",
}


def kind_of(word: str) -> str | None:
    """The kind a word of someone's data means, or None when it is not known."""
    plain = word.strip().lower().replace(" ", "_").replace("-", "_")
    return plain if plain in KINDS else _SYNONYMS.get(plain)
