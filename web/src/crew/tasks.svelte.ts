/** The tasks around: asked for when that can be done, kept on the device for when it cannot. */
import { isStale, sentence, Unreachable } from '../api';
import { tasksNear, wholeTask, type Order } from '../api/crew';
import { db } from '../state/db';
import { locate } from '../state/locate';
import { withRoom } from '../state/room';
import { wards } from '../state/lists.svelte';
import { recall, remember } from '../state/storage';
import { clock } from './clock';
import { metres, sorted, type Spot } from './deadline';
import { foreseen, isOpen } from './moves';
import { outbox } from './outbox.svelte';
import { keepAhead } from './pictures';
import type { Task, TaskFeature, WholeFeature } from './types';
import { place } from './where.svelte';
import { isEnded, who } from './who.svelte';

export type Holder = 'all' | 'mine' | 'free';
/** `device`: where one is; `kept`: where one was last; `ward`: the middle of one's ward. */
export type From = 'device' | 'kept' | 'ward';

/** So many are looked at whole beforehand, for when there is no signal. */
const AHEAD = 40;
const PATIENCE_MS = { known: 1_500, unknown: 4_000 };
/** Farther than this from where it was asked for, the list is asked for anew. */
const MOVED_M = 100;

/** When an account's list was asked for last. */
interface Asked {
  account: string;
  at: number;
}

class Tasks {
  all = $state.raw<Task[]>([]);
  spot = $state.raw<Spot | null>(recall<Spot>('crew.spot'));
  from = $state<From>(recall<Spot>('crew.spot') ? 'kept' : 'ward');
  denied = $state(false);
  /** Full or closed: the list is there as long as the page is. */
  unkept = $state(false);
  order = $state<Order>(recall<Order>('crew.order') ?? 'distance');
  holder = $state<Holder>('all');
  loading = $state(false);
  /** Why the list is not as it is now; null: it is. */
  failure = $state<'offline' | string | null>(null);
  askedAt = $state<number | null>(null);
  #newer = new AbortController();

  find(code: string): Task | null {
    return this.all.find((each) => each.code === code) ?? null;
  }

  get shown(): Task[] {
    const mine = (task: Task): boolean => foreseen(task.it, outbox.of(task.code)).hand === 'mine';
    const wanted = this.all.filter((task) => {
      if (!isOpen(task.it.status) && outbox.of(task.code).length === 0) return false;
      if (this.holder === 'mine') return mine(task);
      return this.holder === 'all' || (!task.it.holder && !mine(task));
    });
    return sorted(wanted, this.order, this.spot);
  }

  distance(task: Task): number | null {
    return this.spot ? metres(this.spot, task) : null;
  }

  /** What the device has of the account; what it has of others is not theirs to read, and goes. What
   * is here already stays meanwhile: one of them may be open, with a form that is being filled in. */
  async load(): Promise<void> {
    const { account } = who;
    this.all = this.all.filter((task) => task.account === account);
    const asked = recall<Asked>('crew.listed');
    this.askedAt = account && asked?.account === account ? asked.at : null;
    if (!account) return;
    try {
      const store = await db();
      const every = await store.getAll('tasks');
      for (const task of every) {
        if (task.account !== account) await store.delete('tasks', task.code);
      }
      if (account !== who.account) return;
      const known = new Map(this.all.map((task) => [task.code, task]));
      for (const task of every) {
        if (task.account !== account) continue;
        known.set(task.code, latest(task, known.get(task.code) ?? task));
      }
      this.all = [...known.values()];
    } catch {
      // nothing is kept: the list is what the service says
    }
  }

  /** Asks the device where it is; the last place stays where it does not say. */
  async where(): Promise<void> {
    try {
      const { lon, lat } = await locate();
      this.spot = { lon, lat };
      this.from = 'device';
      this.denied = false;
      remember('crew.spot', this.spot);
    } catch (error) {
      this.denied = (error as { denied?: boolean }).denied === true;
    }
  }

