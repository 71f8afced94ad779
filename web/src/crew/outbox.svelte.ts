/** The outbox as the page shows it, and when it is sent: when something is added, when the network
 * is back, when the page opens, when somebody signs in, now and then, and by hand. */
import * as queue from './queue';
import { send, type Outcome } from './sending';
import { stillDone, standing } from './moves';
import { resume } from '../state/session.svelte';
import { uuid } from '../uuid';
import { end, who } from './who.svelte';
import type { OfflineAction, Task } from './types';

const RETRY_MS = { first: 15_000, longest: 300_000 };
/** A note holds so many characters. */
const NOTE = 2_000;

class Outbox {
  actions = $state.raw<OfflineAction[]>([]);
  /** Somebody else's work waits on this device. */
  others = $state(false);
  sending = $state(false);
  outcome = $state<Outcome | null>(null);
  /** The device does not keep anything: storage is closed or full. */
  broken = $state(false);
  loaded = $state(false);
  /** What was done last on this page. */
  last: string | null = null;
  /** Told which tasks are others now on the device, by what was sent; none named: perhaps all. */
  onDone: (codes: string[] | null) => Promise<void> = async () => {};
  #again = false;
  #wait: number = RETRY_MS.first;
  #timer: ReturnType<typeof setTimeout> | undefined;

  of(code: string): OfflineAction[] {
    return this.actions.filter((each) => each.code === code);
  }

  get troubled(): OfflineAction[] {
    return this.actions.filter(({ state }) => state !== 'waiting');
  }

  start(): () => void {
    const go = (): void => void this.send();
    const seen = (): void => {
      if (document.visibilityState === 'visible') go();
    };
    const stop = queue.onQueueChange(() => void this.onDone(null).then(() => this.load()));
    window.addEventListener('online', go);
    document.addEventListener('visibilitychange', seen);
    return () => {
      stop();
      clearTimeout(this.#timer);
      window.removeEventListener('online', go);
      document.removeEventListener('visibilitychange', seen);
    };
  }

  async load(): Promise<void> {
    try {
      const { account } = who;
      const [mine, others] = await Promise.all([
        account ? queue.queued(account) : [],
        queue.othersWait(account ?? ''),
      ]);
      if (account !== who.account) return;
      [this.actions, this.others, this.broken] = [mine, others, false];
      this.loaded = true;
    } catch {
      this.broken = true;
    }
  }

  /** Keeps what was done; throws where the device cannot, and then nothing was done. */
  async add(task: Task, doing: queue.Doing): Promise<void> {
    const { account } = who;
    if (!account) throw new Error('nobody is signed in');
    this.last = (await queue.add(account, task, doing)).id;
    await this.load();
    void this.send();
  }

  /** Whether it could be taken back: what may have arrived cannot. */
  async takeBack(action: OfflineAction): Promise<boolean> {
    const gone = await queue.takeBack(action.id);
    await this.load();
    return gone;
  }

  async dropAll(actions: readonly OfflineAction[]): Promise<void> {
    await queue.replace(actions.map(({ id }) => id), []);
    await this.load();
  }

  /** Drops one that was refused; what came after it of the same task goes on without it. */
  async drop(action: OfflineAction): Promise<void> {
    await queue.takeBack(action.id, true);
    await this.load();
    void this.send();
  }

  /** Sends a refused one again, mended. */
  async mend(action: OfflineAction, part: Partial<OfflineAction>): Promise<void> {
    await queue.change(action.id, { ...part, state: 'waiting', problem: null });
    await this.load();
    void this.send();
  }

  /** Does what still can be done on top of how the task is now. What was said and shot with the rest
   * is kept as a note. */
  async doAgain(mine: readonly OfflineAction[]): Promise<void> {
    const now = mine.find((each) => each.now)?.now?.properties;
    if (!now) return;
    const { again, left } = stillDone(standing(now), mine);
    let before: string | null = null;
    const renewed = again.map((action) => {
      const made = { ...fresh(action), version: before ? null : now.version, after: before };
      before = made.id;
      return made;
    });
    const said = left.filter(({ text, inner, photos }) => text || inner || photos.length > 0);
    await queue.replace(mine.map(({ id }) => id), [...renewed, ...notes(said, plainly)]);
    await this.load();
    void this.send();
  }

  /** Keeps what was done as notes for the staff, in the words given. */
  async asNote(
    mine: readonly OfflineAction[],
    words: (action: OfflineAction) => string,
  ): Promise<void> {
    await queue.replace(mine.map(({ id }) => id), notes(mine, words));
    await this.load();
    void this.send();
  }

  /** Sends all that waits; asked for while it is being sent, once more afterwards. */
  async send(): Promise<void> {
    if (!who.account) return;
    if (this.sending) {
      this.#again = true;
      return;
    }
    this.sending = true;
    clearTimeout(this.#timer);
    try {
      do {
        this.#again = false;
        // Another may have signed in since it was asked for: it is theirs that is sent now.
        const { account } = who;
        if (!account) break;
        this.outcome = await send(account, {
          onChange: () => this.load(),
          onDone: (codes) => this.onDone(codes),
        });
      } while (this.#again);
    } finally {
      this.sending = false;
    }
    await this.load();
    if (this.outcome === 'ended') end();
    // Whose sign-in it is, another page knows: this one follows.
    if (this.outcome === 'other') await resume();
    const later = ['offline', 'slow', 'server', 'busy', 'full'].includes(this.outcome ?? '');
    if (later) {
      this.#timer = setTimeout(() => void this.send(), this.#wait);
      this.#wait = Math.min(2 * this.#wait, RETRY_MS.longest);
    } else this.#wait = RETRY_MS.first;
  }
}

export const outbox = new Outbox();

/** The same once more, as something the service has not heard of. */
function fresh(action: OfflineAction): OfflineAction {
  const state = { state: 'waiting', tried: false, problem: null, now: null } as const;
  return { ...action, id: uuid(), ...state };
}

function plainly({ text, inner }: OfflineAction): string {
  return [text, inner].filter(Boolean).join('\n');
}

/** Each action as a note, with its photos; one that is too long for a note is more than one. */
function notes(
  actions: readonly OfflineAction[],
  words: (action: OfflineAction) => string,
): OfflineAction[] {
  return actions.flatMap((action) => {
    const said = Array.from(words(action));
    const parts: string[] = [];
    for (let from = 0; from < said.length; from += NOTE) {
      parts.push(said.slice(from, from + NOTE).join(''));
    }
    if (parts.length === 0 && action.photos.length > 0) parts.push('');
    return parts.map((inner, n) => ({
      ...fresh(action),
      ...{ move: 'note' as const, text: '', inner, version: null, after: null },
      photos: n === 0 ? action.photos : [],
      seq: action.seq + n / 1000,
    }));
  });
}
