/** The middle of an area. */
import type { Polygon } from 'geojson';

/** The centre of the area. */
export function middle({ coordinates }: Polygon): [lon: number, lat: number] {
  const ring = coordinates[0] ?? [];
  const [x0, y0] = ring[0] as [number, number];
  let [area, x, y] = [0, 0, 0];
  for (let n = 0; n + 1 < ring.length; n++) {
    // From the first corner on: degrees squared would leave no digits for metres.
    const [ax, ay] = [ring[n]![0]! - x0, ring[n]![1]! - y0];
    const [bx, by] = [ring[n + 1]![0]! - x0, ring[n + 1]![1]! - y0];
    const part = ax * by - bx * ay;
    area += part;
    x += part * (ax + bx);
    y += part * (ay + by);
  }
  if (area === 0) return [x0, y0];
  return [x0 + x / (3 * area), y0 + y / (3 * area)];
}
