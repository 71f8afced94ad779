/** Photos of tasks, made small, for when there is no signal.
 *
 * Some of them nobody but the staff may see. So each is kept for the account that saw it, goes with
 * its sign-in, is asked for anew when its report changed (a face may have been covered, a photo
 * hidden), and stays for some days at most. */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import { shrink } from '../photos/shrink';
import { isShort, PICTURES } from '../state/room';
import type { Photo } from '../types';
import type { Task } from './types';
import { who } from './who.svelte';

interface Picture {
  /** Of its report's code and its number there. */
  id: string;
  account: string;
  /** Of the report, and of the photo, when it was asked for last. */
  version: string;
  etag: string;
  blob: Blob;
  /** When that was, by the device. */
  at: number;
}

interface Schema extends DBSchema {
  pictures: { key: string; value: Picture };
}

/** Enough to tell what to mend; the service has no smaller ones. */
const LONGEST = 1280;
const MOST = 150;
const MOST_BYTES = 40_000_000;
const DAYS_MS = 7 * 86_400_000;
const PATIENCE_MS = { known: 6_000, unknown: 20_000 };

/** No answer came: what is kept is the best there is. */
class Away extends Error {}

let opened: Promise<IDBPDatabase<Schema>> | null = null;
/** The device has no room: then none is fetched that nobody looks at. */
let full = false;

function db(): Promise<IDBPDatabase<Schema>> {
  opened ??= openDB<Schema>(PICTURES, 1, {
    upgrade: (made) => void made.createObjectStore('pictures', { keyPath: 'id' }),
    // It is being deleted (`state/room.ts`).
    blocking: (_at, _to, event) => {
      (event.target as IDBDatabase).close();
      opened = null;
    },
    terminated: () => (opened = null),
  });
  opened.catch(() => (opened = null));
  return opened;
}

const idOf = (code: string, { n }: Photo): string => `${code}/${n}`;
/** What one account sees is not another's, also of what is on its way. */
const isOf = (account: string): boolean => account === who.account && !who.ended;

async function kept(account: string, id: string): Promise<Picture | null> {
  try {
    const found = await (await db()).get('pictures', id);
    return found?.account === account ? found : null;
  } catch {
    return null;
  }
}

async function write(picture: Picture): Promise<void> {
  try {
    const store = await db();
    if (isOf(picture.account)) await store.put('pictures', picture);
  } catch {
    full = true;
  }
}

async function drop(ids: string[]): Promise<void> {
  try {
    const writing = (await db()).transaction('pictures', 'readwrite');
    await Promise.all([...ids.map((id) => writing.store.delete(id)), writing.done]);
  } catch {
    // they go with the others
  }
}

/** Asks for a photo, unless it is kept as it is now. Null: there is none to be seen. */
async function fetched(task: Task, photo: Photo): Promise<Picture | null> {
  const { account, code, it } = task;
  const id = idOf(code, photo);
  const before = await kept(account, id);
  if (before?.version === it.version) return before;
  const signal = AbortSignal.timeout(before ? PATIENCE_MS.known : PATIENCE_MS.unknown);
  let answer: Response;
  let found: Blob;
  try {
    const headers = new Headers(before ? { 'If-None-Match': before.etag } : {});
    // Kept here, and nowhere besides.
    const how = { signal, headers, cache: 'no-store' } as const;
    answer = await fetch(photo.still ?? photo.url, how);
    if (answer.status >= 500 || answer.status === 429) throw new Away();
    found = await answer.blob();
  } catch {
    throw new Away();
  }
  if (!isOf(account)) return null;
  const seen = { version: it.version, at: Date.now() };
  if (before && answer.status === 304) {
    const still = { ...before, ...seen };
    await write(still);
    return still;
  }
  if (!answer.ok) {
    await drop([id]);
    return null;
  }
  const etag = answer.headers.get('ETag') ?? '';
  const picture = { id, account, etag, blob: await shrink(found, LONGEST), ...seen };
  await write(picture);
  return isOf(account) ? picture : null;
}

const underWay = new Map<string, Promise<Picture | null>>();

function once(task: Task, photo: Photo): Promise<Picture | null> {
  const id = `${task.account} ${idOf(task.code, photo)} ${task.it.version}`;
  let asked = underWay.get(id);
  if (!asked) {
    asked = fetched(task, photo).finally(() => underWay.delete(id));
    underWay.set(id, asked);
  }
  return asked;
}

/** A photo of a task, small: as it is now, or else as it was seen last. Null: it cannot be had. */
export async function pictureOf(task: Task, photo: Photo): Promise<Blob | null> {
  try {
    const found = await once(task, photo);
    return found?.blob ?? null;
  } catch {
    const before = await kept(task.account, idOf(task.code, photo));
    return before?.blob ?? null;
  }
}

/** Has those of these tasks on the device, the first ones where all are too many; others go. */
export async function keepAhead(tasks: readonly Task[], newer: AbortSignal): Promise<void> {
  const wanted = tasks
    .flatMap((task) => task.it.photos.map((photo) => ({ task, photo })))
    .slice(0, MOST);
  await keepOnly(new Set(wanted.map(({ task, photo }) => idOf(task.code, photo))));
  let bytes = 0;
  for (const [n, { task, photo }] of wanted.entries()) {
    if (newer.aborted || full || isShort()) return;
    if (bytes >= MOST_BYTES) {
      await drop(wanted.slice(n).map((each) => idOf(each.task.code, each.photo)));
      return;
    }
    try {
      bytes += (await once(task, photo))?.blob.size ?? 0;
    } catch (error) {
      if (error instanceof Away) return;
      // It is no photo that this browser can read: the next one may be.
    }
  }
}

/** Lets go of all but these, if they are named; of what is another account's, and of what is old. */
export async function keepOnly(ids: ReadonlySet<string> | null = null): Promise<void> {
  const { account } = who;
  try {
    const every = await (await db()).getAll('pictures');
    const gone = every.filter(
      (each) =>
        each.account !== account ||
        (ids !== null && !ids.has(each.id)) ||
        Math.abs(Date.now() - each.at) > DAYS_MS,
    );
    await drop(gone.map(({ id }) => id));
  } catch {
    // closed: there are none
  }
}
