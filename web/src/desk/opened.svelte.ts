/** The report that is open at the desk, and the answer that is being written to it. */
import { isStale, Refused } from '../api';
import { refusal } from '../api/ask';
import { change, task } from '../api/desk';
import { worded } from '../i18n/index.svelte';
import { arrive as arrivePhoto, drop, forgetUpload, keep as keepPhoto } from '../photos/kept';
import { shrink } from '../photos/shrink';
import { EMPTY, isWritten, keepDraft, recallDraft, type Begun, type Draft } from './drafts';
import { en } from './en';
import { trouble } from './signed.svelte';
import type { Seen, WholeFacts } from './types';
import { vi } from './vi';
import { baseOf, Other, Watched } from './watched.svelte';

/** The service takes no more photos with one move. */
const MOST = 6;

export class Opened extends Watched {
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
  /** How many picks of photos are still made small: what is sent waits for them. */
  shrinking = $state(0);
  /** Of the last pick, one is no photo or cannot be kept. */
  photoFailed = $state(false);
  /** The one that it may be the same as. */
  other = $state.raw<Other | null>(null);
  /** What the answer was begun upon, where it was left unfinished. */
  #left: Begun;
  #newer = new AbortController();
  /** Until the photos that were picked are small. */
  #small: Promise<void> = Promise.resolve();

  constructor(
    code: string,
    /** Hears of every new state of the report. */
    private readonly onchange: (task: WholeFacts) => void,
    /** Hears that an answer was not sent: its report may not be looked at any more. */
    private readonly onunsent: (opened: Opened) => void,
  ) {
    super(code);
    const { draft, begun } = recallDraft(code);
    this.draft = draft;
    this.#left = begun;
    void this.load();
  }

  /** Whether something that the answer is about changed, and its writer has not said: seen. */
  get unseen(): boolean {
    return this.stale || (this.draft.what === 'merge' && (this.other?.stale ?? false));
  }

  async load(): Promise<void> {
    this.view = 'loading';
    try {
      const seen = await task(this.code, this.#newer.signal);
      this.begin(seen, isWritten(this.draft) ? this.#left.mine : null);
      this.view = 'found';
      const { what } = this.draft;
      if (what && !this.stale && !can(seen.task, what)) this.draft.what = '';
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
    void this.other?.check();
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
    if (!isWritten(this.draft)) this.base = baseOf(seen);
    if (!same) this.onchange(seen.task);
  }

  override accept(): void {
    super.accept();
    this.refusal = '';
    this.keep();
  }

  /** Lays the report of this code beside this one; none: takes it away. */
  compare(code: string): void {
    if (code === (this.other?.code ?? '')) return;
    this.other?.close();
    const left = this.#left.other?.code === code ? this.#left.other : null;
    this.#left.other = null;
    this.other = code ? new Other(code, left, () => this.#begun()) : null;
  }

  #begun(): void {
    if (!this.unseen) this.refusal = '';
    this.keep();
  }

  keep(): void {
    const mine = this.base ?? this.#left.mine;
    const other = this.other ? this.other.base : this.#left.other;
    keepDraft(this.code, this.draft, { mine, other });
  }

  /** Photos that go with the answer: with this one, whichever report is looked at by the time they
   * are small. */
  addPhotos(files: File[]): void {
    const { draft } = this;
    this.photoFailed = false;
    this.shrinking += 1;
    this.#small = this.#small.then(async () => {
      for (const file of files) await this.#addPhoto(file, draft);
      this.shrinking -= 1;
    });
  }

  async #addPhoto(file: File, draft: Draft): Promise<void> {
    if (draft.photos.length >= MOST) return;
    try {
      const { id } = (await keepPhoto(await shrink(file))).photo;
      if (this.draft !== draft) return void drop(id).catch(() => {});
      draft.photos = [...draft.photos, id];
      if (this.#newer.signal.aborted) this.#keepLate(id);
      // On its way while the rest is written; sending waits for it, and says what went wrong.
      void arrivePhoto(id).catch(() => {});
    } catch {
      this.photoFailed = true;
    }
  }

  /** The report was left meanwhile, and may be open anew: nothing else that is kept is touched. */
  #keepLate(id: string): void {
    const { draft, begun } = recallDraft(this.code);
    const what = draft.what || this.draft.what;
    keepDraft(this.code, { ...draft, what, photos: [...draft.photos, id] }, begun);
  }

  discard(): void {
    for (const photo of this.draft.photos) void drop(photo).catch(() => {});
    this.#empty();
    this.accept();
    this.wrong = {};
    this.instead = null;
  }

  #empty(): void {
    this.draft = { ...EMPTY };
    this.#left = { mine: null, other: null };
    this.compare('');
    this.keep();
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
      await this.#photosSmall();
      const seen = await this.#ask(base.etag);
      for (const photo of this.draft.photos) void drop(photo).catch(() => {});
      this.#empty();
      this.begin(seen, null);
      this.onchange(seen.task);
      return true;
    } catch (error) {
      this.#refused(error);
      this.onunsent(this);
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

  async #photosSmall(): Promise<void> {
    if (this.shrinking === 0) return;
    await this.#small;
    if (this.photoFailed) throw new Error(worded({ vi, en }).form.photoFailed);
  }

  async #ask(etag: string): Promise<Seen> {
    const { what, text, inner, organisation, category, other, otherEnds } = this.draft;
    if (what === 'notes') return change(this.code, what, { inner }, etag);
    if (what === 'category') return change(this.code, what, { category, text }, etag);
    if (what === 'unmerge') return change(this.code, what, { text, inner }, etag);
    if (what === 'merge') {
      // The service compares the version of the one that ends; neither may be another than was seen.
      if (this.unseen) throw new Refused(412, {});
      if (!otherEnds) return change(this.code, what, { parent: other, text, inner }, etag);
      const seen = this.other?.base?.etag ?? '';
      this.onchange((await change(other, what, { parent: this.code, text, inner }, seen)).task);
      // It is done, even if this one's new state does not come yet.
      return task(this.code).catch((error: unknown) => {
        if (!this.now) throw error;
        return this.now;
      });
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
      this.refusal = refusal(error.problem);
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
    this.other?.close();
    this.#newer.abort();
  }
}

/** Whether something can be done with a report as it stands. */
export function can(task: WholeFacts, what: string): boolean {
  if (what === 'notes') return true;
  if (what === 'category') return task.allowed.includes('assign');
  return task.allowed.includes(what);
}
