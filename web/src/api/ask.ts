/** The way to the service: JSON in, JSON out, and three kinds of failure that people can act on. */
import { i18n } from '../i18n/index.svelte';
import { KINDS } from '../i18n/refusals';

/** Long enough for a photo-less report over a 2G link, short enough not to be taken for a hang. */
const TIMEOUT_MS = 20_000;

/** A refusal as the service words it (RFC 9457). */
export interface Problem {
  type?: string;
  title?: string;
  detail?: string;
  detail_vi?: string;
  errors?: unknown;
}

/** The service refused: `type` is the last part of the problem's address, `errors` name fields. */
export class Refused extends Error {
  readonly type: string;
  readonly errors: { field: string; message: string }[];

  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.type = kindOf(problem);
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
  if (error instanceof Refused) return refusal(error.problem);
  return error instanceof Error ? error.message : String(error);
}

/** What the service says of a refusal, in the page's language. It always speaks English; Vietnamese
 * where the sentence depends on the case, and else what its kind means. */
export function refusal(problem: Problem): string {
  const said = problem.detail ?? problem.title ?? '';
  if (i18n.lang !== 'vi') return said || i18n.t.errors.refused;
  if (problem.detail_vi) return problem.detail_vi;
  const kind = kindOf(problem);
  const meant = KINDS[kind];
  // Which field it is, is in the English sentence only.
  if (meant && kind !== 'invalid') return meant;
  return [meant ?? i18n.t.errors.refused, said && `(${said})`].filter(Boolean).join(' ');
}

function kindOf({ type }: Problem): string {
  return (type ?? '').replace(/\/+$/, '').split(/[/#:]/).pop() ?? '';
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
