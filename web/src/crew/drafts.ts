/** What somebody is about to say with a move: kept with each letter and photo, until it is done.
 *
 * It is written down twice: at once where a reload finds it (localStorage, which browsers bring to
 * disk when they see fit), and a moment later where an empty battery leaves it (IndexedDB). */
import { drop, kept } from '../photos/kept';
import { db } from '../state/db';
import { withRoom } from '../state/room';
import { forget, recall, remember } from '../state/storage';
import type { Move, OfflineAction } from './types';

export interface Draft {
  text: string;
  inner: string;
  photos: string[];
}

export interface CrewDraft extends Draft {
  /** When it was last written to. */
  at: number;
}

/** Letters come faster than they are worth writing down. */
const TYPING_MS = 200;
const NONE: Draft = { text: '', inner: '', photos: [] };

function keyOf(account: string, code: string, move: Move): string {
  return `crew.draft.${account}.${code}.${move}`;
}

function later(near: CrewDraft | null, deep: CrewDraft | null): CrewDraft | null {
  return (deep?.at ?? 0) > (near?.at ?? 0) ? deep : near;
}

/** Where a draft lies in IndexedDB, to be written there with what it was before. */
interface Deep {
  get(key: string): Promise<unknown>;
  put(draft: CrewDraft, key: string): Promise<unknown>;
}

/** What was taken back is a draft again, with what was begun since after it. */
export async function putBack(drafts: Deep, action: OfflineAction): Promise<void> {
  const { account, code, move, text, inner, photos } = action;
  if (!text && !inner && photos.length === 0) return;
  const key = keyOf(account, code, move);
  const deep = (await drafts.get(key)) as CrewDraft | undefined;
  const since = later(recall<CrewDraft>(key), deep ?? null);
  const both = (one: string, two = ''): string => [one, two].filter(Boolean).join('\n');
  const back = {
    text: both(text, since?.text),
    inner: both(inner, since?.inner),
    photos: [...new Set([...photos, ...(since?.photos ?? [])])],
    at: Math.max(Date.now(), (since?.at ?? 0) + 1),
  };
  await drafts.put(back, key);
}

/** The draft of one move of one task. */
export class Begun {
  readonly #key: string;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #now: CrewDraft | null = null;
  #photos = 0;

  constructor(account: string, code: string, move: Move) {
    this.#key = keyOf(account, code, move);
  }

  /** What was begun before, but for photos that went with something since. */
  async read(taken: ReadonlySet<string>): Promise<Draft> {
    const near = recall<CrewDraft>(this.#key);
    const deep = await this.#deep();
    const last = later(near, deep);
    if (!last) return { ...NONE };
    const there = await Promise.all(
      last.photos.map(async (id) => !taken.has(id) && (await kept(id)) !== null),
    );
    const photos = last.photos.filter((_, n) => there[n]);
    this.#photos = photos.length;
    return { text: last.text, inner: last.inner, photos };
  }

  async #deep(): Promise<CrewDraft | null> {
    try {
      return ((await (await db()).get('drafts', this.#key)) as CrewDraft | undefined) ?? null;
    } catch {
      return null;
    }
  }

  /** `heard` is told whether it outlives the page. A photo is written down at once. */
  keep({ text, inner, photos }: Draft, heard: (safe: boolean) => void): void {
    const is = text || inner || photos.length > 0;
    this.#now = is ? { text, inner, photos, at: Date.now() } : null;
    const near = is ? remember(this.#key, this.#now) : true;
    if (!is) forget(this.#key);
    clearTimeout(this.#timer);
    const soon = photos.length === this.#photos ? TYPING_MS : 0;
    this.#photos = photos.length;
    const write = (): void => void this.#write().then((deep) => heard(near || deep));
    this.#timer = setTimeout(write, soon);
  }

  async #write(): Promise<boolean> {
    this.#timer = undefined;
    const now = this.#now;
    try {
      await withRoom(async () => {
        const writing = (await db()).transaction('drafts', 'readwrite', { durability: 'strict' });
        await (now ? writing.store.put(now, this.#key) : writing.store.delete(this.#key));
        await writing.done;
      });
      return true;
    } catch {
      return now === null;
    }
  }

  /** What was typed last is not left waiting. */
  flush(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    void this.#write();
  }

  /** What it was about is gone: so are the photos that were its alone. */
  async discard(others: readonly string[]): Promise<void> {
    const { photos } = await this.read(new Set(others));
    await Promise.all(photos.map(dropPhoto));
    await this.end();
  }

  /** It was done, and its photos are the outbox's. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    this.#now = null;
    forget(this.#key);
    await this.#write();
  }
}

export async function dropPhoto(id: string): Promise<void> {
  await drop(id).catch(() => {});
}
