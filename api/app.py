"""All the wiring of the service."""

import contextlib
from asyncio import to_thread
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from fastapi import FastAPI
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES
from starlette.types import ASGIApp

from api import admission, entrance, errors, metrics, refresh, tus
from api.auth import oidc
from api.auth.renewal import Renewal
from api.auth.same_origin import SameOrigin
from api.expert_desk import ExpertDesk
from api.http import Compressed, CrossOrigin, HeadFromGet, Once
from api.orphaned import end_with_parent
from api.routes import ROUTERS
from api.security_headers import SecurityHeaders
from api.tile_service.memory import FromMemory
from api.tile_service.source import TileSource
from api.tile_service.wire import MVT
from geo.photos.keeping import Cleaning
from geo.settings import Settings
from geo.store.database import create_engine


def create_app(settings: Settings) -> FastAPI:
    """The service for these settings; its lifespan opens the database and loads the wards."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        url = entrance.service_database_url(settings)
        app.state.keys = entrance.keys(settings)
        app.state.engine = create_engine(url, settings.pool_size)
        app.state.media = entrance.media(settings)
        app.state.inbox = entrance.inbox(settings)
        # What a service that was killed left here.
        await to_thread(app.state.inbox.clear, datetime.now(UTC))
        app.state.cleaning = Cleaning()
        try:
            async with (
                refresh.kept_fresh(app, url),
                app.state.tiles.following(url, app.state.feed),
            ):
                yield
        finally:
            await app.state.engine.dispose()

    app = FastAPI(
        title="Pinward",
        version="0.1.0",
        summary="Drop a pin, the right ward acts.",
        lifespan=lifespan,
        responses=errors.DOCUMENTED,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.tiles = TileSource(settings)
    app.state.experts = ExpertDesk()
    app.state.categories_seen = {}
    app.state.oidc = oidc.providers(settings)
    app.state.limits = admission.limits(settings)
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router)
    # Last added is outermost.
    app.add_middleware(Renewal, settings=settings)
    app.add_middleware(SameOrigin, settings=settings)
    app.add_middleware(errors.LastResort)
    app.add_middleware(Once)
    app.add_middleware(
        Compressed,
        minimum_size=1024,
        compresslevel=5,
        # Tiles are packed by their route, which gives each encoding an ETag of its own.
        exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, MVT),
    )
    app.add_middleware(
        CrossOrigin,
        # Public data without cookies: no credentials are ever allowed cross-origin.
        allow_origins=["*"],
        allow_methods=["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "If-None-Match",
            "Last-Event-ID",
            "Pinward-Device",
            "Pinward-Proof",
            "Range",
            *tus.ASKED,
        ],
        expose_headers=[
            *("Accept-Ranges", "Content-Range", "ETag", "Link", "Location", "Retry-After"),
            *tus.TOLD,
        ],
        max_age=86400,
    )
    app.add_middleware(HeadFromGet)
    app.add_middleware(SecurityHeaders, settings=settings)
    app.add_middleware(metrics.Measured)
    return app


def create() -> ASGIApp:
    """The service as the environment describes it (what the server's processes call)."""
    end_with_parent()
    app = create_app(Settings())
    return FromMemory(app, app.state.tiles)
