/** What crews ask of the service. */
import type { ActionResult, TaskFeature, Trip, WholeFeature } from '../crew/types';
import type { Staff } from '../types';
import { clock, hear } from '../crew/clock';
import { ask, askWhole, json, query } from './ask';

export type Order = 'distance' | 'deadline' | 'priority';

/** Deadlines and priorities are compared of what lies within a crew's reach. */
export const REACH_M = 5_000;
const MOST = 100;

export async function tasksNear(
  at: { lon: number; lat: number },
  order: Order,
  holder: 'me' | null,
  newer?: AbortSignal,
): Promise<TaskFeature[]> {
  const radius_m = order === 'distance' ? null : REACH_M;
  const { lon, lat } = at;
  const asked = query({ lon, lat, order, holder, radius_m, limit: MOST });
  const path = `/api/v1/tasks/nearby?${asked}`;
  const { value, headers } = await askWhole<{ features: TaskFeature[] }>(path, {}, newer);
  hear(headers);
  return value.features;
}

export function wholeTask(code: string, newer?: AbortSignal): Promise<WholeFeature> {
  return ask(`/api/v1/tasks/${encodeURIComponent(code)}`, {}, newer);
}

/** An item of the body of `POST /api/v1/tasks/actions`. */
export interface SentAction {
  id: string;
  code: string;
  move: string;
  text: string;
  inner: string;
  version?: string;
  after?: string;
  at: string;
  photos: string[];
}

/** Each one is a transaction there, and a photo may have to be moved. */
const PATIENCE_MS = 60_000;

/** Does them under the name of the account alone that did them: 409 where another is signed in. */
export async function replay(account: string, actions: SentAction[]): Promise<ActionResult[]> {
  const body = { method: 'POST', ...json({ account, actions }) };
  const answer = await askWhole<{ results: ActionResult[] }>(
    '/api/v1/tasks/actions',
    body,
    undefined,
    PATIENCE_MS,
  );
  return answer.value.results;
}

export function whoIsThere(): Promise<Staff> {
  return ask('/api/v1/session');
}

interface Way {
  geometry: { coordinates: [number, number][] };
  properties: { length_m: number; back_m: number };
}

/** The phone can do it as well. */
const TOUR_MS = 6_000;

export async function planTour(
  at: { lon: number; lat: number },
  codes: string[],
): Promise<Trip> {
  type Stop = { properties: { code: string; leg_m: number } };
  const { lon, lat } = at;
  const sent = { method: 'POST', ...json({ lon, lat, codes }) };
  type Found = { features: [Way, ...Stop[]] };
  const { value } = await askWhole<Found>('/api/v1/tasks/tour', sent, undefined, TOUR_MS);
  const [way, ...stops] = value.features;
  return {
    codes: stops.map(({ properties }) => properties.code),
    legs_m: stops.map(({ properties }) => properties.leg_m),
    length_m: way.properties.length_m,
    back_m: way.properties.back_m,
    line: way.geometry.coordinates,
    at: clock(),
  };
}
