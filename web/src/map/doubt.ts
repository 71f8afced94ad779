/** The circle a measured position may lie in, as a layer of the map. */
import type { Feature, FeatureCollection } from 'geojson';
import type { StyleSpecification } from 'maplibre-gl';

export const DOUBT = 'pinward-doubt';

export type Doubt = { lon: number; lat: number; radius_m: number } | null;

export function doubtData(doubt: Doubt): FeatureCollection {
  return { type: 'FeatureCollection', features: doubt ? [circle(doubt)] : [] };
}

/** The circle of doubt is part of the style, so that it outlives a change of language or theme. */
export function withDoubt(style: StyleSpecification, doubt: Doubt): StyleSpecification {
  style.sources[DOUBT] = { type: 'geojson', data: doubtData(doubt) };
  style.layers.push({
    id: DOUBT,
    type: 'fill',
    source: DOUBT,
    paint: { 'fill-color': '#1b5fd1', 'fill-opacity': 0.16, 'fill-outline-color': '#1b5fd1' },
  });
  return style;
}

/** A ring of 48 points about a place; good to a metre at the sizes a phone's doubt has. */
function circle(doubt: NonNullable<Doubt>): Feature {
  const perDegree = 111_320;
  const ring: [number, number][] = [];
  for (let step = 0; step <= 48; step++) {
    const angle = (step / 48) * 2 * Math.PI;
    const east_m = doubt.radius_m * Math.cos(angle);
    const north_m = doubt.radius_m * Math.sin(angle);
    const shrink = Math.cos((doubt.lat * Math.PI) / 180);
    ring.push([
      doubt.lon + east_m / (perDegree * shrink),
      doubt.lat + north_m / perDegree,
    ]);
  }
  return { type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [ring] } };
}
