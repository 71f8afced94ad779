/** A report as it is, beside how it was when something was begun upon it.
 *
 * What is shown follows what happens to it. `base` stays until whoever writes has seen what changed: it
 * is what goes into `If-Match`, so nobody answers unawares. */
import { isStale, Refused } from '../api';
import { task } from '../api/desk';
import { markOf } from './marks';
import { trouble } from './signed.svelte';
import type { Seen, WholeFacts } from './types';

const TOLD = ['status', 'category', 'organisation', 'holder', 'due_at', 'priority'] as const;

export interface Told extends Pick<WholeFacts, (typeof TOLD)[number]> {
  /** Its words, as long as the page; null: only their mark is known. */
  text: string | null;
  mark: string;
}

/** As much of a report as tells later what changed since. */
export interface Base {
  code: string;
  version: string;
  etag: string;
  /** How many lines its history had; it is only ever added to. */
  lines: number;
  /** null: not known any more. */
  told: Told | null;
}

export function baseOf({ etag, task: whole }: Seen): Base {
  const same = Object.fromEntries(TOLD.map((name) => [name, whole[name]]));
  const told = { ...same, text: whole.text, mark: markOf(whole.text) } as unknown as Told;
  return { code: whole.code, version: whole.version, etag, lines: whole.events.length, told };
}

/** As it may be kept on this device: without the report's words. */
export function keptBase(base: Base | null): Base | null {
  if (!base) return null;
  const { code, version, etag, lines, told } = base;
  return { code, version, etag, lines, told: told ? { ...told, text: null } : null };
}

export class Watched {
  now = $state.raw<Seen | null>(null);
  base = $state.raw<Base | null>(null);
  /** It was like `base` when what is written was left, not a moment ago. */
  resumed = $state(false);

  constructor(readonly code: string) {}

  /** Whether it changed since. */
  get stale(): boolean {
    return Boolean(this.now && this.base && this.now.task.version !== this.base.version);
  }

  /** Begins upon it as it is now, or goes on with what was begun upon `left`. */
  protected begin(seen: Seen, left: Base | null): void {
    this.now = seen;
    this.base = left ?? baseOf(seen);
    this.resumed = this.stale;
  }

  /** Whoever writes has seen what changed, and goes on. */
  accept(): void {
    this.base = this.now && baseOf(this.now);
    this.resumed = false;
  }
}

/** The report that this one may be the same as, laid beside it to be compared. */
export class Other extends Watched {
  failure = $state('');
  #newer = new AbortController();

  constructor(
    code: string,
    private readonly left: Base | null,
    /** Hears that `base` changed. */
    private readonly onbegun: () => void,
  ) {
    super(code);
    this.base = left;
    void this.load();
  }

  async load(): Promise<void> {
    this.failure = '';
    try {
      this.begin(await task(this.code, this.#newer.signal), this.left);
      this.onbegun();
    } catch (error) {
      if (!isStale(error)) this.failure = trouble(error);
    }
  }

  /** Asks whether something happened to it. */
  async check(): Promise<void> {
    if (!this.now) return;
    try {
      this.now = await task(this.code, this.#newer.signal);
    } catch (error) {
      if (error instanceof Refused && error.status === 401) trouble(error);
    }
  }

  override accept(): void {
    super.accept();
    this.onbegun();
  }

  close(): void {
    this.#newer.abort();
  }
}
