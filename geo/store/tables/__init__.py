"""All tables, one module per noun, one `metadata`.

Coordinates are WGS 84 (EPSG:4326) unless a column's name says otherwise; times are `timestamptz`.
"""

from geo.store.tables.abuse import abuse_buckets, banned_devices, report_devices
from geo.store.tables.alerts import alerts
from geo.store.tables.audit import audit_log
from geo.store.tables.base import metadata
from geo.store.tables.beside_reports import report_contacts, report_events, report_texts
from geo.store.tables.changes import (
    changes,
    changes_seq,
    pyramid_counts,
    pyramid_nodes,
    pyramid_state,
)
from geo.store.tables.facilities import facilities
from geo.store.tables.hotspots import (
    hotspot_answers,
    hotspot_artefacts,
    hotspot_beginnings,
    hotspot_hexagons,
    hotspot_members,
    hotspot_quiet,
    hotspot_runs,
    hotspots,
)
from geo.store.tables.identities import (
    citizen_reports,
    citizen_sessions,
    citizens,
    oidc_states,
    user_identities,
)
from geo.store.tables.photos import photos, uploads
from geo.store.tables.reforms import reform_moves, reforms, reports_today, wards_today
from geo.store.tables.reports import (
    categories,
    idempotency_keys,
    organisations,
    reports,
)
from geo.store.tables.retention import retention_rules
from geo.store.tables.statistics import (
    statistics_cells,
    statistics_channels,
    statistics_days,
    statistics_log,
    statistics_state,
)
from geo.store.tables.streets import streets
from geo.store.tables.users import api_keys, recovery_codes, sessions, sign_in_failures, users
from geo.store.tables.wards import ward_sets, ward_shapes, wards
from geo.store.tables.work import (
    answer_templates,
    city_days,
    deadline_rules,
    report_merges,
    report_supports,
    routing_rules,
    task_actions,
    zones,
)

__all__ = [
    "abuse_buckets",
    "alerts",
    "answer_templates",
    "api_keys",
    "audit_log",
    "banned_devices",
    "categories",
    "changes",
    "changes_seq",
    "citizen_reports",
    "citizen_sessions",
    "citizens",
    "city_days",
    "deadline_rules",
    "facilities",
    "hotspot_answers",
    "hotspot_artefacts",
    "hotspot_beginnings",
    "hotspot_hexagons",
    "hotspot_members",
    "hotspot_quiet",
    "hotspot_runs",
    "hotspots",
    "idempotency_keys",
    "metadata",
    "oidc_states",
    "organisations",
    "photos",
    "pyramid_counts",
    "pyramid_nodes",
    "pyramid_state",
    "recovery_codes",
    "reform_moves",
    "reforms",
    "report_contacts",
    "report_devices",
    "report_events",
    "report_merges",
    "report_supports",
    "report_texts",
    "reports",
    "reports_today",
    "retention_rules",
    "routing_rules",
    "sessions",
    "sign_in_failures",
    "statistics_cells",
    "statistics_channels",
    "statistics_days",
    "statistics_log",
    "statistics_state",
    "streets",
    "task_actions",
    "uploads",
    "user_identities",
    "users",
    "ward_sets",
    "ward_shapes",
    "wards",
    "wards_today",
    "zones",
]
