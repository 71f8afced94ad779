/** What taps and held fingers mean on the map. */
import type { Map as Engine, MapGeoJSONFeature, PointLike } from 'maplibre-gl';
import type { Group } from './style';

/** Something of ours under a finger. */
export interface Hit {
  group: Exclude<Group, 'wards'>;
  properties: Record<string, unknown>;
  at: [lon: number, lat: number];
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
const MARKS: readonly Group[] = ['reports', 'schools', 'clinics', 'hotspots'];

/** Listens until the map is removed; `groups` says which of its layers hold what. */
export function listen(engine: Engine, groups: Map<string, Group>, now: Situation): void {
  let held: ReturnType<typeof setTimeout> | undefined;
  let swallow = false;

  engine.on('click', (event) => {
    if (swallow) {
      swallow = false;
      return;
    }
    const [mark] = now.isPlacing() ? [] : marksAt(engine, groups, event.point);
    if (!mark) {
      now.onPlace(event.lngLat.lng, event.lngLat.lat);
      return;
    }
    const at: [number, number] =
      mark.geometry.type === 'Point'
        ? (mark.geometry.coordinates as [number, number])
        : [event.lngLat.lng, event.lngLat.lat];
    const group = groups.get(mark.layer.id) as Hit['group'];
    now.onHit({ group, properties: mark.properties, at });
  });
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

/** The marks under a fingertip, the nearest first; what covers an area comes after what has a place. */
function marksAt(
  engine: Engine,
  groups: Map<string, Group>,
  point: { x: number; y: number },
): MapGeoJSONFeature[] {
  const layers = [...groups.keys()].filter((id) => {
    const group = groups.get(id);
    return group !== undefined && MARKS.includes(group) && engine.getLayer(id);
  });
  const box: [PointLike, PointLike] = [
    [point.x - FINGER, point.y - FINGER],
    [point.x + FINGER, point.y + FINGER],
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
