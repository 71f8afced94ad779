/** What a list, an alert or a search found, as if its mark on the map had been tapped. */
import { middle } from '../map/middle';
import type { Hit } from '../map/gestures';
import type {
  Alert,
  AreaFeature,
  Facility,
  Hotspot,
  PointFeature,
  ReportProperties,
} from '../types';

const SCHOOLS = ['school', 'kindergarten', 'university', 'college'];

/** Null: the report has no place that the public may see. */
export function hitOfReport({ geometry, properties }: PointFeature<ReportProperties>): Hit | null {
  if (!geometry) return null;
  const { code, status, category } = properties;
  return {
    group: 'reports',
    properties: { code, status, category: category.code },
    at: geometry.coordinates,
    cell: null,
  };
}

export function hitOfFacility({ geometry, properties }: PointFeature<Facility>): Hit | null {
  if (!geometry) return null;
  const group = SCHOOLS.includes(properties.kind) ? 'schools' : 'clinics';
  return { group, properties: { ...properties }, at: geometry.coordinates, cell: null };
}

export function hitOfHotspot({ geometry, properties: { id } }: AreaFeature<Hotspot>): Hit {
  return { group: 'hotspots', properties: { id }, at: middle(geometry), cell: null };
}

/** Alerts may have no one place: `at` is where the map is. */
export function hitOfAlert({ id, headline, severity }: Alert, at: [number, number]): Hit {
  const properties = { id, headline: headline.vi, headline_en: headline.en, severity };
  return { group: 'alerts', properties, at, cell: null };
}
