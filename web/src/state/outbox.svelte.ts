/** Reports on their way: kept on this device until the service has taken them in, each once.
 *
 * A report lies here before it is sent, under an Idempotency-Key of its own, so that a lost answer, a
 * reload or an empty battery neither loses nor doubles it. Contact data lie here for as long, and go
 * with it.
 */
import { Refused, sendReport, Unreachable } from '../api';
import { arrive, drop, forgetUpload } from '../photos/kept';
import type { NewReport, Receipt } from '../types';
import { uuid } from '../uuid';
import { db, keepStorage } from './db';
import type { Draft } from './draft.svelte';
import { addMine } from './mine.svelte';

export interface OutgoingReport {
  /** Of this device. */
  id: string;
  /** Its Idempotency-Key. */
  key: string;
  report: NewReport;
  /** As the fields held it, to go on writing by. */
  draft: Draft;
  /** By their id on this device. */
  photos: string[];
  /** As it was sent first, photos by the service's id: sent again, it is the same to the letter. */
  body: NewReport | null;
  at: number;
  /** Why the service did not take it; it waits for its sender. */
  refusal: { status: number; problem: Refused['problem'] } | null;
}

type Outcome = { receipt: Receipt } | { refused: Refused } | { unreachable: Unreachable };

export const outbox = $state<{
  items: OutgoingReport[];
  /** Whose turn it is now. */
  sending: string | null;
  /** False: the device keeps nothing, and what waits is lost with the page. */
  safe: boolean;
  /** What was taken in while nobody watched, newest first. */
  arrived: { id: string; receipt: Receipt }[];
}>({ items: [], sending: null, safe: true, arrived: [] });

/** Seconds until the next try; the last one again and again. */
const PAUSES_S = [5, 15, 60, 300];
let failures = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let running: Promise<void> | null = null;
const outcomes = new Map<string, Outcome>();
/** Whose sender waits for the answer; all others are told of by `arrived`. */
const watched = new Set<string>();
/** Taken out here: a list that was asked for before must not bring them back. */
const out = new Set<string>();

/** Pages of one device send for each other: whoever waits in another one is told. */
const channel = 'BroadcastChannel' in window ? new BroadcastChannel('pinward-reports') : null;
channel?.addEventListener('message', ({ data }: MessageEvent<{ id: string; receipt: Receipt }>) => {
  outbox.items = outbox.items.filter(({ id }) => id !== data.id);
  if (watched.has(data.id)) outcomes.set(data.id, { receipt: data.receipt });
  else outbox.arrived.unshift(data);
});

async function save(item: OutgoingReport): Promise<void> {
  try {
    const transaction = (await db()).transaction('reports', 'readwrite', { durability: 'strict' });
    await transaction.store.put($state.snapshot(item) as OutgoingReport);
    await transaction.done;
  } catch {
    outbox.safe = false;
  }
}

async function remove(item: OutgoingReport, photosToo: boolean): Promise<void> {
  out.add(item.id);
  outbox.items = outbox.items.filter(({ id }) => id !== item.id);
  try {
    await (await db()).delete('reports', item.id);
    if (photosToo) await Promise.all(item.photos.map(drop));
  } catch {
    outbox.safe = false;
  }
}

/** What other pages of ours put here, or took away. */
async function reread(): Promise<void> {
  try {
    const kept = await (await db()).getAllFromIndex('reports', 'at');
    if (outbox.safe) outbox.items = kept.filter(({ id }) => !out.has(id));
  } catch {
    outbox.safe = false;
  }
}

/** Keeps a report to be sent; it is safe when this has returned and `outbox.safe` is still true. */
export async function keepReport(
  report: NewReport,
  photos: string[],
  draft: Draft,
): Promise<OutgoingReport> {
  const item: OutgoingReport = {
    id: uuid(),
    key: uuid(),
    report,
    draft,
    photos: [...photos],
    body: null,
    at: Date.now(),
    refusal: null,
  };
  outbox.items.push(item);
  await save(item);
  void keepStorage();
  return item;
}

