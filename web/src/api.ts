/** The way to the service: JSON in, JSON out, and three kinds of failure that people can act on. */
import { i18n } from './i18n/index.svelte';
import { isChallenge, prove } from './proof';
import { deviceToken } from './state/device';
import type {
  Alert,
  Category,
  Facility,
  Hotspot,
  NewReport,
  Pin,
  PointFeature,
  Receipt,
  ReportEvent,
  ReportProperties,
  Staff,
  Ward,
  WardAt,
} from './types';

/** Long enough for a photo-less report over a 2G link, short enough not to be taken for a hang. */
const TIMEOUT_MS = 20_000;

/** The service refused: `type` is the last part of the problem's address, `errors` name fields. */
export class Refused extends Error {
  readonly type: string;
  readonly errors: { field: string; message: string }[];

  constructor(
    readonly status: number,
    readonly problem: { type?: string; title?: string; detail?: string; errors?: unknown },
  ) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.type = (problem.type ?? '').replace(/\/+$/, '').split(/[/#:]/).pop() ?? '';
    this.errors = Array.isArray(problem.errors) ? problem.errors : [];
  }
}

/** No answer came, so what happened there is not known. */
export class Unreachable extends Error {
  constructor(readonly reason: 'offline' | 'slow' | 'server') {
    super(reason);
  }
}

/** The caller asked for something newer meanwhile; nobody has to be told. */
export function isStale(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** What to tell a person about a failed request that carries no field errors. */
export function sentence(error: unknown): string {
  if (error instanceof Unreachable) return i18n.t.errors[error.reason];
  return error instanceof Error ? error.message : String(error);
}

async function ask<T>(path: string, init: RequestInit = {}, newer?: AbortSignal): Promise<T> {
  const headers = new Headers(init.headers);
  headers.set('Accept', 'application/json, application/problem+json');
  headers.set('Accept-Language', i18n.lang);
  const patience = AbortSignal.timeout(TIMEOUT_MS);
  const signal = newer ? AbortSignal.any([newer, patience]) : patience;
  let answer: Response;
  let body: string;
  try {
    answer = await fetch(path, { ...init, headers, signal });
    body = await answer.text();
  } catch (error) {
    if (newer?.aborted) throw new DOMException('superseded', 'AbortError');
    if (patience.aborted) throw new Unreachable('slow');
    throw new Unreachable(navigator.onLine ? 'server' : 'offline');
  }
  if (answer.status >= 500) throw new Unreachable('server');
  let value: unknown;
  try {
    value = body === '' ? null : JSON.parse(body);
  } catch {
    throw new Unreachable('server'); // a portal or proxy answered in place of the service
  }
  if (!answer.ok) throw new Refused(answer.status, (value ?? {}) as object);
  return value as T;
}

function query(values: Record<string, string | number | null | undefined>): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined) parts.set(name, String(value));
  }
  return parts.toString();
}

function json(value: unknown): { body: string; headers: Record<string, string> } {
  return { body: JSON.stringify(value), headers: { 'Content-Type': 'application/json' } };
}

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
): Promise<Facility[]> {
  const { lon, lat } = pin;
  const found = await ask<{ features: PointFeature<Facility>[] }>(
    `/api/v1/facilities/nearby?${query({ lon, lat, kind, limit: 3 })}`,
    {},
    newer,
  );
  return found.features.map((feature) => feature.properties);
}

export function sendReport(report: NewReport, key: string): Promise<Receipt> {
  const { body, headers } = json(report);
  return askProving('/api/v1/reports', {
    method: 'POST',
    body,
    headers: { ...headers, 'Idempotency-Key': key },
  });
}

/** A challenge may end, or its answer get lost, before the request that carries it is taken in. */
const PROOFS = 4;

/** As `ask`, for what is counted: names the device, and proves some work where that is asked. */
async function askProving<T>(path: string, init: RequestInit): Promise<T> {
  const headers = new Headers(init.headers);
  headers.set('Pinward-Device', deviceToken());
  for (let left = PROOFS; ; left--) {
    try {
      return await ask<T>(path, { ...init, headers });
    } catch (error) {
      if (!(error instanceof Refused) || error.type !== 'challenge' || left === 0) throw error;
      if (!isChallenge(error.problem)) throw error;
      headers.set('Pinward-Proof', await prove(error.problem));
    }
  }
}

/** Which reports to list; what is not given does not filter. */
export interface ReportQuery {
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

/** A hotspot as of the newest day that had it. */
export async function hotspot(id: string, newer?: AbortSignal): Promise<Hotspot> {
  const path = `/api/v1/hotspots/${encodeURIComponent(id)}`;
  const { features } = await ask<{ features: { properties: Hotspot }[] }>(path, {}, newer);
  const newest = features[0];
  if (!newest) throw new Unreachable('server'); // none of its days is one that found it
  return newest.properties;
}

export function whoAmI(): Promise<Staff> {
  return ask('/api/v1/session');
}

export function signIn(email: string, password: string): Promise<Staff> {
  return ask('/api/v1/session', { method: 'POST', ...json({ email, password }) });
}

export function signOut(): Promise<null> {
  return ask('/api/v1/session', { method: 'DELETE' });
}
