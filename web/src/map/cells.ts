/** Cells and tiles of the Web Mercator square. */

export interface Tile {
  z: number;
  x: number;
  y: number;
}

/** West, south, east, north in degrees. */
export type Bounds = [west: number, south: number, east: number, north: number];

/** The tile of a zoom that holds a place. */
export function tileAt(lon: number, lat: number, z: number): Tile {
  const side = 2 ** z;
  const s = Math.sin((Math.max(-85.0511287798066, Math.min(85.0511287798066, lat)) * Math.PI) / 180);
  const within = (share: number): number =>
    Math.max(0, Math.min(side - 1, Math.floor(share * side)));
  return {
    z,
    x: within((lon + 180) / 360),
    y: within(0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)),
  };
}

/** Where a cell lies, from its id: `1 << 2 * level | z-order number`, up to 53 bits. */
export function cellBounds(id: number): Bounds {
  // Bit operators see 32 bits only.
  let rest = id;
  let level = 0;
  let x = 0;
  let y = 0;
  while (rest > 1) {
    const pair = rest % 4;
    x += (pair & 1) * 2 ** level;
    y += (pair >> 1) * 2 ** level;
    rest = Math.floor(rest / 4);
    level += 1;
  }
  const side = 2 ** level;
  const lat = (row: number): number =>
    (Math.atan(Math.sinh(Math.PI * (1 - (2 * row) / side))) * 180) / Math.PI;
  return [(x / side) * 360 - 180, lat(y + 1), ((x + 1) / side) * 360 - 180, lat(y)];
}

/** The id of the cell of a level (up to 26) that holds a place. */
export function cellAt(lon: number, lat: number, level: number): number {
  let { x, y } = tileAt(lon, lat, level);
  let id = 4 ** level;
  for (let weight = 1; x > 0 || y > 0; weight *= 4) {
    id += weight * ((x % 2) + 2 * (y % 2));
    x = Math.floor(x / 2);
    y = Math.floor(y / 2);
  }
  return id;
}

export function holds([west, south, east, north]: Bounds, lon: number, lat: number): boolean {
  return lon >= west && lon <= east && lat >= south && lat <= north;
}
