/** What the desk shows, as its address says it: every view is a link, and back goes back. */

import type { WithheldState } from './types';

export const ORDERS = ['due', 'priority', 'newest'] as const;
export const STATUSES = ['received', 'assigned', 'in_progress', 'waiting'] as const;

export interface Filters {
  order: string;
  status: string[];
  category: string;
  ward: string;
  organisation: string;
  holder: string;
  late: boolean;
  escalated: boolean;
  /** A day of the city, that day included. */
  due_before: string;
  priority: string;
  q: string;
}

export const NONE: Filters = {
  order: 'due',
  status: [],
  category: '',
  ward: '',
  organisation: '',
  holder: '',
  late: false,
  escalated: false,
  due_before: '',
  priority: '',
  q: '',
};

interface Shown {
  filters: Filters;
  /** The code of the report that is open. */
  task: string | null;
  templates: boolean;
  /** Which of the reports that the public does not see are listed. */
  withheld: WithheldState | null;
}

function read(): Shown {
  const said = new URLSearchParams(location.search);
  const one = (name: string): string => said.get(name)?.trim() ?? '';
  const order = one('order');
  const withheld = one('withheld');
  return {
    filters: {
      order: ORDERS.some((each) => each === order) ? order : NONE.order,
      status: STATUSES.filter((each) => one('status').split(',').includes(each)),
      category: one('category'),
      ward: one('ward'),
      organisation: one('organisation'),
      holder: ['me', 'none'].includes(one('holder')) ? one('holder') : '',
      late: one('late') === 'true',
      escalated: one('escalated') === 'true',
      due_before: /^\d{4}-\d\d-\d\d$/.test(one('due_before')) ? one('due_before') : '',
      priority: /^[123]$/.test(one('priority')) ? one('priority') : '',
      q: one('q').slice(0, 200),
    },
    task: one('task').toUpperCase() || null,
    templates: said.has('templates'),
    withheld: withheld === 'review' || withheld === 'hidden' ? withheld : null,
  };
}

let shown = $state.raw<Shown>(read());

/** The address of a view: what is not named stays as it is. */
export function address(changes: Partial<Shown>): string {
  const next = { ...shown, ...changes };
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(next.filters)) {
    const written = Array.isArray(value) ? value.join(',') : String(value);
    if (written && written !== 'false' && !(name === 'order' && written === NONE.order)) {
      said.set(name, written);
    }
  }
  if (next.task) said.set('task', next.task);
  if (next.withheld) said.set('withheld', next.withheld);
  if (next.templates) said.set('templates', '');
  const lang = new URLSearchParams(location.search).get('lang');
  if (lang) said.set('lang', lang);
  const asked = said.toString().replaceAll('%2C', ',').replace('templates=', 'templates');
  return asked ? `/desk?${asked}` : '/desk';
}

export function show(changes: Partial<Shown>, replace = false): void {
  const to = address(changes);
  if (to === location.pathname + location.search) return;
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  shown = read();
}

export const view = {
  get filters(): Filters {
    return shown.filters;
  },
  get task(): string | null {
    return shown.task;
  },
  get templates(): boolean {
    return shown.templates;
  },
  get withheld(): WithheldState | null {
    return shown.withheld;
  },
};

export function narrow(changes: Partial<Filters>): void {
  show({ filters: { ...shown.filters, ...changes } });
}

/** How many of the filters narrow; the order does not. */
export function narrowed(filters: Filters): number {
  return Object.entries(filters).filter(
    ([name, value]) => name !== 'order' && (Array.isArray(value) ? value.length > 0 : Boolean(value)),
  ).length;
}

/** As the service is asked. */
export function asked(filters: Filters): Record<string, string | boolean | null> {
  const { due_before, status, late, escalated, ...rest } = filters;
  const day = due_before ? new Date(`${due_before}T24:00:00+07:00`) : null;
  return {
    ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, value || null])),
    status: status.join(',') || null,
    late: late || null,
    escalated: escalated || null,
    due_before: day && !Number.isNaN(day.getTime()) ? day.toISOString() : null,
  };
}

/** Takes the view from the address, as after back and forward. */
export function arrive(): void {
  if (location.pathname === '/desk') shown = read();
}

window.addEventListener('popstate', arrive);
