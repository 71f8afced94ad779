/** What is promised next for a report, and how it stands. */
import type { TaskFacts } from './types';

export type Tone = 'late' | 'soon' | 'fine' | 'paused' | 'none';

export interface Due {
  what: 'first' | 'resolve' | null;
  tone: Tone;
  at: string | null;
}

/** Told by the service at four fifths of the time; nearer than this it is soon in any case. */
const SOON_MS = 60 * 60_000;

/** A result that is late comes first; then the first reply, as long as nobody gave it. */
export function due(task: TaskFacts, now: number): Due {
  if (task.status === 'waiting') return { what: null, tone: 'paused', at: task.waits_since };
  const over = (at: string | null): boolean => at !== null && Date.parse(at) <= now;
  if (over(task.due_at)) return { what: 'resolve', tone: 'late', at: task.due_at };
  const first = task.replied_at === null && task.first_due_at !== null;
  const at = first ? task.first_due_at : task.due_at;
  if (at === null) return { what: null, tone: 'none', at: null };
  const what = first ? 'first' : 'resolve';
  if (over(at)) return { what, tone: 'late', at };
  const told = first ? task.escalated.first_reply : task.escalated.resolve;
  const soon = told > 0 || Date.parse(at) - now < SOON_MS;
  return { what, tone: soon ? 'soon' : 'fine', at };
}

/** A length of time in the largest unit that says enough. */
export function span(ms: number): { n: number; unit: 'minute' | 'hour' | 'day' } {
  const minutes = Math.max(1, Math.round(Math.abs(ms) / 60_000));
  if (minutes < 60) return { n: minutes, unit: 'minute' };
  const hours = Math.round(minutes / 60);
  if (hours < 48) return { n: hours, unit: 'hour' };
  return { n: Math.round(hours / 24), unit: 'day' };
}
