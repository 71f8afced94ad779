/** What citizens ask of the service. What staff ask is beside it, a file for each of their pages. */
import type {
  Alert,
  Alike,
  AreaFeature,
  Category,
  Facility,
  Hotspot,
  NewReport,
  Pin,
  PlacedFacility,
  PointFeature,
  Receipt,
  ReportEvent,
  ReportProperties,
  Staff,
  Ward,
  WardAt,
} from '../types';
import { ask, json, query, Unreachable } from './ask';
import { askProving } from './proving';

export { isStale, Refused, sentence, Unreachable } from './ask';

export async function categories(): Promise<Category[]> {
  return (await ask<{ categories: Category[] }>('/api/v1/categories')).categories;
}

export async function wards(): Promise<Ward[]> {
  const all: Ward[] = [];
  let path: string | null = '/api/v1/wards?limit=1000';
  while (path) {
    const page: { wards: Ward[]; next?: string | null } = await ask(path);
    all.push(...page.wards);
    path = page.next ?? null;
  }
  return all;
}

export function wardAt(pin: Pin, newer: AbortSignal): Promise<WardAt> {
  const { lon, lat, accuracy_m } = pin;
  return ask(`/api/v1/wards/at?${query({ lon, lat, accuracy_m })}`, {}, newer);
}

export async function facilitiesNear(
  pin: Pin,
  kind: 'school' | 'clinic',
  newer: AbortSignal,
): Promise<PlacedFacility[]> {
  const { lon, lat } = pin;
  const found = await ask<{ features: PointFeature<Facility>[] }>(
    `/api/v1/facilities/nearby?${query({ lon, lat, kind, limit: 3 })}`,
    {},
    newer,
  );
  return found.features.map(({ properties, geometry }) => {
    const [at_lon, at_lat] = geometry?.coordinates ?? [lon, lat];
    return { ...properties, lon: at_lon, lat: at_lat };
  });
}

export function sendReport(report: NewReport, key: string): Promise<Receipt> {
  const { body, headers } = json(report);
  return askProving<Receipt>('/api/v1/reports', {
    method: 'POST',
    body,
    headers: { ...headers, 'Idempotency-Key': key },
  }).then(({ value }) => value);
}

/** Letters that tell what it is about; more would only make an address that no proxy takes. */
const ENOUGH = 300;

/** Open reports that may be the same as one being written, the likeliest first. */
export async function similar(
  wanted: { lon: number; lat: number; category: string; text: string },
  newer: AbortSignal,
): Promise<PointFeature<Alike>[]> {
  const path = `/api/v1/reports/similar?${query({ ...wanted, text: wanted.text.slice(0, ENOUGH), limit: 5 })}`;
  return (await ask<{ features: PointFeature<Alike>[] }>(path, {}, newer)).features;
}

/** Says "me too" of a report; returns how many did. */
export async function support(code: string): Promise<number> {
  const path = `/api/v1/reports/${encodeURIComponent(code)}/support`;
  return (await askProving<{ supports: number }>(path, { method: 'POST' })).value.supports;
}

/** Facilities whose name holds the words, marks aside. */
export async function facilitiesNamed(
  q: string,
  newer: AbortSignal,
): Promise<PointFeature<Facility>[]> {
  const path = `/api/v1/facilities?${query({ q, limit: 20 })}`;
  return (await ask<{ features: PointFeature<Facility>[] }>(path, {}, newer)).features;
}

/** Which reports to list; what is not given does not filter. */
export interface ReportQuery {
  /** The code of today's ward. */
  ward?: string;
  cell?: number;
  bbox?: string;
  category?: string;
  status?: string;
  since?: string;
}

export interface ReportPage {
  features: PointFeature<ReportProperties>[];
  /** Where the next page is; null: this was the last. */
  next: string | null;
}

/** The first page of a list, newest first. */
export function reportsIn(
  wanted: ReportQuery,
  limit: number,
  newer?: AbortSignal,
): Promise<ReportPage> {
  return ask(`/api/v1/reports?${query({ ...wanted, limit })}`, {}, newer);
}

export function pageAt(next: string, newer?: AbortSignal): Promise<ReportPage> {
  // The address is absolute, and may name a proxy that this browser does not reach.
  const { pathname, search } = new URL(next, location.origin);
  return ask(pathname + search, {}, newer);
}

function asReporter(secret: string | null): RequestInit {
  return secret ? { headers: { Authorization: `Report ${secret}` } } : {};
}

export function report(
  code: string,
  secret: string | null = null,
  newer?: AbortSignal,
): Promise<PointFeature<ReportProperties>> {
  return ask(`/api/v1/reports/${encodeURIComponent(code)}`, asReporter(secret), newer);
}

export async function reportEvents(
  code: string,
  secret: string | null = null,
): Promise<ReportEvent[]> {
  const path = `/api/v1/reports/${encodeURIComponent(code)}/events`;
  return (await ask<{ events: ReportEvent[] }>(path, asReporter(secret))).events;
}

export async function alert(id: number, newer?: AbortSignal): Promise<Alert> {
  return (await ask<{ properties: Alert }>(`/api/v1/alerts/${id}`, {}, newer)).properties;
}

/** Alerts in force, newest first. */
export async function alertsNow(newer: AbortSignal): Promise<Alert[]> {
  const found = await ask<{ features: { properties: Alert }[] }>('/api/v1/alerts?limit=20', {}, newer);
  return found.features.map(({ properties }) => properties);
}

/** A hotspot as of the newest day that had it. */
export async function hotspot(id: string, newer?: AbortSignal): Promise<Hotspot> {
  const path = `/api/v1/hotspots/${encodeURIComponent(id)}`;
  const { features } = await ask<{ features: { properties: Hotspot }[] }>(path, {}, newer);
  const newest = features[0];
  if (!newest) throw new Unreachable('server'); // none of its days is one that found it
  return newest.properties;
}

/** Hotspots of the newest answers whose middle or edge lies in the box; null: of the whole city. */
export async function hotspotsIn(
  bbox: string | null,
  limit: number,
  newer: AbortSignal,
): Promise<AreaFeature<Hotspot>[]> {
  const path = `/api/v1/hotspots?${query({ bbox, limit })}`;
  return (await ask<{ features: AreaFeature<Hotspot>[] }>(path, {}, newer)).features;
}

export function whoAmI(): Promise<Staff> {
  return ask('/api/v1/session');
}

export function signIn(email: string, password: string): Promise<Staff> {
  return ask('/api/v1/session', { method: 'POST', ...json({ email, password }) });
}

/** The second step of a sign-in: `ticket` came with the refusal `code-needed`. */
export function giveCode(ticket: string, code: string): Promise<Staff> {
  return ask('/api/v1/session/code', { method: 'POST', ...json({ ticket, code }) });
}

export function signOut(): Promise<null> {
  return ask('/api/v1/session', { method: 'DELETE' });
}
