/** What the planner's page asks of the service. */
import type { Polygon } from 'geojson';
import type { Text } from '../i18n/index.svelte';
import type { Facility, Hotspot, PointFeature } from '../types';
import { ask, json, query, Unreachable } from './ask';

/** The numbers of a group of reports; null: nothing to measure, or too little. */
export interface Measures {
  received: number;
  open: number;
  closed: number;
  answered: number;
  reply_due: number;
  reply_on_time: number | null;
  due: number;
  on_time: number | null;
  ratings: number;
  satisfaction: number | null;
}

export interface StatisticsRow extends Measures {
  share: number;
  /** Since when it is a ward as it is now. */
  ward?: { code: string; name: string; kind?: string; valid_from?: string } | null;
  category?: { code: string; name: Text; icon: string } | null;
  month?: string;
}

export interface Statistics {
  definitions: Record<string, Text>;
  total: Measures;
  rows: StatisticsRow[];
}

/** By today's wards wherever wards matter, as these are what the map draws. */
function asked(by: string, filters: Record<string, string>): string {
  return `/api/v1/statistics?${query({ by, wards: 'today', ...filters })}`;
}

export function statistics(
  by: 'ward' | 'category' | 'month',
  filters: Record<string, string>,
  newer?: AbortSignal,
): Promise<Statistics> {
  return ask(asked(by, filters), {}, newer);
}

/** The service's own table of all its numbers. */
export async function statisticsTable(by: string, filters: Record<string, string>): Promise<string> {
  const answer = await fetch(asked(by, filters), { headers: { Accept: 'text/csv' } }).catch(() => {
    throw new Unreachable(navigator.onLine ? 'server' : 'offline');
  });
  if (!answer.ok) throw new Unreachable('server');
  return answer.text();
}

export interface FullHotspot extends Hotspot {
  category: string;
  family: string;
  events: number;
  expected: number;
  risk_low: number;
  risk_high: number;
  p_value: number;
  scale_m: number;
  since: string;
  until: string;
  ward: string | null;
  area_m2: number;
}

export interface HotspotFeature {
  id: string;
  geometry: Polygon;
  properties: FullHotspot;
}

export interface Hotspots {
  features: HotspotFeature[];
  answers: { category: string; as_of: string; n_reports: number; n_left_out: number }[];
  note: Text;
}

interface HotspotPage extends Hotspots {
  next: string | null;
}

/** All hotspots of the newest answers, or of those of a day. */
export async function hotspots(
  filters: { category?: string; on?: string },
  newer?: AbortSignal,
): Promise<Hotspots> {
  let page: HotspotPage = await ask(
    `/api/v1/hotspots?${query({ ...filters, limit: 1000 })}`,
    {},
    newer,
  );
  const features = [...page.features];
  while (page.next) {
    const { pathname, search } = new URL(page.next, location.origin);
    page = await ask(pathname + search, {}, newer);
    features.push(...page.features);
  }
  return { ...page, features };
}

export async function within(
  [lon, lat]: [number, number],
  radius_m: number,
  kind: string,
  newer?: AbortSignal,
): Promise<Facility[]> {
  const path = `/api/v1/facilities/nearby?${query({ lon, lat, radius_m, kind, limit: 100 })}`;
  const found = await ask<{ features: PointFeature<Facility>[] }>(path, {}, newer);
  return found.features.map((feature) => feature.properties);
}

/** Hotspots being looked for: `done` of `total` steps. */
export interface Run {
  id: number;
  category: string | null;
  as_of: string;
  state: 'waiting' | 'running' | 'done' | 'failed';
  done: number;
  total: number;
  n_hotspots: number;
  error: string | null;
  queued_at: string;
}

export async function runs(newer?: AbortSignal): Promise<Run[]> {
  return (await ask<{ runs: Run[] }>('/api/v1/hotspots/runs?limit=5', {}, newer)).runs;
}

export function askForRun(category: string | null): Promise<Run> {
  const wanted = category ? { category } : {};
  return ask('/api/v1/hotspots/runs', { method: 'POST', ...json(wanted) });
}
