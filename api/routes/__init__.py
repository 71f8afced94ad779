"""The routes, one module a noun."""

from api.routes import (
    alerts,
    contacts,
    facilities,
    health,
    hotspot_expert,
    hotspot_hexagons,
    hotspot_runs,
    hotspots,
    keys,
    live,
    pages,
    persons,
    reports,
    second_step,
    session,
    statistics,
    tiles,
    uploads,
    wards,
)

ROUTERS = [
    health.router,
    session.router,
    second_step.router,
    keys.router,
    reports.router,
    uploads.router,
    contacts.router,
    persons.router,
    statistics.router,
    wards.router,
    facilities.router,
    hotspots.router,
    hotspot_hexagons.router,
    hotspot_runs.router,
    hotspot_expert.router,
    # After those: it would take their names for an id.
    hotspots.one,
    alerts.router,
    tiles.router,
    live.router,
    # Last: it answers "/" and "/r/{code}".
    pages.router,
]
