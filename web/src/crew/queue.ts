/** The outbox on the device: what was done and the service has not taken in yet.
 *
 * It is written through to the disk before a page says that something is done, and only leaves it
 * when the service has said so, or by the hand of whoever did it. Every change is one transaction, so
 * that two pages at once, or a battery that dies in between, leave nothing half. */
import type { IDBPTransaction } from 'idb';
import { db, type Schema } from '../state/db';
import { withRoom } from '../state/room';
import { uuid } from '../uuid';
import { clock } from './clock';
import { putBack } from './drafts';
import { after as next, standing } from './moves';
import type { Move, OfflineAction, Task } from './types';

type Store = 'actions' | 'photos' | 'tasks' | 'drafts';
type Writing = IDBPTransaction<Schema, Store[], 'readwrite'>;

/** Tells the other pages of this device that the outbox changed. */
const channel = 'BroadcastChannel' in window ? new BroadcastChannel('pinward-outbox') : null;

export function onQueueChange(heard: () => void): () => void {
  channel?.addEventListener('message', heard);
  return () => channel?.removeEventListener('message', heard);
}

/** All of it on the disk once this resolves, and none of it when it throws. */
function write<T>(work: (writing: Writing) => Promise<T>): Promise<T> {
  return withRoom(() => transact(work));
}

async function transact<T>(work: (writing: Writing) => Promise<T>): Promise<T> {
  const stores: Store[] = ['actions', 'photos', 'tasks', 'drafts'];
  const writing = (await db()).transaction(stores, 'readwrite', { durability: 'strict' });
  try {
    const value = await work(writing);
    await writing.done;
    channel?.postMessage(null);
    return value;
  } catch (error) {
    try {
      writing.abort();
    } catch {
      // it ended by itself
    }
    await writing.done.catch(() => {});
    throw error;
  }
}

/** On their way though the device had no room to write that down: as long as the page. */
const leaving = new Set<string>();

const asItIs = (action: OfflineAction): OfflineAction =>
  leaving.has(action.id) ? { ...action, tried: true } : action;

function inOrder(actions: OfflineAction[], account: string): OfflineAction[] {
  const mine = actions.filter((each) => each.account === account);
  return mine.map(asItIs).sort((a, b) => a.seq - b.seq);
}

export async function queued(account: string): Promise<OfflineAction[]> {
  return inOrder(await (await db()).getAll('actions'), account);
}

/** Whether somebody else's work waits here, too; what it is, nobody else is told. */
export async function othersWait(account: string): Promise<boolean> {
  return (await (await db()).getAll('actions')).some((each) => each.account !== account);
}

export interface Doing {
  move: Move;
  text?: string;
  inner?: string;
  photos?: string[];
}

/** Adds something done to a task, after all that waits of the same task; without one, on top of the
 * task as it was seen, or as one's own last action left it.
 *
 * A note says nothing about how the task stands, so nobody can come before it; but it is a line of
 * the history as well. What is done after it comes after it, and then it is part of the row. */
export function add(account: string, task: Task, doing: Doing): Promise<OfflineAction> {
  return write(async (writing) => {
    const store = writing.objectStore('actions');
    const all = await store.getAll();
    const row = inOrder(all, account).filter(({ code }) => code === task.code);
    const before = row.at(-1);
    const isNote = doing.move === 'note';
    const known = await writing.objectStore('tasks').get(task.code);
    const seen = newer(task.it.version, known?.it.version);
    for (let n = row.length - 1; !isNote && n >= 0; n--) {
      const { move, version, after, tried } = row[n]!;
      if (move !== 'note' || version || after || tried) break;
      const prior = row[n - 1];
      await store.put({ ...row[n]!, ...(prior ? { after: prior.id } : { version: seen }) });
    }
    const action: OfflineAction = {
      id: uuid(),
      code: task.code,
      account,
      move: doing.move,
      text: doing.text ?? '',
      inner: doing.inner ?? '',
      photos: doing.photos ?? [],
      at: clock(),
      seq: 1 + Math.max(0, ...all.map(({ seq }) => seq)),
      version: isNote || before ? null : seen,
      after: isNote ? null : (before?.id ?? null),
      state: 'waiting',
      tried: false,
      problem: null,
      now: null,
      title: { ...task.it.category.name },
    };
    await store.put(action);
    return action;
  });
}

