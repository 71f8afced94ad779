/** What the page itself draws on the map: the circle a measured position may lie in, a ring about the
 * mark that was tapped, the square that a cell counts. All are part of the style, so that they outlive a change of language or
 * theme. */
import type { Feature, FeatureCollection } from 'geojson';
import type { StyleSpecification } from 'maplibre-gl';
import type { Bounds } from './cells';

export const OVERLAY = 'pinward-overlay';

export interface Overlay {
  doubt: { lon: number; lat: number; radius_m: number } | null;
  chosen: [lon: number, lat: number] | null;
  area: Bounds | null;
}

export const EMPTY: Overlay = { doubt: null, chosen: null, area: null };

export function overlayData({ doubt, chosen, area }: Overlay): FeatureCollection {
  const features: Feature[] = [];
  if (doubt) features.push(circle(doubt));
  if (chosen) {
    const geometry = { type: 'Point' as const, coordinates: chosen };
    features.push({ type: 'Feature', properties: {}, geometry });
  }
  if (area) {
    const [west, south, east, north] = area;
    const ring = [
      [west, south],
      [east, south],
      [east, north],
      [west, north],
      [west, south],
    ];
    features.push({
      type: 'Feature',
      properties: {},
      geometry: { type: 'LineString', coordinates: ring },
    });
  }
  return { type: 'FeatureCollection', features };
}

export function withOverlay(style: StyleSpecification, overlay: Overlay): StyleSpecification {
  style.sources[OVERLAY] = { type: 'geojson', data: overlayData(overlay) };
  style.layers.push(
    {
      id: 'pinward-doubt',
      type: 'fill',
      source: OVERLAY,
      filter: ['==', ['geometry-type'], 'Polygon'],
      paint: { 'fill-color': '#1b5fd1', 'fill-opacity': 0.16, 'fill-outline-color': '#1b5fd1' },
    },
    {
      id: 'pinward-chosen',
      type: 'circle',
      source: OVERLAY,
      filter: ['==', ['geometry-type'], 'Point'],
      paint: {
        'circle-radius': 13,
        'circle-opacity': 0,
        'circle-stroke-color': '#d8432b',
        'circle-stroke-width': 3,
      },
    },
    {
      id: 'pinward-area',
      type: 'line',
      source: OVERLAY,
      filter: ['==', ['geometry-type'], 'LineString'],
      layout: { 'line-join': 'round' },
      paint: { 'line-color': '#d8432b', 'line-width': 2.5, 'line-dasharray': [2, 1.5] },
    },
  );
  return style;
}

/** A ring of 48 points about a place; good to a metre at the sizes a phone's doubt has. */
function circle(doubt: NonNullable<Overlay['doubt']>): Feature {
  const perDegree = 111_320;
  const shrink = Math.cos((doubt.lat * Math.PI) / 180);
  const ring: [number, number][] = [];
  for (let step = 0; step <= 48; step++) {
    const angle = (step / 48) * 2 * Math.PI;
    const east_m = doubt.radius_m * Math.cos(angle);
    const north_m = doubt.radius_m * Math.sin(angle);
    ring.push([doubt.lon + east_m / (perDegree * shrink), doubt.lat + north_m / perDegree]);
  }
  return { type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [ring] } };
}
