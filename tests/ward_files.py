"""Ward files of the small city, in every format and with every flaw, for the tests of wards."""

import gzip
import json
import zipfile

import geopandas
import pytest
import shapely

import builders
from geo.errors import RefusedImport
from geo.wards import load


def a_feature(n=0, geometry=None, **properties):
    shape = builders.square(n) if geometry is None else geometry
    given = {"code": builders.CODES[n], "name": builders.NAMES[n], "type": "phường"}
    return {
        "type": "Feature",
        "properties": given | properties,
        "geometry": shape if isinstance(shape, dict) else shapely.geometry.mapping(shape),
    }


def a_file(folder, *features, name="wards.geojson", **members):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    value = {"type": "FeatureCollection", "features": list(features), **members}
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


def the_city(crs="EPSG:4326"):
    """The small city as a GeoDataFrame."""
    rows = [(builders.CODES[n], builders.NAMES[n], "phường", builders.square(n)) for n in range(6)]
    frame = geopandas.GeoDataFrame(rows, columns=["code", "name", "type", "geometry"])
    return frame.set_geometry("geometry").set_crs("EPSG:4326").to_crs(crs)


def a_shapefile(folder, frame, without=()):
    """A zipped Shapefile, without the parts of some endings."""
    frame.to_file(folder / "city.shp", encoding="UTF-8")
    with zipfile.ZipFile(folder / "city.zip", "w") as made:
        for part in sorted(folder.glob("city.*")):
            if part.suffix not in (".zip", *without):
                made.write(part, part.name)
    return folder / "city.zip"


def refusal(path, error=RefusedImport, **options):
    with pytest.raises(error) as caught:
        load.read(path, **options)
    return caught.value.detail


def write_geojson(folder):
    path = folder / "city.geojson"
    path.write_text(json.dumps(builders.city_geojson(), ensure_ascii=False), encoding="utf-8")
    return path


def write_gz(folder):
    path = folder / "city.geojson.gz"
    path.write_bytes(gzip.compress(write_geojson(folder).read_bytes()))
    return path


def write_zipped(folder):
    with zipfile.ZipFile(folder / "city.zip", "w") as made:
        made.write(write_geojson(folder), "deep/in/city.geojson")
    return folder / "city.zip"


def write_as(ending):
    def write(folder):
        the_city().to_file(folder / f"city{ending}")
        return folder / f"city{ending}"

    return write


def write_parquet(folder):
    the_city().to_parquet(folder / "city.parquet")
    return folder / "city.parquet"
