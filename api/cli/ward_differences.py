"""`pinward wards check A --against B`: what A changes against B."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from api.cli.console import print_json, say, with_database
from geo.errors import NotReady, UnreadableFile
from geo.store.database import AsyncEngine
from geo.wards.features import WardFile
from geo.wards.reform.differences import differences
from geo.wards.reform.sources import imported


def tell(
    read: Callable[[Path], WardFile],
    after: str,
    before: str,
    geojson: Path | None,
    as_json: bool,
) -> None:
    """Say what `after` changes against `before`; each a path (`read` reads it) or a set's name."""
    found = differences(_wards(read, before), _wards(read, after))
    if geojson is not None:
        _write(geojson, found.as_geojson())
    if as_json:
        print_json({**found.as_json(), "geojson": str(geojson) if geojson else None})
        return
    for line in found.lines():
        say(line)
    if geojson is not None:
        say(f"{geojson}: the ground that differs, {len(found.pieces)} pieces")


def _wards(read: Callable[[Path], WardFile], source: str) -> WardFile:
    if Path(source).exists():
        return read(Path(source))

    async def work(engine: AsyncEngine) -> WardFile:
        async with engine.connect() as conn:
            return await imported(conn, source)

    try:
        return with_database(work)
    except NotReady as error:
        raise UnreadableFile(
            f"{source} is neither a file nor a folder, and imported ward sets cannot be looked "
            f"up: {error.detail}"
        ) from error


def _write(path: Path, value: dict[str, Any]) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise UnreadableFile(f"{path} cannot be written: {error.strerror}") from error
