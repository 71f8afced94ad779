/** The report that is open at the desk, and the answer that is being written to it.
 *
 * What is shown follows what happens to the report. What an answer was begun upon (`base`) stays until
 * its writer has seen what changed: it is what goes into `If-Match`, so nobody answers unawares. */
import { isStale, Refused } from '../api';
import { change, task } from '../api/desk';
import { arrive as arrivePhoto, drop, forgetUpload } from '../photos/kept';
import { EMPTY, isWritten, keepDraft, recallDraft, type Draft } from './drafts';
import { localDetail, trouble } from './signed.svelte';
import type { Seen, WholeFacts } from './types';

export class Opened {
  now = $state.raw<Seen | null>(null);
  base = $state.raw<Seen | null>(null);
  view = $state<'loading' | 'found' | 'missing' | 'foreign' | 'failed'>('loading');
  failure = $state('');
  draft = $state<Draft>({ ...EMPTY });
  sending = $state(false);
  /** Why it was not sent. */
  refusal = $state('');
  /** By the field of the request that it is about. */
  wrong = $state.raw<Record<string, string>>({});
  /** What can be done instead, where that could not; null: it was not about that. */
  instead = $state.raw<string[] | null>(null);
  #newer = new AbortController();

  constructor(
    readonly code: string,
    /** Hears of every new state of the report. */
    private readonly onchange: (task: WholeFacts) => void,
  ) {
    this.draft = recallDraft(code);
    void this.load();
  }

  /** Whether it changed since the answer was begun. */
  get stale(): boolean {
    return Boolean(this.now && this.base && this.now.task.version !== this.base.task.version);
  }

  async load(): Promise<void> {
    this.view = 'loading';
    try {
      const seen = await task(this.code, this.#newer.signal);
      this.base = this.now = seen;
      this.view = 'found';
      if (this.draft.what && !can(seen.task, this.draft.what)) this.draft.what = '';
    } catch (error) {
      if (isStale(error)) return;
      const status = error instanceof Refused ? error.status : 0;
      this.view = status === 404 ? 'missing' : status === 403 ? 'foreign' : 'failed';
      this.failure = trouble(error);
    }
  }

  /** Asks whether something happened to it; what is shown stays if no answer comes. */
  async check(): Promise<void> {
    if (this.view !== 'found' || this.sending) return;
    try {
      this.#see(await task(this.code, this.#newer.signal));
    } catch (error) {
      if (error instanceof Refused && error.status === 401) trouble(error);
    }
  }

  #see(seen: Seen): void {
    if (this.sending) return;
    const same = seen.task.version === this.now?.task.version;
    this.now = seen;
    if (!isWritten(this.draft)) this.base = seen;
    if (!same) this.onchange(seen.task);
  }

  /** Its writer has seen what changed, and goes on. */
  accept(): void {
    this.base = this.now;
    this.refusal = '';
  }

  keep(): void {
    keepDraft(this.code, this.draft);
  }

  discard(): void {
    for (const photo of this.draft.photos) void drop(photo).catch(() => {});
    this.draft = { ...EMPTY };
    this.keep();
    this.accept();
    this.wrong = {};
    this.instead = null;
  }

  /** Sends what is written; true: it was done. Whatever goes wrong, it is still written. */
  async send(): Promise<boolean> {
    const { base } = this;
    if (!base || this.sending) return false;
    this.sending = true;
    this.refusal = '';
    this.wrong = {};
    this.instead = null;
    try {
      const seen = await this.#ask(base);
      for (const photo of this.draft.photos) void drop(photo).catch(() => {});
      this.draft = { ...EMPTY };
      this.keep();
      this.base = this.now = seen;
      this.onchange(seen.task);
      return true;
    } catch (error) {
      this.#refused(error);
      return false;
    } finally {
      this.sending = false;
      if (this.#looked) {
        this.#looked = false;
        void this.check();
      }
    }
  }

  #looked = false;

  async #ask({ etag }: Seen): Promise<Seen> {
    const { what, text, inner, organisation, category, other, otherEnds } = this.draft;
    if (what === 'notes') return change(this.code, what, { inner }, etag);
    if (what === 'category') return change(this.code, what, { category, text }, etag);
    if (what === 'unmerge') return change(this.code, what, { text, inner }, etag);
    if (what === 'merge') {
      if (!otherEnds) return change(this.code, what, { parent: other, text, inner }, etag);
      const there = await task(other);
      this.onchange((await change(other, what, { parent: this.code, text, inner }, there.etag)).task);
      return task(this.code);
    }
    const photos: string[] = [];
    for (const id of this.draft.photos) photos.push(await arrivePhoto(id));
    const more = what === 'assign' ? { organisation } : {};
    return change(this.code, what, { text, inner, photos, ...more }, etag);
  }

  #refused(error: unknown): void {
    this.refusal = trouble(error);
    if (!(error instanceof Refused)) return;
    // It is not as it was: what it is now is shown beside what is written.
    this.#looked = [409, 412].includes(error.status);
    const { allowed } = error.problem as { allowed?: unknown };
    if (error.status === 409) {
      this.refusal = localDetail(error.problem);
      this.instead = Array.isArray(allowed) ? (allowed as string[]) : null;
    }
    // The service keeps what nothing names for a day: it is sent anew with the next try.
    if (error.errors.some(({ field }) => field.startsWith('photos'))) {
      for (const id of this.draft.photos) void forgetUpload(id);
    }
    this.wrong = Object.fromEntries(error.errors.map(({ field, message }) => [field, message]));
  }

  close(): void {
    this.keep();
    this.#newer.abort();
  }
}

/** Whether something can be done with a report as it stands. */
export function can(task: WholeFacts, what: string): boolean {
  if (what === 'notes') return true;
  if (what === 'category') return task.allowed.includes('assign');
  return task.allowed.includes(what);
}
