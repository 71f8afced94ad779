/** What the planner looks at, all of it: each view is an address, and each address a view. */
import { common, daysOf, isDay, isMonth, asTimes, type Days } from './periods';

export const TABS = ['hotspots', 'wards', 'categories', 'compare'] as const;
export type Tab = (typeof TABS)[number];
export const PAINTS = ['reports', 'on_time', 'satisfaction'] as const;
export type Paint = (typeof PAINTS)[number];
export const COMPARED = ['received', 'on_time', 'satisfaction'] as const;
export type Compared = (typeof COMPARED)[number];

const OPEN = ['received', 'assigned', 'in_progress', 'waiting'];
const SETTLED = ['resolved', 'closed', 'rejected', 'duplicate', 'withdrawn'];
export const STATUSES = [...OPEN, ...SETTLED];
/** One word for several. */
export const STATUS_GROUPS: Record<string, string[]> = { open: OPEN, settled: SETTLED };

export interface View extends Days {
  category: string | null;
  status: string | null;
  ward: string | null;
  /** One month of the period, by the slider; null: all of it. */
  month: string | null;
  paint: Paint;
  tab: Tab;
  /** Column of the tab's table, with a minus before it from high to low. */
  sort: string | null;
  hotspot: string | null;
  by: 'ward' | 'category';
  measure: Compared;
  vs_since: string | null;
  vs_until: string | null;
  at: [lon: number, lat: number, zoom: number] | null;
}

export const FIRST: View = {
  category: null,
  status: null,
  ward: null,
  since: null,
  until: null,
  month: null,
  paint: 'reports',
  tab: 'hotspots',
  sort: null,
  hotspot: null,
  by: 'ward',
  measure: 'received',
  vs_since: null,
  vs_until: null,
  at: null,
};

const CODE = /^[\w.-]{1,100}$/;
const SORT = /^-?[a-z_]{1,30}$/;

function oneOf<T extends string>(value: string | null, words: readonly T[], otherwise: T): T {
  return words.find((word) => word === value) ?? otherwise;
}

/** Of an address; what is misspelt is left out. */
export function read(search: string): View {
  const asked = new URLSearchParams(search);
  const taken = (name: string, form: RegExp): string | null => {
    const value = asked.get(name);
    return value !== null && form.test(value) ? value : null;
  };
  const day = (name: string): string | null => {
    const value = asked.get(name);
    return isDay(value) ? value : null;
  };
  const status = asked.get('status');
  const month = asked.get('month');
  const [lon, lat, zoom] = (asked.get('at') ?? '').split(',').map(Number);
  const known = [lon, lat, zoom].every((each) => Number.isFinite(each));
  return {
    category: taken('category', CODE),
    status: status && (STATUSES.includes(status) || status in STATUS_GROUPS) ? status : null,
    ward: taken('ward', CODE),
    since: day('since'),
    until: day('until'),
    month: isMonth(month) ? month : null,
    paint: oneOf(asked.get('paint'), PAINTS, FIRST.paint),
    tab: oneOf(asked.get('tab'), TABS, FIRST.tab),
    sort: taken('sort', SORT),
    hotspot: taken('hotspot', CODE),
    by: oneOf(asked.get('by'), ['ward', 'category'] as const, FIRST.by),
    measure: oneOf(asked.get('measure'), COMPARED, FIRST.measure),
    vs_since: day('vs_since'),
    vs_until: day('vs_until'),
    at:
      known && Math.abs(lon!) <= 180 && Math.abs(lat!) <= 85 && zoom! >= 0 && zoom! <= 19
        ? [lon!, lat!, zoom!]
        : null,
  };
}

/** The address's query; what is as it is at first is not said, and what is no part of a view (such
 * as `lang`) stays. */
export function write(view: View, search = ''): string {
  const asked = new URLSearchParams(search);
  for (const name of Object.keys(FIRST) as (keyof View)[]) {
    const value = view[name];
    if (value === null || value === FIRST[name]) asked.delete(name);
    else asked.set(name, Array.isArray(value) ? placed(value) : String(value));
  }
  const text = asked.toString().replaceAll('%2C', ',');
  return text ? `?${text}` : '';
}

function placed([lon, lat, zoom]: [number, number, number]): string {
  return `${lon.toFixed(5)},${lat.toFixed(5)},${zoom.toFixed(2)}`;
}

/** The days that everything shown is of: the slider's month, as far as it is in the period. */
export function daysShown(view: View): Days {
  return view.month ? common(view, daysOf(view.month)) : { since: view.since, until: view.until };
}

/** Category and status as the service takes them. */
export function narrowed(view: View): { category?: string; status?: string; ward?: string } {
  const status = view.status ? (STATUS_GROUPS[view.status] ?? [view.status]).join(',') : null;
  return {
    ...(view.category ? { category: view.category } : {}),
    ...(status ? { status } : {}),
    ...(view.ward ? { ward: view.ward } : {}),
  };
}

/** All filters, of the days shown. */
export function filters(view: View): Record<string, string> {
  return { ...narrowed(view), ...asTimes(daysShown(view)) };
}
