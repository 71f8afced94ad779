"""Layers and filters as one PMTiles archive: `plan` it, `export` it; `file` is its form."""
