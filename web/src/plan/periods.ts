/** Days and months of the city's clock. Days are YYYY-MM-DD, months YYYY-MM; both compare as text. */

/** Vietnam keeps one time all year, so a day of the city begins at a fixed hour of UTC. */
const OFFSET = '+07:00';
const OFFSET_MS = 7 * 3_600_000;
const DAY_MS = 86_400_000;

export interface Days {
  /** First and last day, both included; null: open. */
  since: string | null;
  until: string | null;
}

export function isDay(text: string | null): text is string {
  return text !== null && /^\d{4}-\d{2}-\d{2}$/.test(text) && shifted(text, 0) === text;
}

export function isMonth(text: string | null): text is string {
  return text !== null && /^\d{4}-(0[1-9]|1[0-2])$/.test(text);
}

/** Today in the city. */
export function today(now = Date.now()): string {
  return new Date(now + OFFSET_MS).toISOString().slice(0, 10);
}

/** So many days later; of what is no day at all, an empty text. */
export function shifted(day: string, days: number): string {
  const at = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(at) ? '' : new Date(at + days * DAY_MS).toISOString().slice(0, 10);
}

/** How many days from the first to the last, both included. */
export function length({ since, until }: { since: string; until: string }): number {
  return Math.round((Date.parse(until) - Date.parse(since)) / DAY_MS) + 1;
}

/** How many days of it are over, today by its part. */
export function passed(days: { since: string; until: string }, now = Date.now()): number {
  const local = (now + OFFSET_MS) / DAY_MS;
  return Math.min(length(days), Math.max(0, local - Date.parse(days.since) / DAY_MS));
}

export function nextMonth(month: string, by = 1): string {
  const [year, number] = month.split('-').map(Number) as [number, number];
  const n = year * 12 + number - 1 + by;
  return `${String(Math.floor(n / 12)).padStart(4, '0')}-${String((n % 12) + 1).padStart(2, '0')}`;
}

/** All months from one to another, both included; the last ones where these are too many to show. */
export function months(first: string, last: string, most = 240): string[] {
  const found: string[] = [];
  for (let month = last; month >= first && found.length < most; month = nextMonth(month, -1)) {
    found.unshift(month);
  }
  return found;
}

export function daysOf(month: string): { since: string; until: string } {
  return { since: `${month}-01`, until: shifted(`${nextMonth(month)}-01`, -1) };
}

/** What two periods have in common; a month and a period that have nothing: no day at all. */
export function common(one: Days, two: Days): Days {
  const since = [one.since, two.since].filter((day) => day !== null).sort().pop() ?? null;
  const until = [one.until, two.until].filter((day) => day !== null).sort()[0] ?? null;
  return { since, until };
}

/** As the service takes it: `since <= time < until`, with the city's zone. */
export function asTimes({ since, until }: Days): { since?: string; until?: string } {
  return {
    ...(since ? { since: `${since}T00:00:00${OFFSET}` } : {}),
    ...(until ? { until: `${shifted(until, 1)}T00:00:00${OFFSET}` } : {}),
  };
}

/** A period of the same length that ends the day before. */
export function before({ since, until }: { since: string; until: string }): {
  since: string;
  until: string;
} {
  const days = length({ since, until });
  return { since: shifted(since, -days), until: shifted(since, -1) };
}
