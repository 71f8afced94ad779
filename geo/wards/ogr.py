"""Whatever GDAL reads, by pyogrio."""

import warnings

import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from geo.errors import Invalid, RefusedImport, UnreadableFile
from geo.wards import place
from geo.wards.layer import MOST_WARDS, Layer, shapes_of
from geo.wards.sniff import Part


def read(part: Part, layer: str | None = None) -> Layer:
    """The only layer with polygons, or the one named; raises what `geo.wards.load.read` does."""
    try:
        chosen = _layer(part, layer)
        with warnings.catch_warnings():
            # GDAL's remarks on single shapes; what matters of them is told by `_polygons`.
            warnings.simplefilter("ignore", RuntimeWarning)
            meta, _, wkb, data = pyogrio.raw.read(
                part.path, layer=chosen, force_2d=True, max_features=MOST_WARDS + 1
            )
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"{part.name}: its text is not UTF-8 ({error.reason}); convert it first, e.g. "
            "`iconv -f WINDOWS-1258 -t UTF-8`"
        ) from error
    except (DataSourceError, DataLayerError) as error:
        # GDAL says the line and character itself, and the scratch path, which nobody knows.
        said = str(error).replace(str(part.path), part.name).split("; It might help")[0]
        raise UnreadableFile(
            f"{part.name} cannot be read: {said}. It may be cut off or of another format than "
            "its name says; export it again"
        ) from error
    if wkb is None:
        raise RefusedImport(f"{part.name} is a table without shapes; wards need polygons")
    if len(wkb) > MOST_WARDS:
        raise RefusedImport(f"{part.name} holds more than {MOST_WARDS:,} features: not wards")
    columns = dict(zip(map(str, meta["fields"]), data, strict=True))
    said_crs = place.parse_crs(meta["crs"]) if meta["crs"] else None
    return Layer(columns, shapes_of(wkb, part.name), said_crs)


def _layer(part: Part, wanted: str | None) -> str:
    layers = {str(name): kind for name, kind in pyogrio.list_layers(part.path)}
    if wanted is not None:
        if wanted not in layers:
            raise Invalid(f"{part.name} has no layer {wanted!r}; it has {', '.join(layers)}")
        return wanted
    if len(layers) == 1:
        return next(iter(layers))
    # None is a table; "Unknown" may hold polygons
    fit = [n for n, kind in layers.items() if kind and ("Polygon" in kind or kind == "Unknown")]
    if not fit:
        raise RefusedImport(f"{part.name} has no layer with polygons; it has {', '.join(layers)}")
    if len(fit) > 1:
        raise Invalid(f"{part.name} has several layers; choose with --layer: {', '.join(fit)}")
    return fit[0]
