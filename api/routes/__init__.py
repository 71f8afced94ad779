"""The routes, one module a noun."""

from api.routes import facilities, health, hotspots, pages, reports, session, tiles, wards

ROUTERS = [
    health.router,
    session.router,
    reports.router,
    wards.router,
    facilities.router,
    hotspots.router,
    tiles.router,
    # Last: it answers "/" and "/r/{code}".
    pages.router,
]
