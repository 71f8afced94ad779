"""The built pages: one document for every page address, its assets beside it."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, Response

from api.session import ServiceSettings
from geo.errors import NotFound

router = APIRouter(include_in_schema=False)

# Assets carry a hash of their content in the name, so they never change; the document does, and so
# do the libraries that keep their names.
_FOREVER = "public, max-age=31536000, immutable"


@router.get("/")
@router.get("/r/{code}")
async def page(settings: ServiceSettings) -> Response:
    """The document; what it shows is decided in the browser by its address."""
    return _file(settings.pages, "index.html", "no-cache")


@router.get("/assets/{name}")
async def asset(name: str, settings: ServiceSettings) -> Response:
    """A script, style sheet or picture of the pages."""
    kept = "no-cache" if name.startswith(("swagger-ui", "leaflet")) else _FOREVER
    return _file(settings.pages / "assets", name, kept)


@router.get("/favicon.svg")
async def favicon(settings: ServiceSettings) -> Response:
    """The mark in the browser's tab."""
    return _file(settings.pages, "favicon.svg", "public, max-age=86400")


@router.get("/docs")
async def api_documentation() -> Response:
    """The API's documentation; its scripts are ours, not a CDN's."""
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Pinward API",
        swagger_js_url="/assets/swagger-ui-bundle.js",
        swagger_css_url="/assets/swagger-ui.css",
        swagger_favicon_url="/favicon.svg",
    )


def _file(folder: Path, name: str, cache: str) -> Response:
    # Names that no file system takes are no files either.
    fit = "\0" not in name and len(name.encode("utf-8", "replace")) <= 200
    path = (folder / name).resolve() if fit else folder
    if not path.is_file() or path.parent != folder.resolve():
        hint = "" if name != "index.html" else ": build the pages with `make pages`"
        raise NotFound(f"there is no such file here{hint}")
    return FileResponse(path, headers={"Cache-Control": cache})
