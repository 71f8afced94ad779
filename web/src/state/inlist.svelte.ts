/** What lies in a cell of the map, or in sight: page by page, and kept true while it is shown. */
import { isStale, pageAt, reportsIn, sentence, type ReportQuery } from '../api';
import type { PointFeature, ReportProperties } from '../types';

const PAGE = 20;
/** The service gives no more at once; a longer list is only added to. */
const MOST = 1000;

export class ReportList {
  items = $state.raw<PointFeature<ReportProperties>[]>([]);
  next = $state.raw<string | null>(null);
  loading = $state(false);
  failure = $state('');
  /** Whose entry was opened last, to come back to. */
  opened: string | null = null;
  #newer = new AbortController();

  constructor(readonly query: ReportQuery) {
    void this.#load(() => reportsIn(query, PAGE, this.#newer.signal), false);
  }

  /** Adds the next page; returns how many entries came. */
  async more(): Promise<number> {
    const { next } = this;
    if (!next || this.loading) return 0;
    const before = this.items.length;
    await this.#load(() => pageAt(next, this.#newer.signal), true);
    return this.items.length - before;
  }

  /** Asks anew for as much as is shown; what is there stays until the answer has come. */
  async refresh(): Promise<void> {
    if (this.loading) return;
    const shown = Math.max(PAGE, Math.min(MOST, this.items.length));
    if (this.items.length > MOST) return;
    await this.#load(() => reportsIn(this.query, shown, this.#newer.signal), false, true);
  }

  retry(): void {
    void this.#load(() => reportsIn(this.query, PAGE, this.#newer.signal), false);
  }

  close(): void {
    this.#newer.abort();
  }

  async #load(
    fetchPage: () => Promise<{ features: PointFeature<ReportProperties>[]; next: string | null }>,
    add: boolean,
    quietly = false,
  ): Promise<void> {
    this.loading = true;
    try {
      const page = await fetchPage();
      const known = new Set(add ? this.items.map(({ properties }) => properties.code) : []);
      const fresh = page.features.filter(({ properties }) => !known.has(properties.code));
      this.items = add ? [...this.items, ...fresh] : page.features;
      this.next = page.next;
      this.failure = '';
    } catch (error) {
      // What is shown is still there to read.
      if (!isStale(error) && !quietly) this.failure = sentence(error);
    } finally {
      this.loading = false;
    }
  }
}
