/** The tasks that are listed: page by page, and kept true without moving under the reader's hand. */
import { SvelteSet } from 'svelte/reactivity';
import { isStale, Refused } from '../api';
import { inbox, inboxAt } from '../api/desk';
import { asked, type Filters } from './view.svelte';
import { trouble } from './signed.svelte';
import type { Counts, InboxPage, TaskFacts, TaskRow, WholeFacts } from './types';

const PAGE = 50;
/** The service gives no more at once. */
const MOST = 200;

export interface Row {
  task: TaskRow;
  /** It is none of those asked for any more, and stays in its place until the list is made anew. */
  left: boolean;
}

export class Inbox {
  rows = $state.raw<Row[]>([]);
  counts = $state.raw<Counts | null>(null);
  next = $state.raw<string | null>(null);
  loading = $state(true);
  failure = $state('');
  /** How many came that are not shown. */
  fresh = $state(0);
  /** Codes that were picked out, for moves of many. */
  picked = new SvelteSet<string>();
  /** Whose line the keyboard is at. */
  at = $state<string | null>(null);
  #newer = new AbortController();
  #asked: Record<string, string | boolean | null> = {};
  #checking = false;
  #again = false;

  /** Lists what is asked for from the start. */
  async open(filters: Filters): Promise<void> {
    this.#asked = asked(filters);
    this.#restart();
    this.rows = [];
    this.counts = null;
    this.at = null;
    this.picked.clear();
    await this.#load();
  }

  /** Lists anew what is shown, with what came; whose line the keyboard is at stays so. */
  async again(): Promise<void> {
    const before = Math.max(PAGE, Math.min(MOST, this.rows.length));
    this.#restart();
    await this.#load(before);
  }

  async more(): Promise<void> {
    const { next } = this;
    if (!next || this.loading) return;
    await this.#take(() => inboxAt(next, this.#newer.signal), (page) => {
      const known = new Set(this.rows.map(({ task }) => task.code));
      const fresh = page.tasks.filter(({ code }) => !known.has(code));
      this.rows = [...this.rows, ...fresh.map((task) => ({ task, left: false }))];
    });
  }

  /** Asks whether what is shown is still so: lines change where they stand, none comes or goes. */
  async check(): Promise<void> {
    if (this.loading || this.failure) return;
    if (this.#checking) {
      this.#again = true;
      return;
    }
    this.#checking = true;
    try {
      const limit = Math.max(PAGE, Math.min(MOST, this.rows.length));
      const page = await inbox({ ...this.#asked, limit, counts: true }, this.#newer.signal);
      this.#compare(page);
    } catch (error) {
      // What is shown is still there to read, and it is asked again soon.
      if (error instanceof Refused && error.status === 401) trouble(error);
    } finally {
      this.#checking = false;
      if (this.#again) {
        this.#again = false;
        void this.check();
      }
    }
  }

  /** A report that was changed from here. */
  put(task: WholeFacts): void {
    this.rows = this.rows.map((row) =>
      row.task.code === task.code ? { ...row, task: { ...row.task, ...facts(task) } } : row,
    );
  }

  close(): void {
    this.#newer.abort();
  }

  #restart(): void {
    this.#newer.abort();
    this.#newer = new AbortController();
    this.fresh = 0;
    this.failure = '';
  }

  async #load(limit = PAGE): Promise<void> {
    const { signal } = this.#newer;
    await this.#take(
      () => inbox({ ...this.#asked, limit, counts: true }, signal),
      (page) => {
        this.rows = page.tasks.map((task) => ({ task, left: false }));
        this.counts = page.counts ?? null;
        const there = new Set(page.tasks.map(({ code }) => code));
        for (const code of this.picked) if (!there.has(code)) this.picked.delete(code);
        if (this.at && !there.has(this.at)) this.at = null;
      },
    );
  }

  async #take(fetchPage: () => Promise<InboxPage>, show: (page: InboxPage) => void): Promise<void> {
    const { signal } = this.#newer;
    this.loading = true;
    this.failure = '';
    try {
      const page = await fetchPage();
      if (signal.aborted) return;
      show(page);
      this.next = page.next;
    } catch (error) {
      if (!isStale(error) && !signal.aborted) this.failure = trouble(error);
    } finally {
      if (!signal.aborted) this.loading = false;
    }
  }

  #compare(page: InboxPage): void {
    const now = new Map(page.tasks.map((task) => [task.code, task]));
    const shown = new Set(this.rows.map(({ task }) => task.code));
    // What stands behind the last of those shown is of a page that nobody asked for yet.
    const last = page.tasks.findLastIndex(({ code }) => shown.has(code));
    const within = this.next ? page.tasks.slice(0, last + 1) : page.tasks;
    this.fresh = within.filter(({ code }) => !shown.has(code)).length;
    const whole = !page.next || this.fresh === 0;
    this.rows = this.rows.map((row, nth) => {
      const task = now.get(row.task.code);
      if (task) return { task, left: false };
      return { ...row, left: row.left || (whole && nth < page.tasks.length) };
    });
    this.counts = page.counts ?? this.counts;
  }
}

/** Of a whole report what a line shows. */
function facts(task: WholeFacts): TaskFacts {
  const { allowed: _allowed, events: _events, ...rest } = task;
  return rest;
}
