/** The reports that the public does not see, page by page; none comes or goes under the reader's hand. */
import { isStale, Refused } from '../../api';
import { withheld, withheldOne } from '../../api/desk';
import { trouble } from '../signed.svelte';
import type { WithheldCounts, WithheldPage, WithheldState } from '../types';
import { Verdict } from './verdict.svelte';

const PAGE = 30;

/** How many there are, for all parts of the desk; null: not known, or none of one's business. */
export const waiting = $state<{ counts: WithheldCounts | null }>({ counts: null });

/** Whose count it is: what is answered to the one before is not the next one's. */
let asker = new AbortController();

/** Nobody knows it yet, who sits down here now. */
export function forgetWaiting(): void {
  asker.abort();
  asker = new AbortController();
  waiting.counts = null;
}

/** Who is not, or may not be, asked any more has no count either. */
function forgetIfRefused(error: unknown): void {
  if (error instanceof Refused && [401, 403].includes(error.status)) forgetWaiting();
}

export async function countWaiting(): Promise<void> {
  const { signal } = asker;
  try {
    const { counts } = await withheld('review', 1, null, signal);
    if (!signal.aborted) waiting.counts = counts ?? null;
  } catch (error) {
    // It is asked again soon.
    if (!signal.aborted) forgetIfRefused(error);
  }
}

export class HeldQueue {
  rows = $state.raw<Verdict[]>([]);
  next = $state.raw<string | null>(null);
  loading = $state(true);
  failure = $state('');
  notAllowed = $state(false);
  /** How many came that are not shown. */
  fresh = $state(0);
  #newer = new AbortController();

  constructor(readonly state: WithheldState) {}

  /** From the start; `code`: a report that is to be there even if it stands pages further down. */
  async load(code: string | null): Promise<void> {
    this.fresh = 0;
    await this.#take(null, async (page, signal) => {
      const found = page.reports;
      if (code && !found.some((one) => one.code === code)) {
        const wanted = await withheldOne(code).catch(() => null);
        if (wanted?.state === this.state && !signal.aborted) found.unshift(wanted);
      }
      this.rows = found.map((one) => {
        const row = this.#row(one.code);
        if (!row || row.done) return new Verdict(one);
        row.see(one);
        return row;
      });
    });
  }

  async more(): Promise<void> {
    if (!this.next || this.loading) return;
    await this.#take(this.next, (page) => {
      const fresh = page.reports.filter(({ code }) => !this.#row(code));
      this.rows = [...this.rows, ...fresh.map((one) => new Verdict(one))];
    });
  }

  /** Asks whether what is shown is still so. */
  async check(): Promise<void> {
    if (this.loading || this.failure) return;
    try {
      const page = await withheld(this.state, PAGE, null, this.#newer.signal);
      waiting.counts = page.counts ?? null;
      for (const one of page.reports) this.#row(one.code)?.see(one);
      this.fresh = page.reports.filter(({ code }) => !this.#row(code)).length;
    } catch (error) {
      // What is shown is still there to read, and it is asked again soon.
      forgetIfRefused(error);
      if (error instanceof Refused && error.status === 401) trouble(error);
    }
  }

  close(): void {
    this.#newer.abort();
  }

  #row(code: string): Verdict | undefined {
    return this.rows.find((row) => row.code === code);
  }

  async #take(
    cursor: string | null,
    show: (page: WithheldPage, signal: AbortSignal) => void | Promise<void>,
  ): Promise<void> {
    const { signal } = this.#newer;
    this.loading = true;
    this.failure = '';
    try {
      const page = await withheld(this.state, PAGE, cursor, signal);
      await show(page, signal);
      this.next = page.next;
      waiting.counts = page.counts ?? null;
    } catch (error) {
      if (isStale(error)) return;
      forgetIfRefused(error);
      this.failure = trouble(error);
      this.notAllowed = error instanceof Refused && error.status === 403;
    } finally {
      if (!signal.aborted) this.loading = false;
    }
  }
}
