/** A report as it is, beside how it was when something was begun upon it.
 *
 * What is shown follows what happens to it. `base` stays until whoever writes has seen what changed: it
 * is what goes into `If-Match`, so nobody answers unawares. */
import { isStale, Refused } from '../api';
import { task } from '../api/desk';
import { trouble } from './signed.svelte';
import type { Seen, WholeFacts } from './types';

const TOLD = [
  ...(['code', 'version', 'status', 'category', 'organisation', 'holder'] as const),
  ...(['due_at', 'priority', 'text'] as const),
];

/** As much of a report as tells later what changed since. */
export interface Base extends Pick<WholeFacts, (typeof TOLD)[number]> {
  etag: string;
  /** How many lines its history had; it is only ever added to. */
  lines: number;
}

export function baseOf({ etag, task: whole }: Seen): Base {
  const told = Object.fromEntries(TOLD.map((name) => [name, whole[name]]));
  return { ...(told as unknown as Base), etag, lines: whole.events.length };
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
