/** The photos chosen for what is being written: made small, kept on the device, sent while one types. */
import { Refused } from '../api/ask';
import { arrive, drop, keep, kept } from './kept';
import { NoPhoto, shrink } from './shrink';

/** A report may have no more. */
export const MOST = 6;

export interface Chosen {
  /** Of this device; empty while it is made small. */
  id: string;
  /** To show it by. */
  url: string;
  /** How much has arrived, 0 to 1. */
  part: number;
  state: 'shrinking' | 'waiting' | 'sending' | 'there' | 'refused';
  why: NoPhoto['reason'] | 'refused' | null;
}

export class ChosenPhotos {
  items = $state<Chosen[]>([]);
  /** False: what is chosen is lost with the page. */
  safe = $state(true);
  /** Chosen before the page was loaded, and not read from the device yet. */
  #coming = $state.raw<string[]>([]);
  #line: Promise<void> = Promise.resolve();

  constructor(private readonly onchange: () => void) {}

  /** Ids of what can be sent. */
  get ids(): string[] {
    const there = this.items.filter(({ id, state }) => id && state !== 'refused');
    return [...there.map(({ id }) => id), ...this.#coming];
  }

  get room(): number {
    return MOST - this.items.length - this.#coming.length;
  }

  /** Whether a photo is still being made small, or read from the device. */
  get busy(): boolean {
    return this.#coming.length > 0 || this.items.some(({ state }) => state === 'shrinking');
  }

  async add(files: Iterable<File>): Promise<void> {
    const some = [...files].slice(0, this.room);
    await Promise.all(some.map((file) => this.#add(file)));
  }

  async #add(file: File): Promise<void> {
    this.items.push({ id: '', url: URL.createObjectURL(file), part: 0, state: 'shrinking', why: null });
    const item = this.items.at(-1);
    if (!item) return;
    try {
      const { photo, safe } = await keep(await shrink(file));
      if (!safe) this.safe = false;
      item.id = photo.id;
      item.state = 'waiting';
    } catch (error) {
      item.state = 'refused';
      item.why = error instanceof NoPhoto ? error.reason : 'type';
      return;
    }
    // Taken away while it was made small.
    if (!this.items.includes(item)) void drop(item.id);
    else {
      this.onchange();
      this.#send(item);
    }
  }

  /** Shows again what was chosen before the page was loaded. */
  async restore(ids: readonly string[]): Promise<void> {
    const isHere = (id: string): boolean => this.items.some((each) => each.id === id);
    this.#coming = ids.filter((id) => !isHere(id));
    for (const id of this.#coming) {
      const photo = await kept(id);
      // Let go of meanwhile, or shown already.
      if (!this.#coming.includes(id)) continue;
      this.#coming = this.#coming.filter((each) => each !== id);
      if (!photo || isHere(id)) continue;
      const state = photo.upload ? 'there' : 'waiting';
      const part = photo.upload ? 1 : 0;
      this.items.push({ id, url: URL.createObjectURL(photo.blob), part, state, why: null });
      const item = this.items.at(-1);
      if (item && !photo.upload) this.#send(item);
    }
  }

  /** Another page took some away, or added some. */
  async follow(ids: readonly string[]): Promise<void> {
    const stays = ({ id, state }: Chosen): boolean =>
      !id || state === 'refused' || ids.includes(id);
    for (const item of this.items) if (!stays(item)) URL.revokeObjectURL(item.url);
    this.items = this.items.filter(stays);
    await this.restore(ids);
  }

  remove(item: Chosen): void {
    this.items = this.items.filter((each) => each !== item);
    URL.revokeObjectURL(item.url);
    if (item.id) void drop(item.id);
    this.onchange();
  }

  /** Throws all of them away. */
  discard(): void {
    for (const id of this.#coming) void drop(id);
    this.#coming = [];
    for (const item of [...this.items]) this.remove(item);
  }

  /** Lets go of all of them: what they belong to has them now. */
  release(): void {
    this.#coming = [];
    for (const { url } of this.items) URL.revokeObjectURL(url);
    this.items = [];
  }

  /** One after the other: side by side they would all be late. */
  #send(item: Chosen): void {
    this.#line = this.#line.then(async () => {
      if (!this.items.includes(item)) return;
      item.state = 'sending';
      try {
        await arrive(item.id, (part) => (item.part = part));
        item.state = 'there';
      } catch (error) {
        // Without an answer it is sent with what it belongs to.
        item.state = error instanceof Refused && error.status < 429 ? 'refused' : 'waiting';
        if (item.state === 'refused') item.why = 'refused';
      }
    });
  }
}
