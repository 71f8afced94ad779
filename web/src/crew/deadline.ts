/** How a task stands with its deadline, and which comes first. */
import type { Order } from '../api/crew';
import type { TaskProperties } from '../types';
import type { Task } from './types';

/** `paused`: it waits, and no time runs meanwhile. */
export type Due = 'late' | 'soon' | 'fine' | 'paused' | 'none';

/** Four fifths of the time are over: that is when the city's own warning goes out, too. */
const SOON = 0.8;

export function due(it: TaskProperties, now: number): Due {
  if (!it.due_at) return 'none';
  if (it.status === 'waiting') return 'paused';
  const [from, until] = [Date.parse(it.created_at), Date.parse(it.due_at)];
  if (until < now) return 'late';
  return now > from + SOON * (until - from) ? 'soon' : 'fine';
}

const RADIUS_M = 6_371_008.8;

/** As the crow flies, near enough for a list. */
export function metres(
  a: { lon: number; lat: number },
  b: { lon: number; lat: number },
): number {
  const rad = Math.PI / 180;
  const height = Math.sin(((b.lat - a.lat) * rad) / 2) ** 2;
  const width = Math.sin(((b.lon - a.lon) * rad) / 2) ** 2;
  const part = height + Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * width;
  return 2 * RADIUS_M * Math.asin(Math.sqrt(part));
}

export interface Spot {
  lon: number;
  lat: number;
}

export function sorted(tasks: readonly Task[], order: Order, from: Spot | null): Task[] {
  const far = (task: Task): number => (from ? metres(from, task) : 0);
  const until = ({ it }: Task): number => (it.due_at ? Date.parse(it.due_at) : Infinity);
  const by = {
    distance: (a: Task, b: Task) => far(a) - far(b),
    deadline: (a: Task, b: Task) => order2(until(a), until(b)) || far(a) - far(b),
    priority: (a: Task, b: Task) =>
      a.it.priority - b.it.priority || order2(until(a), until(b)) || far(a) - far(b),
  };
  return [...tasks].sort((a, b) => by[order](a, b) || (a.code < b.code ? -1 : 1));
}

/** Infinity less Infinity is no number. */
function order2(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