/** Sends what waits, and returns what became of one of it. */
export async function sendKept(id: string): Promise<Outcome> {
  watched.add(id);
  try {
    // What is under way may have looked at the list before.
    if (running) await running;
    await sendAll();
    return outcomes.get(id) ?? { unreachable: new Unreachable('server') };
  } finally {
    watched.delete(id);
    outcomes.delete(id);
  }
}

/** Takes a report out, unsent; its photos stay on the device unless `photosToo`. */
export async function takeBack(id: string, photosToo = false): Promise<OutgoingReport | null> {
  const item = outbox.items.find((each) => each.id === id);
  if (!item || outbox.sending === id) return null;
  const plain = $state.snapshot(item) as OutgoingReport;
  await remove(plain, photosToo);
  return plain;
}

/** Sends all that waits, in order; one that is refused keeps no other from going. */
export function sendAll(): Promise<void> {
  running ??= alone(sendWaiting).finally(() => (running = null));
  return running;
}

/** Not in two of our pages at once. */
async function alone(work: () => Promise<void>): Promise<void> {
  if (navigator.locks) await navigator.locks.request('pinward.outbox', work);
  else await work();
}

async function sendWaiting(): Promise<void> {
  clearTimeout(timer);
  await reread();
  let waits = false;
  for (const { id } of [...outbox.items]) {
    const item = outbox.items.find((each) => each.id === id);
    if (!item || item.refusal) continue;
    outbox.sending = id;
    const outcome = await sendOne(item).finally(() => (outbox.sending = null));
    if (watched.has(id)) outcomes.set(id, outcome);
    if ('unreachable' in outcome) {
      waits = true;
      // What makes the service stumble may be this one: the others have their turn.
      if (outcome.unreachable.reason !== 'server') break;
    } else {
      failures = 0;
    }
  }
  if (!waits) return;
  const pause = PAUSES_S[Math.min(failures, PAUSES_S.length - 1)] ?? 300;
  failures += 1;
  timer = setTimeout(() => void sendAll(), pause * 1000);
}

/** Whether the service may have it already, as no answer came: then it is that report, and cannot be
 * made another one here. Once its answer is known, it can be corrected. */
export function mayHaveArrived(item: OutgoingReport): boolean {
  return item.body !== null && item.refusal === null;
}

async function sendOne(item: OutgoingReport): Promise<Outcome> {
  try {
    const receipt = await offered(item);
    addMine(receipt, item.report.category);
    if (!watched.has(item.id)) outbox.arrived.unshift({ id: item.id, receipt });
    channel?.postMessage({ id: item.id, receipt });
    await remove(item, true);
    return { receipt };
  } catch (error) {
    if (error instanceof Unreachable) return { unreachable: error };
    // Neither an answer nor a refusal that makes sense: it stays here, as where none came.
    if (!(error instanceof Refused)) return { unreachable: new Unreachable('server') };
    // Too many at once, says the service: nobody waits, so it goes later.
    if (error.status === 429 && !watched.has(item.id)) {
      return { unreachable: new Unreachable('server') };
    }
    item.refusal = { status: error.status, problem: error.problem };
    await save(item);
    return { refused: error };
  }
}

async function offered(item: OutgoingReport): Promise<Receipt> {
  // Not tried: then it surely has not arrived, and can be made another one.
  if (!navigator.onLine) throw new Unreachable('offline');
  for (let again = true; ; again = false) {
    if (!item.body) {
      const photos: string[] = [];
      for (const photo of item.photos) photos.push(await arrive(photo));
      item.body = { ...item.report, ...(photos.length > 0 ? { photos } : {}) };
      await save(item);
    }
    try {
      return await sendReport(item.body, item.key);
    } catch (error) {
      // Kept there for a day only, and it has been longer: nothing was taken in, so they are sent
      // anew, and what names them is another report to the service.
      const gone = error instanceof Refused && error.errors.some(({ field }) => /^photos/.test(field));
      if (!gone || !again || item.photos.length === 0) throw error;
      await Promise.all(item.photos.map(forgetUpload));
      item.body = null;
      item.key = uuid();
    }
  }
}

window.addEventListener('online', () => void sendAll());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && outbox.items.length > 0) void sendAll();
});
void reread().then(() => {
  if (outbox.items.length > 0) void sendAll();
});