/** Changes an action that is still there. */
export function change(id: string, part: Partial<OfflineAction>): Promise<void> {
  return changeAll([[id, part]]);
}

export function changeAll(parts: [id: string, part: Partial<OfflineAction>][]): Promise<void> {
  return write(async (writing) => {
    const store = writing.objectStore('actions');
    for (const [id, part] of parts) {
      const action = await store.get(id);
      if (action) await store.put({ ...action, ...part });
    }
  });
}

/** Those that are still there, as they are, marked as on their way: from here on nobody can say that
 * they did not arrive. A device that is full does not keep them from going: that makes room. */
export async function claim(ids: string[]): Promise<OfflineAction[]> {
  try {
    return await mark(ids);
  } catch {
    const store = await db();
    const found = await Promise.all(ids.map((id) => store.get('actions', id)));
    for (const id of ids) leaving.add(id);
    return found.filter((action) => action !== undefined).map(asItIs);
  }
}

function mark(ids: string[]): Promise<OfflineAction[]> {
  return write(async (writing) => {
    const store = writing.objectStore('actions');
    const claimed: OfflineAction[] = [];
    for (const id of ids) {
      const action = await store.get(id);
      if (!action) continue;
      if (!action.tried) await store.put({ ...action, tried: true });
      claimed.push({ ...action, tried: true });
    }
    return claimed;
  });
}

type Settled = { action: OfflineAction; version: string | null }[];

/** Takes out what the service has, with its photos. The tasks are as it left them: what is done
 * next, before they could be asked for, comes on top of that. */
export async function settle(done: Settled): Promise<void> {
  try {
    await withTasks(done);
  } catch {
    // To take away needs no room; how the tasks are now is asked for besides.
    await write((writing) => take(writing, done.map(({ action }) => action.id)));
  }
}

function withTasks(done: Settled): Promise<void> {
  return write(async (writing) => {
    const store = writing.objectStore('tasks');
    for (const { action, version } of done) {
      const task = await store.get(action.code);
      if (!task || !version || newer(task.it.version, version) !== version) continue;
      const { status, hand } = next(action.move, standing(task.it));
      const holder = hand === 'none' ? null : (task.it.holder ?? { mine: true, name: '' });
      await store.put({ ...task, it: { ...task.it, version, status, holder } });
    }
    await take(writing, done.map(({ action }) => action.id));
  });
}

/** The later of two versions: they are numbers of events. */
export function newer(one: string, other: string | undefined): string {
  return other !== undefined && Number(other) > Number(one) ? other : one;
}

async function take(writing: Writing, ids: string[]): Promise<void> {
  const store = writing.objectStore('actions');
  for (const id of ids) {
    const action = await store.get(id);
    if (!action) continue;
    for (const photo of action.photos) await writing.objectStore('photos').delete(photo);
    await store.delete(id);
  }
}

/** Takes back what was done, unless it may have arrived: its words and photos are a draft again. By
 * `force`, where it is known that it has not arrived, it goes with them. What came after it comes
 * after what was before it. Says whether it is gone. */
export function takeBack(id: string, force = false): Promise<boolean> {
  return write(async (writing) => {
    const store = writing.objectStore('actions');
    const action = await store.get(id);
    if (!action || (asItIs(action).tried && !force)) return false;
    for (const next of await store.getAll()) {
      if (next.after !== id) continue;
      await store.put({ ...next, version: action.version, after: action.after });
    }
    if (force) await take(writing, [id]);
    else {
      await putBack(writing.objectStore('drafts'), action);
      await store.delete(id);
    }
    return true;
  });
}

/** Puts other actions in the place of some of a task, which go with the photos that nobody uses.
 * Where none of them is there any more, that was done already: by a second tap, or another page. */
export function replace(ids: string[], by: OfflineAction[]): Promise<void> {
  return write(async (writing) => {
    const used = new Set(by.flatMap(({ photos }) => photos));
    const store = writing.objectStore('actions');
    let found = 0;
    for (const id of ids) {
      const action = await store.get(id);
      if (!action) continue;
      found += 1;
      for (const photo of action.photos) {
        if (!used.has(photo)) await writing.objectStore('photos').delete(photo);
      }
      await store.delete(id);
    }
    if (ids.length > 0 && found === 0) return;
    for (const action of by) await store.put(action);
  });
}
