/** The way to the service: JSON in, JSON out, and three kinds of failure that people can act on. */
import { i18n } from '../i18n/index.svelte';

/** Long enough for a photo-less report over a 2G link, short enough not to be taken for a hang. */
const TIMEOUT_MS = 20_000;

/** The service refused: `type` is the last part of the problem's address, `errors` name fields. */
export class Refused extends Error {
  readonly type: string;
  readonly errors: { field: string; message: string }[];

  constructor(
    readonly status: number,
    readonly problem: { type?: string; title?: string; detail?: string; detail_vi?: string; errors?: unknown },
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
  if (error instanceof Refused && i18n.lang === 'vi') {
    // The service speaks English but where it knows that a citizen reads it.
    return error.problem.detail_vi ?? `${i18n.t.errors.refused} (${error.message})`;
  }
  return error instanceof Error ? error.message : String(error);
}

export async function ask<T>(path: string, init: RequestInit = {}, newer?: AbortSignal): Promise<T> {
  return (await askWhole<T>(path, init, newer)).value;
}

/** An answer with its headers: its `ETag`, for one, goes into `If-Match` of what changes it. */
export interface Whole<T> {
  value: T;
  status: number;
  headers: Headers;
}

/** As `ask`, where more than the body counts. */
export async function askWhole<T>(
  path: string,
  init: RequestInit = {},
  newer?: AbortSignal,
  within_ms = TIMEOUT_MS,
): Promise<Whole<T>> {
  const headers = new Headers(init.headers);
  headers.set('Accept', 'application/json, application/problem+json');
  headers.set('Accept-Language', i18n.lang);
  const patience = AbortSignal.timeout(within_ms);
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
  return { value: value as T, status: answer.status, headers: answer.headers };
}

export function query(values: Record<string, string | number | boolean | null | undefined>): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined) parts.set(name, String(value));
  }
  return parts.toString();
}

export function json(value: unknown): { body: string; headers: Record<string, string> } {
  return { body: JSON.stringify(value), headers: { 'Content-Type': 'application/json' } };
}
