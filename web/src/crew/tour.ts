/** In which order to visit tasks, worked out here as the service does it (`geo/reports/tasks/tour.py`):
 * a round trip by the nearest neighbour, then 2-opt and moving single stops, as the crow flies. */
import type { Spot } from './deadline';

export interface Tour {
  /** Positions of the stops given, first to last. */
  order: number[];
  /** From the start to the first, from each to the next, and back. */
  legs_m: number[];
}

/** A gain below a millimetre is rounding. */
const GAIN_M = 1e-3;
/** Of WGS 84. */
const RADIUS_M = 6_378_137;
const ECCENTRICITY_2 = 6.694_379_990_141_4e-3;

/** As the crow flies over the ellipsoid, by its two radii half way between: within a city exact to some
 * millimetres, where a sphere is off by one part in two hundred, and finds another way round at times. */
function metres(a: Spot, b: Spot): number {
  const rad = Math.PI / 180;
  const half = ((a.lat + b.lat) / 2) * rad;
  const bent = 1 - ECCENTRICITY_2 * Math.sin(half) ** 2;
  const across = RADIUS_M / Math.sqrt(bent);
  const along = (across * (1 - ECCENTRICITY_2)) / bent;
  return Math.hypot(
    (b.lon - a.lon) * rad * across * Math.cos(half),
    (b.lat - a.lat) * rad * along,
  );
}

export function tour(start: Spot, stops: readonly Spot[]): Tour {
  const places = [start, ...stops];
  const far = places.map((a) => places.map((b) => metres(a, b)));
  const m = (a: number, b: number): number => far[a]![b]!;
  if (stops.length === 0) return { order: [], legs_m: [] };
  let path = byNearest(places.length, m);
  for (let better: number[] | null = path; better; better = turned(path, m) ?? moved(path, m)) {
    path = better;
  }
  return {
    order: path.slice(1).map((stop) => stop - 1),
    legs_m: path.map((stop, n) => m(stop, path[(n + 1) % path.length]!)),
  };
}

type Metres = (a: number, b: number) => number;

function byNearest(n: number, m: Metres): number[] {
  const path = [0];
  const left = new Set(Array.from({ length: n - 1 }, (_, k) => k + 1));
  while (left.size > 0) {
    const last = path.at(-1)!;
    let best = -1;
    // In their order, so that ties go to the stop that was given first.
    for (const stop of left) if (best < 0 || m(last, stop) < m(last, best)) best = stop;
    path.push(best);
    left.delete(best);
  }
  return path;
}

/** With one stretch turned around, if that is shorter. */
function turned(path: readonly number[], m: Metres): number[] | null {
  const n = path.length;
  for (let i = 0; i < n - 2; i++) {
    const [a, b] = [path[i]!, path[i + 1]!];
    for (let j = i + 2; j < n; j++) {
      const [c, d] = [path[j]!, path[(j + 1) % n]!];
      if (d === a) continue;
      if (m(a, c) + m(b, d) < m(a, b) + m(c, d) - GAIN_M) {
        return [...path.slice(0, i + 1), ...path.slice(i + 1, j + 1).reverse(), ...path.slice(j + 1)];
      }
    }
  }
  return null;
}

/** With one stop between two others, if that is shorter. */
function moved(path: readonly number[], m: Metres): number[] | null {
  const n = path.length;
  for (let i = 1; i < n; i++) {
    const [before, stop, after] = [path[i - 1]!, path[i]!, path[(i + 1) % n]!];
    const gain = m(before, stop) + m(stop, after) - m(before, after);
    const rest = [...path.slice(0, i), ...path.slice(i + 1)];
    for (let j = 0; j < rest.length; j++) {
      const [a, b] = [rest[j]!, rest[(j + 1) % rest.length]!];
      if (m(a, stop) + m(stop, b) - m(a, b) < gain - GAIN_M) {
        return [...rest.slice(0, j + 1), stop, ...rest.slice(j + 1)];
      }
    }
  }
  return null;
}
