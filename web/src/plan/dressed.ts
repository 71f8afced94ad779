/** The service's style made into a planner's: reports as filtered, wards by colour, one hotspot lined
 * out. */
import type { Feature } from 'geojson';
import type { StyleSpecification } from 'maplibre-gl';
import { groupOf } from '../map/style';

export const WARDS = 'plan-wards';
export const HATCHED = 'plan-few';
export const EDGES = 'plan-edges';
export const CHOSEN = 'plan-chosen';
export const HATCH = 'plan-hatch';

/** What is to be drawn. */
export interface Wish {
  /** Queries of the layers' TileJSON, which carries them on to its tiles. */
  reports: string;
  hotspots: string;
  /** Ids of the only hotspots that are drawn; null: all. */
  only: string[] | null;
  /** Classes of wards by code, and a colour for each class; null: the reports themselves. */
  wards: { classes: Record<string, number>; colours: string[] } | null;
  /** Whether schools and clinics are shown: around a hotspot. */
  places: boolean;
  /** The hotspot that is told about. */
  chosen: Feature | null;
}

export function withQuery(address: string, query: string): string {
  const bare = address.split('?')[0]!;
  return query ? `${bare}?${query}` : bare;
}

/** A ward's colour; what has none of its own is hatched instead. */
export function wardColour(wards: NonNullable<Wish['wards']>): unknown {
  const byCode = Object.fromEntries(
    Object.entries(wards.classes).map(([code, level]) => [code, wards.colours[level]]),
  );
  return ['to-color', ['coalesce', ['get', ['get', 'code'], ['literal', byCode]], 'transparent']];
}

export function isFew(wards: NonNullable<Wish['wards']>): unknown {
  return ['!', ['in', ['get', 'code'], ['literal', Object.keys(wards.classes)]]];
}

/** Whether a layer is in sight; null: always as it is. Reports give way to coloured wards. */
export function isShown(layer: { type: string; metadata?: unknown }, wish: Wish): boolean | null {
  const group = groupOf(layer);
  if (group === 'reports') return wish.wards === null;
  return group === 'schools' || group === 'clinics' ? wish.places : null;
}

/** Which features a layer of hotspots draws; undefined: all of them. The service's style filters none
 * of these layers, so nothing is lost by it. */
export function isListed(only: string[] | null): unknown {
  return only ? ['in', ['get', 'id'], ['literal', only]] : undefined;
}

export function isOfHotspots(layer: { type: string; metadata?: unknown }): boolean {
  return groupOf(layer) === 'hotspots';
}

export function collected(chosen: Feature | null): GeoJSON.FeatureCollection {
  return { type: 'FeatureCollection', features: chosen ? [chosen] : [] };
}

/** Adds to the style, in place, and returns it. */
export function dressed(style: StyleSpecification, wish: Wish, edge: string): StyleSpecification {
  for (const name of ['reports', 'hotspots'] as const) {
    const source = style.sources[name];
    if (source?.type === 'vector' && source.url) source.url = withQuery(source.url, wish[name]);
  }
  style.sources[CHOSEN] = { type: 'geojson', data: collected(wish.chosen) };
  const visibility = wish.wards ? 'visible' : 'none';
  const wards = wish.wards ?? { classes: {}, colours: [] };
  const of = { source: 'wards', 'source-layer': 'wards', layout: { visibility } } as const;
  const coloured = [
    {
      id: WARDS,
      type: 'fill',
      ...of,
      paint: { 'fill-color': wardColour(wards), 'fill-opacity': 0.86 },
    },
    {
      id: HATCHED,
      type: 'fill',
      ...of,
      filter: isFew(wards),
      paint: { 'fill-pattern': HATCH },
    },
    { id: EDGES, type: 'line', ...of, paint: { 'line-color': edge, 'line-width': 0.8 } },
  ] as StyleSpecification['layers'];
  // Above the ground and below everything that stands on it.
  const first = style.layers.findIndex((layer) => ['hotspots', 'reports'].includes(sourceOf(layer)));
  style.layers.splice(first < 0 ? style.layers.length : first, 0, ...coloured);
  for (const layer of style.layers) {
    if (wish.only && isOfHotspots(layer)) Object.assign(layer, { filter: isListed(wish.only) });
    const yes = isShown(layer, wish);
    if (yes === null || layer.type === 'background') continue;
    layer.layout = { ...layer.layout, visibility: yes ? 'visible' : 'none' } as never;
  }
  style.layers.push({
    id: CHOSEN,
    type: 'line',
    source: CHOSEN,
    layout: { 'line-join': 'round' },
    paint: { 'line-color': '#d8432b', 'line-width': 3.5 },
  });
  return style;
}

function sourceOf(layer: StyleSpecification['layers'][number]): string {
  return 'source' in layer && typeof layer.source === 'string' ? layer.source : '';
}
