/** What taps and held fingers mean on the map. */
import type { Map as Engine, MapGeoJSONFeature, PointLike } from 'maplibre-gl';
import { cellAt } from './cells';
import type { Group } from './style';

/** Something of ours under a finger. */
export interface Hit {
  group: Exclude<Group, 'wards'>;
  properties: Record<string, unknown>;
  at: [lon: number, lat: number];
  /** The cell that holds it, where it stands for more than one report. */
  cell: number | null;
}

export interface Tapped {
  /** An empty place was tapped, or any place was held. */
  onPlace(lon: number, lat: number): void;
  /** A mark was tapped. */
  onHit(hit: Hit): void;
}

interface Situation extends Tapped {
  /** While true every tap is about the place, whatever lies under it. */
  isPlacing(): boolean;
  isPin(element: Node): boolean;
}

/** Half the side, in pixels, of the square around a fingertip in which marks are found. */
const FINGER = 8;
const HOLD_MS = 550;
/** Enter takes what lies this near the middle of the map. */
const AIM = 40;
/** Units of a tile's side. */
const EXTENT = 4096;
const MARKS: readonly Group[] = ['alerts', 'reports', 'schools', 'clinics', 'hotspots'];

/** Listens until the map is removed; `groups` says which of its layers hold what. */
export function listen(engine: Engine, groups: Map<string, Group>, now: Situation): void {
  let held: ReturnType<typeof setTimeout> | undefined;
  let swallow = false;

  engine.on('click', (event) => {
    if (swallow) {
      swallow = false;
      return;
    }
    take(event.point, event.lngLat, FINGER);
  });
  // The map under the keyboard: arrows move it, Enter takes what is in its middle.
  engine.getCanvas().addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const middle = engine.getCenter();
    take(engine.project(middle), middle, AIM);
  });

  function take(
    point: { x: number; y: number },
    { lng, lat }: { lng: number; lat: number },
    reach: number,
  ): void {
    const marks = now.isPlacing() ? [] : marksAt(engine, groups, point, reach);
    const [mark] = marks;
    if (!mark) {
      now.onPlace(lng, lat);
      return;
    }
    const at: [number, number] =
      mark.geometry.type === 'Point'
        ? (mark.geometry.coordinates as [number, number])
        : [lng, lat];
    const group = groups.get(mark.layer.id) as Hit['group'];
    const cell = group === 'reports' ? cellOf(engine, mark, marks, at) : null;
    now.onHit({ group, properties: mark.properties, at, cell });
  }

  // Holding a finger (or the right button) pins a place even where marks cover it.
  engine.on('contextmenu', (event) => now.onPlace(event.lngLat.lng, event.lngLat.lat));
  engine.on('touchstart', (event) => {
    clearTimeout(held);
    swallow = false;
    const { touches, target } = event.originalEvent;
    if (touches.length !== 1 || now.isPin(target as Node)) return;
    held = setTimeout(() => {
      swallow = true;
      now.onPlace(event.lngLat.lng, event.lngLat.lat);
    }, HOLD_MS);
  });
  for (const moved of ['touchend', 'touchcancel', 'dragstart', 'zoomstart', 'remove'] as const) {
    engine.on(moved, () => clearTimeout(held));
  }
  engine.on('mousemove', (event) => {
    const onMark = !now.isPlacing() && marksAt(engine, groups, event.point).length > 0;
    engine.getCanvas().style.cursor = onMark ? 'pointer' : 'crosshair';
  });
}

/** The cell that a mark counts; of single reports at one and the same place, as those of a blurred
 * category or of one address are, a small one about them all. */
function cellOf(
  engine: Engine,
  mark: MapGeoJSONFeature,
  marks: MapGeoJSONFeature[],
  at: [number, number],
): number | null {
  const { point_count, cell, code } = mark.properties as Record<string, unknown>;
  if (Number(point_count) > 1) return Number(cell) || null;
  const beneath = marks.filter(
    ({ geometry, properties }) =>
      geometry.type === 'Point' &&
      properties['code'] &&
      properties['code'] !== code &&
      Math.abs(geometry.coordinates[0]! - at[0]) < 1e-9 &&
      Math.abs(geometry.coordinates[1]! - at[1]) < 1e-9,
  );
  if (beneath.length === 0) return null;
  // Four units of the tile wide; half a unit in, because the place is the unit's corner.
  const z = Math.min(18, Math.floor(engine.getZoom()));
  const half = 180 / (2 ** z * EXTENT);
  const lat = at[1] - half * Math.cos((at[1] * Math.PI) / 180);
  return cellAt(at[0] + half, lat, Math.min(26, z + 10));
}

/** The marks under a fingertip, the nearest first; what covers an area comes after what has a place. */
function marksAt(
  engine: Engine,
  groups: Map<string, Group>,
  point: { x: number; y: number },
  reach: number = FINGER,
): MapGeoJSONFeature[] {
  const layers = [...groups.keys()].filter((id) => {
    const group = groups.get(id);
    const layer = engine.getLayer(id);
    // Of an alert only its sign: the place under its veil is where somebody may have to report from.
    if (group === 'alerts' && layer?.type !== 'symbol') return false;
    return group !== undefined && MARKS.includes(group) && layer;
  });
  const box: [PointLike, PointLike] = [
    [point.x - reach, point.y - reach],
    [point.x + reach, point.y + reach],
  ];
  const far = (mark: MapGeoJSONFeature): number => {
    if (mark.geometry.type !== 'Point' || groups.get(mark.layer.id) === 'hotspots') return Infinity;
    const at = engine.project(mark.geometry.coordinates as [number, number]);
    return Math.hypot(at.x - point.x, at.y - point.y);
  };
  return engine
    .queryRenderedFeatures(box, { layers })
    .map((mark) => ({ mark, far: far(mark) }))
    .sort((one, two) => (one.far === two.far ? 0 : one.far - two.far))
    .map(({ mark }) => mark);
}