  /** Where to ask from, soon: a device may take its time, and a question may stay unanswered. */
  async #somewhere(newer: AbortSignal): Promise<Spot> {
    const located = this.where();
    const patience = this.spot ? PATIENCE_MS.known : PATIENCE_MS.unknown;
    await Promise.race([located, new Promise((go) => setTimeout(go, patience))]);
    if (!this.spot) {
      await wards.load();
      const code = who.staff?.ward?.code;
      const own = wards.items.find((ward) => ward.code === code) ?? wards.items[0];
      if (own && !this.spot) this.spot = { lon: own.center[0], lat: own.center[1] };
    }
    const { spot } = this;
    if (!spot) throw new Unreachable(navigator.onLine ? 'server' : 'offline');
    void located.then(() => {
      const moved = this.spot && metres(this.spot, spot) > MOVED_M;
      if (moved && !newer.aborted) void this.refresh();
    });
    return spot;
  }

  async refresh(): Promise<void> {
    const { account } = who;
    if (!account || who.ended) return;
    this.#newer.abort();
    const newer = (this.#newer = new AbortController());
    this.loading = true;
    try {
      const spot = await this.#somewhere(newer.signal);
      const [near, mine] = await Promise.all([
        tasksNear(spot, this.order, null, newer.signal),
        tasksNear(spot, 'distance', 'me', newer.signal),
      ]);
      if (newer.signal.aborted || account !== who.account) return;
      await this.#take([...near, ...mine], account);
      this.failure = null;
      this.askedAt = clock();
      remember('crew.listed', { account, at: this.askedAt } satisfies Asked);
      void this.#ahead(newer.signal);
    } catch (error) {
      if (isStale(error) || isEnded(error)) return;
      this.failure = error instanceof Unreachable ? error.reason : sentence(error);
    } finally {
      if (newer === this.#newer) this.loading = false;
    }
  }

  setOrder(order: Order): void {
    this.order = order;
    remember('crew.order', order);
    void this.refresh();
  }

  /** Asks for all of a task; what is kept of it stays where no answer comes. */
  async look(code: string, newer?: AbortSignal): Promise<void> {
    const { account } = who;
    const { properties, geometry } = (await wholeTask(code, newer)) as WholeFeature;
    if (!account || account !== who.account || !geometry) return;
    const [lon, lat] = geometry.coordinates;
    await this.#put([{ code, account, lon, lat, it: properties, whole: properties }]);
  }

  /** Takes over how the device has tasks now, where that is newer. */
  async reread(codes: string[] | null): Promise<void> {
    try {
      const every = await (await db()).getAll('tasks');
      const known = new Map(every.map((task) => [task.code, task]));
      this.all = this.all.map((task) => {
        const there = codes && !codes.includes(task.code) ? undefined : known.get(task.code);
        return there && there.account === task.account ? latest(task, there) : task;
      });
    } catch {
      // it is asked for besides
    }
  }

  /** After something was sent: how the tasks are now, as far as they can be asked for. */
  async lookAgain(codes: string[]): Promise<void> {
    for (const code of codes) {
      try {
        await this.look(code);
      } catch (error) {
        if (isEnded(error) || error instanceof Unreachable) return;
      }
    }
  }

  async #take(found: TaskFeature[], account: string): Promise<void> {
    const made = new Map<string, Task>();
    for (const { geometry, properties } of found) {
      if (!geometry) continue;
      const [lon, lat] = geometry.coordinates;
      const { code } = properties;
      const before = this.find(code);
      const whole = before?.whole?.version === properties.version ? before.whole : null;
      const fresh: Task = { code, account, lon, lat, it: properties, whole };
      made.set(code, before ? latest(before, fresh) : fresh);
    }
    // Something was done to these here, or is about to be: they stay, whatever became of them.
    const isInUse = ({ code }: Task): boolean => code === place.task || outbox.of(code).length > 0;
    for (const task of this.all) {
      if (!made.has(task.code) && isInUse(task)) made.set(task.code, task);
    }
    const gone = this.all.filter(({ code }) => !made.has(code)).map(({ code }) => code);
    this.all = [...made.values()];
    await this.#keep(this.all, gone);
  }

  async #put(tasks: Task[]): Promise<void> {
    tasks = tasks.map((task) => {
      const before = this.find(task.code);
      return before ? latest(before, task) : task;
    });
    const codes = new Set(tasks.map(({ code }) => code));
    this.all = [...this.all.filter(({ code }) => !codes.has(code)), ...tasks];
    await this.#keep(tasks, []);
  }

  async #keep(tasks: Task[], gone: string[]): Promise<void> {
    try {
      await withRoom(async () => {
        const writing = (await db()).transaction('tasks', 'readwrite');
        const deleted = gone.map((code) => writing.store.delete(code));
        const put = tasks.map((task) => writing.store.put(task));
        await Promise.all([...deleted, ...put, writing.done]);
      });
      this.unkept = false;
    } catch {
      this.unkept = true;
    }
  }

  /** Looks at one's own and the nearest ones whole while there is a signal, with their photos. */
  async #ahead(newer: AbortSignal): Promise<void> {
    const mine = ({ it }: Task): boolean => it.holder?.mine ?? false;
    const near = sorted(this.all, this.order, this.spot);
    const first = [...near.filter(mine), ...near.filter((task) => !mine(task))].slice(0, AHEAD);
    for (const { code, whole } of first) {
      if (newer.aborted) return;
      if (whole) continue;
      try {
        await this.look(code, newer);
      } catch (error) {
        if (isEnded(error) || isStale(error) || error instanceof Unreachable) return;
      }
    }
    const now = first.map(({ code }) => this.find(code)).filter((task) => task !== null);
    await keepAhead(now, newer);
  }
}

/** An answer that was on its way while something was done here tells of before that. */
function latest(before: Task, now: Task): Task {
  const older = Number(now.it.version) < Number(before.it.version);
  return older ? before : now;
}

export const tasks = new Tasks();
