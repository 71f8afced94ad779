"""The built pages: one document for every page address, its assets beside it."""

import gzip
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from api.http import accepts_gzip
from api.security_headers import of_pages
from api.session import ServiceSettings
from geo.errors import NotFound
from geo.settings import Settings

router = APIRouter(include_in_schema=False)

# Assets carry a hash of their content in the name, so they never change; the document does, and so
# do the libraries that keep their names.
_FOREVER = "public, max-age=31536000, immutable"
_TEXT = (".html", ".js", ".css", ".svg", ".webmanifest")


@router.get("/")
@router.get("/r/{code}")
@router.get("/crew")
@router.get("/desk")
@router.get("/plan")
async def page(request: Request, settings: ServiceSettings) -> Response:
    """The document; what it shows is decided in the browser by its address."""
    return _document(request, settings, "index.html")


@router.get("/assets/{name}")
async def asset(name: str, request: Request, settings: ServiceSettings) -> Response:
    """A script, style sheet or picture of the pages."""
    kept = "no-cache" if name.startswith(("swagger-ui", "leaflet", "docs", "icon-")) else _FOREVER
    # A worker goes by the policy of its own script: the map's fetches the tiles.
    return _lawful(_file(request, settings.pages / "assets", name, kept), settings)


@router.get("/favicon.svg")
async def favicon(request: Request, settings: ServiceSettings) -> Response:
    """The mark in the browser's tab."""
    return _file(request, settings.pages, "favicon.svg", "public, max-age=86400")


@router.get("/sw.js")
async def service_worker(request: Request, settings: ServiceSettings) -> Response:
    """What keeps the pages on a device for when there is no signal; of all addresses, so at `/`."""
    # By this policy it asks for what it keeps.
    return _document(request, settings, "sw.js")


@router.get("/{name}.webmanifest")
async def manifest(name: str, request: Request, settings: ServiceSettings) -> Response:
    """What a phone shows of the pages on its home screen."""
    kind = "application/manifest+json"
    return _file(request, settings.pages, f"{name}.webmanifest", "no-cache", kind)


@router.get("/docs")
async def api_documentation(request: Request, settings: ServiceSettings) -> Response:
    """The API's documentation; its scripts are ours, not a CDN's."""
    return _document(request, settings, "docs.html")


def _document(request: Request, settings: Settings, name: str) -> Response:
    return _lawful(_file(request, settings.pages, name, "no-cache"), settings)


def _lawful(response: Response, settings: Settings) -> Response:
    response.headers["Content-Security-Policy"] = of_pages(settings.basemap)
    return response


def _file(
    request: Request, folder: Path, name: str, cache: str, kind: str | None = None
) -> Response:
    # Names that no file system takes are no files either.
    fit = "\0" not in name and len(name.encode("utf-8", "replace")) <= 200
    path = (folder / name).resolve() if fit else folder
    if not path.is_file() or path.parent != folder.resolve():
        hint = ": build the pages with `make pages`" if name.endswith(".html") else ""
        raise NotFound(f"there is no such file here{hint}")
    headers = {"Cache-Control": cache}
    # The server sends a file by itself, past what packs answers: so it is packed here.
    whole = FileResponse(path, headers=headers, media_type=kind)
    if path.suffix not in _TEXT:
        return whole
    headers["Vary"] = "Accept-Encoding"
    if not accepts_gzip(",".join(request.headers.getlist("accept-encoding"))):
        return FileResponse(path, headers=headers, media_type=kind)
    headers["Content-Encoding"] = "gzip"
    body = _packed(path, path.stat().st_mtime_ns)
    return Response(body, headers=headers, media_type=whole.media_type)


@lru_cache(maxsize=64)
def _packed(path: Path, changed_ns: int) -> bytes:
    """A file of the pages, packed once as long as it is the same."""
    return gzip.compress(path.read_bytes(), 9, mtime=0)
