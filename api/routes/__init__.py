"""The routes, one module a noun."""

from api.routes import (
    alerts,
    facilities,
    health,
    hotspots,
    live,
    pages,
    reports,
    session,
    tiles,
    wards,
)

ROUTERS = [
    health.router,
    session.router,
    reports.router,
    wards.router,
    facilities.router,
    hotspots.router,
    alerts.router,
    tiles.router,
    live.router,
    # Last: it answers "/" and "/r/{code}".
    pages.router,
]
