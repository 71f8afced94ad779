"""GeoJSON read strictly, one feature at a time, so that a broken file is named to the line.

GDAL's reader mends what it can: of a file with junk between two features it keeps the first ones
and says nothing. Wards must not vanish like that.
"""

import json
import re
from collections.abc import Generator, Iterator
from typing import Any, NoReturn

import shapely

from geo.errors import UnreadableFile

_SPACE = re.compile(r"[ \t\r\n]*")
_GEOMETRIES = {"GeometryCollection"} | {
    many + one for many in ("", "Multi") for one in ("Point", "LineString", "Polygon")
}


class NotGeoJSON(Exception):
    """Well-formed so far, but an object of another kind (TopoJSON, Esri JSON …)."""


class Reader:
    """`rows()` yields `(properties, geometry | None, trouble | None)` of each feature in turn.

    After them `crs` is the name in the old `crs` member, if the file has one.
    """

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        self._decoder = json.JSONDecoder(parse_constant=self._constant)
        self.crs: str | None = None

    def rows(self) -> Iterator[tuple[dict[str, Any], shapely.Geometry | None, str | None]]:
        """Raises `UnreadableFile` at the first broken place, `NotGeoJSON` on another format."""
        at = self._skip(0)
        if self._text[at : at + 1] != "{":
            self._broken("a GeoJSON file begins with {", at)
        alone: dict[str, Any] = {}
        found = False
        at = self._skip(at + 1)
        while self._text[at : at + 1] != "}":
            key, at = self._value(at)
            if not isinstance(key, str):
                self._broken("a member's name must be text", at)
            at = self._expect(":", at)
            if key == "features" and self._text[at : at + 1] == "[":
                found = True
                at = yield from self._features(at)
            else:
                alone[key], at = self._value(at)
            at = self._skip(at)
            if self._text[at : at + 1] == ",":
                at = self._skip(at + 1)
            elif self._text[at : at + 1] != "}":
                self._broken("the file ends too early, or a comma is missing", at)
        if self._skip(at + 1) != len(self._text):
            self._broken("there is something after the end", self._skip(at + 1))
        self.crs = _crs_name(alone.get("crs"))
        if found:
            return
        if alone.get("type") == "Feature":
            yield _row(alone)
        elif alone.get("type") in _GEOMETRIES:
            yield _row({"geometry": alone})
        else:
            raise NotGeoJSON

    def _features(
        self, at: int
    ) -> Generator[tuple[dict[str, Any], shapely.Geometry | None, str | None], None, int]:
        at = self._skip(at + 1)
        while self._text[at : at + 1] != "]":
            start = at
            feature, at = self._value(at)
            if not isinstance(feature, dict):
                self._broken("a feature must be an object", start)
            if feature.get("type") != "Feature":
                raise NotGeoJSON
            yield _row(feature)
            at = self._skip(at)
            if self._text[at : at + 1] == ",":
                at = self._skip(at + 1)
            elif self._text[at : at + 1] != "]":
                self._broken("the list of features ends too early, or a comma is missing", at)
        return at + 1

    def _value(self, at: int) -> tuple[Any, int]:
        try:
            return self._decoder.raw_decode(self._text, at)
        except json.JSONDecodeError as error:
            self._broken(error.msg, error.pos)
        except RecursionError:
            self._broken("brackets are nested too deep", at)
        except ValueError as error:
            # A number of more digits than Python reads.
            self._broken(str(error), at)

    def _expect(self, mark: str, at: int) -> int:
        at = self._skip(at)
        if self._text[at : at + 1] != mark:
            self._broken(f"{mark!r} is missing", at)
        return self._skip(at + 1)

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at

    def _constant(self, word: str) -> NoReturn:
        raise UnreadableFile(
            f"{self._name} holds {word}, which is no JSON number; mend the coordinates"
        )

    def _broken(self, what: str, at: int) -> NoReturn:
        line = self._text.count("\n", 0, at) + 1
        column = at - self._text.rfind("\n", 0, at)
        raise UnreadableFile(
            f"{self._name} is broken JSON at line {line}, column {column} (character {at} of "
            f"{len(self._text)}): {what}. Was it cut off while downloading?"
        )


def _row(feature: dict[str, Any]) -> tuple[dict[str, Any], shapely.Geometry | None, str | None]:
    properties = feature.get("properties")
    values = properties if isinstance(properties, dict) else {}
    geometry = feature.get("geometry")
    if geometry is None:
        return values, None, None
    try:
        return values, shapely.geometry.shape(geometry), None
    except (shapely.errors.ShapelyError, ValueError, TypeError, KeyError, IndexError) as error:
        return values, None, f"its geometry is malformed ({error})"
    except AttributeError:
        return values, None, "its geometry is malformed"


def _crs_name(crs: Any) -> str | None:
    """`{"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32648"}}` → the name."""
    try:
        name = crs["properties"]["name"]
    except (TypeError, KeyError):
        return None
    return name if isinstance(name, str) else None
