/** What a report's sender does with it, by its secret. Each answers with the report as it is then. */
import { rounded } from '../map/degrees';
import type { PointFeature, ReportProperties } from '../types';
import { ask, json } from './ask';
import { askProving } from './proving';

type Seen = PointFeature<ReportProperties>;

/** Of one report: its code and secret. */
export interface Own {
  code: string;
  secret: string;
}

function path({ code }: Own, what = ''): string {
  return `/api/v1/reports/${encodeURIComponent(code)}${what}`;
}

function as({ secret }: Own): Record<string, string> {
  return { Authorization: `Report ${secret}` };
}

async function change<T>(own: Own, method: string, what: string, value?: unknown): Promise<T> {
  const sent = value === undefined ? {} : json(value);
  const headers = { ...(sent as { headers?: object }).headers, ...as(own) };
  return (await askProving<T>(path(own, what), { ...sent, method, headers })).value;
}

export function confirm(own: Own): Promise<Seen> {
  return change(own, 'POST', '/confirm');
}

export function rate(own: Own, rating: number): Promise<Seen> {
  return change(own, 'POST', '/rating', { rating });
}

export function reopen(own: Own, text: string): Promise<Seen> {
  return change(own, 'POST', '/reopen', { text });
}

export function withdraw(own: Own): Promise<Seen> {
  return change(own, 'POST', '/withdraw');
}

/** What is left out stays; another category takes the answers to the former one's questions away. */
export interface Correction {
  text?: string;
  category?: string;
  answers?: Record<string, string | number>;
}

export function correct(own: Own, said: Correction): Promise<Seen> {
  return change(own, 'PATCH', '', said);
}

/** WGS 84 degrees; at most 500 m from where it was. */
export function move(
  own: Own,
  lon: number,
  lat: number,
  accuracy_m: number | null,
): Promise<Seen> {
  const doubt = accuracy_m === null ? {} : { accuracy_m: Math.round(accuracy_m) };
  return change(own, 'POST', '/position', { lon: rounded(lon), lat: rounded(lat), ...doubt });
}

/** Sent again with the same key, it is added once. */
export async function add(own: Own, text: string, key: string): Promise<void> {
  const { body, headers } = json({ text });
  await askProving(path(own, '/additions'), {
    method: 'POST',
    body,
    headers: { ...headers, ...as(own), 'Idempotency-Key': key },
  });
}

export function leaveContact(own: Own, contact: Record<string, string>): Promise<Seen> {
  return change(own, 'PUT', '/contact', contact);
}

export function takeContactBack(own: Own): Promise<Seen> {
  return change(own, 'DELETE', '/contact');
}

/** Takes contact, photos and additions away for good; with `text` also the text and the answers. */
export async function erase(own: Own, text: boolean): Promise<void> {
  const { body, headers } = json({ text });
  await ask(path(own, '/erasure'), { method: 'POST', body, headers: { ...headers, ...as(own) } });
}

/** A photo that only its sender may see. */
export async function ownPhoto(own: Own, url: string, newer: AbortSignal): Promise<Blob> {
  const answer = await fetch(url, { headers: as(own), signal: newer });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.blob();
}
