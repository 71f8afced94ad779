/** The service's stream of changes, `GET /api/v1/live`, open while somebody looks at the page.
 *
 * The browser itself reconnects a broken stream and says where it left off. Done here: another box
 * goes on after the last number seen; a page out of sight lets go of its stream; where none can be
 * had, what is shown is asked for anew every half minute. */

/** One change as the public may know it. */
export interface Change {
  kind: 'created' | 'changed' | 'closed' | 'removed' | 'hotspots' | 'alert';
  /** Of reports. */
  code: string | null;
  /** Where the report is now; null: it left the map, or the change is none of one place. */
  at: [lon: number, lat: number] | null;
}

/** `live`: changes are told as they happen. `asking`: no stream, so the page asks now and then.
 * `paused`: nobody looks. */
export type LiveState = 'connecting' | 'live' | 'asking' | 'paused';

export interface Listener {
  onChange(change: Change): void;
  /** Whatever is shown may be wrong: changes were missed, or cannot be heard of. */
  onReset(): void;
  onState?(state: LiveState): void;
}

const KINDS = ['created', 'changed', 'closed', 'removed', 'hotspots', 'alert'] as const;
const ASK_EVERY_MS = 30_000;
/** A stream that does not come back this soon is one that is not there. */
const PATIENCE_MS = 6_000;
const RETRY_MS = { first: 2_000, longest: 60_000 };
/** A glance at another tab does not close the stream. */
const OUT_OF_SIGHT_MS = 45_000;

export class LiveStream {
  #bbox: string | null = null;
  #source: EventSource | null = null;
  #last = '';
  #state: LiveState = 'connecting';
  #closed = false;
  #wait: number = RETRY_MS.first;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #doubt: ReturnType<typeof setTimeout> | undefined;
  #asking: ReturnType<typeof setInterval> | undefined;
  #leaving: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly listener: Listener) {
    document.addEventListener('visibilitychange', this.#onSight);
    window.addEventListener('online', this.#onOnline);
    window.addEventListener('pagehide', this.#pause);
    window.addEventListener('pageshow', this.#onSight);
  }

  /** Hears of changes in this box (`west,south,east,north`) from now on. */
  watch(bbox: string): void {
    if (bbox === this.#bbox) return;
    this.#bbox = bbox;
    if (this.#state !== 'paused') this.#open();
  }

  close(): void {
    this.#closed = true;
    document.removeEventListener('visibilitychange', this.#onSight);
    window.removeEventListener('online', this.#onOnline);
    window.removeEventListener('pagehide', this.#pause);
    window.removeEventListener('pageshow', this.#onSight);
    clearTimeout(this.#leaving);
    this.#letGo();
  }

  #open(): void {
    if (this.#closed || this.#bbox === null) return;
    // The old one first: browsers allow six connections to a service, for all its pages together.
    this.#source?.close();
    clearTimeout(this.#retry);
    const query = new URLSearchParams({ bbox: this.#bbox });
    if (this.#last) query.set('last_event_id', this.#last);
    const source = new EventSource(`/api/v1/live?${query}`);
    this.#source = source;
    this.#mistrust();
    const fromNow = !this.#last;
    source.addEventListener('ready', (event) => {
      this.#heard(event);
      this.#trust();
      // What changed between drawing and listening is not told.
      if (fromNow) this.listener.onReset();
    });
    source.addEventListener('reset', (event) => {
      this.#heard(event);
      this.#trust();
      this.listener.onReset();
    });
    for (const kind of KINDS) {
      source.addEventListener(kind, (event: MessageEvent<string>) => {
        this.#heard(event);
        this.#trust();
        const change = read(kind, event.data);
        if (change) this.listener.onChange(change);
      });
    }
    source.onerror = () => {
      if (this.#source !== source) return;
      this.#mistrust();
      // After an answer that is no stream (503, 429, a portal's page) the browser does not try again.
      if (source.readyState !== EventSource.CLOSED) return;
      const wait = this.#wait * (0.75 + Math.random() / 2);
      this.#wait = Math.min(this.#wait * 2, RETRY_MS.longest);
      this.#retry = setTimeout(() => this.#open(), wait);
    };
  }

  #heard(event: MessageEvent): void {
    if (event.lastEventId) this.#last = event.lastEventId;
  }

  #trust(): void {
    clearTimeout(this.#doubt);
    this.#doubt = undefined;
    clearInterval(this.#asking);
    this.#asking = undefined;
    this.#wait = RETRY_MS.first;
    this.#say('live');
  }

  #mistrust(): void {
    this.#doubt ??= setTimeout(() => {
      this.#say('asking');
      this.listener.onReset();
      this.#asking ??= setInterval(() => this.listener.onReset(), ASK_EVERY_MS);
    }, PATIENCE_MS);
  }

  #letGo(): void {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#retry);
    clearTimeout(this.#doubt);
    this.#doubt = undefined;
    clearInterval(this.#asking);
    this.#asking = undefined;
  }

  readonly #pause = (): void => {
    this.#letGo();
    this.#say('paused');
  };

  readonly #onSight = (): void => {
    clearTimeout(this.#leaving);
    if (document.hidden) {
      this.#leaving = setTimeout(this.#pause, OUT_OF_SIGHT_MS);
    } else if (this.#state === 'paused') {
      this.#say('connecting');
      // What happened meanwhile follows, or `reset` says that it was too much.
      this.#open();
    }
  };

  readonly #onOnline = (): void => {
    if (this.#state === 'asking') this.#open();
  };

  #say(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.listener.onState?.(state);
  }
}

function read(kind: Change['kind'], text: string): Change | null {
  let data: Record<string, unknown>;
  try {
    data = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
  const { code, lon, lat } = data;
  return {
    kind,
    code: typeof code === 'string' ? code : null,
    at: typeof lon === 'number' && typeof lat === 'number' ? [lon, lat] : null,
  };
}
