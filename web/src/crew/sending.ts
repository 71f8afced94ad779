/** The outbox on its way to the service: in order, each action once, nothing let go unheard. */
import { replay, whoIsThere, type SentAction } from '../api/crew';
import { Refused, Unreachable } from '../api/ask';
import { arrive, forgetUpload, kept, TakenAway } from '../photos/kept';
import { changeAll, claim, queued, settle } from './queue';
import type { ActionResult, OfflineAction, Problem } from './types';

/** So many at once: an answer that gets lost is not much to ask for again. */
const MOST = 25;
const LOCK = 'pinward-outbox';

/** `sent`: all that can be sent was. `ended`: nobody is signed in. `other`: somebody else is.
 * `forbidden`: the account may not do such things. `full`: the device writes nothing down. */
export type Outcome =
  | 'sent'
  | 'offline'
  | 'slow'
  | 'server'
  | 'busy'
  | 'ended'
  | 'other'
  | 'forbidden'
  | 'full';

export interface Heard {
  /** The outbox is another now. */
  onChange(): Promise<void>;
  /** These tasks are as the device keeps them now. */
  onDone(codes: string[]): Promise<void>;
}

/** Sends the outbox of an account. One page of a device at a time does: the next one waits, and finds
 * what is left. */
export function send(account: string, heard: Heard): Promise<Outcome> {
  const work = (): Promise<Outcome> => sendAll(account, heard);
  // Browsers keep locks from pages without TLS; the service does nothing twice in any case.
  return 'locks' in navigator ? navigator.locks.request(LOCK, work) : work();
}

async function sendAll(account: string, heard: Heard): Promise<Outcome> {
  try {
    if (sendable(await queued(account)).length === 0) return 'sent';
    // Another page may have signed in as somebody else: theirs is not to be done under that name.
    const { email } = await whoIsThere();
    if (email !== account) return 'other';
    // What could not be sent this time, by its report.
    const held = new Set<string>();
    for (;;) {
      const left = sendable(await queued(account)).filter(({ code }) => !held.has(code));
      if (left.length === 0) return 'sent';
      const ready = await readyOf(left);
      if (ready.length > 0) await deliver(ready, held, heard);
      else await photosOf(left[0]!);
      await heard.onChange();
    }
  } catch (error) {
    await heard.onChange();
    return outcomeOf(error);
  }
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof Unreachable) return error.reason;
  if (error instanceof DOMException) return 'full';
  if (!(error instanceof Refused)) return 'server';
  if (error.status === 401) return 'ended';
  if (error.status === 403) return 'forbidden';
  if (error.status === 409) return 'other';
  return error.status === 429 ? 'busy' : 'server';
}

/** All that nothing before it stops. */
export function sendable(actions: readonly OfflineAction[]): OfflineAction[] {
  const stopped = new Set<string>();
  return actions.filter(({ code, state }) => {
    if (state !== 'waiting') stopped.add(code);
    return !stopped.has(code);
  });
}

/** The first ones that have no photo to wait for, nor one before them of the same report that has. */
async function readyOf(actions: OfflineAction[]): Promise<OfflineAction[]> {
  const waits = new Set<string>();
  const ready: OfflineAction[] = [];
  for (const action of actions) {
    const there = await Promise.all(action.photos.map(async (id) => (await kept(id))?.upload));
    if (!there.every(Boolean)) waits.add(action.code);
    if (!waits.has(action.code)) ready.push(action);
  }
  return ready.slice(0, MOST);
}

/** Brings an action's photos there. One that is not taken sets the action aside, with why. */
async function photosOf(action: OfflineAction): Promise<void> {
  for (const id of action.photos) {
    try {
      await arrive(id);
    } catch (error) {
      if (error instanceof TakenAway) return;
      if (!(error instanceof Refused) || [401, 403, 429].includes(error.status)) throw error;
      await changeAll([[action.id, { state: 'refused', problem: aboutPhoto(error) }]]);
      return;
    }
  }
}

function aboutPhoto(error: Refused): Problem {
  const told = error.problem as Problem;
  return { ...told, status: error.status, errors: [{ field: 'photos', message: error.message }] };
}

/** Sends actions at once and keeps what became of each. */
async function deliver(wanted: OfflineAction[], held: Set<string>, heard: Heard): Promise<void> {
  const actions = await claim(wanted.map(({ id }) => id));
  const items = await Promise.all(actions.map(item));
  if (items.length === 0) return;
  let results: ActionResult[];
  try {
    results = await replay(actions[0]!.account, items);
  } catch (error) {
    if (!(error instanceof Refused) || ![400, 413, 422].includes(error.status)) throw error;
    await sortOut(actions, error, held, heard);
    return;
  }
  await keepResults(actions, results, held, heard);
}

async function item(action: OfflineAction): Promise<SentAction> {
  const photos = await Promise.all(
    action.photos.map(async (id) => (await kept(id))?.upload ?? ''),
  );
  const { id, code, move, text, inner, version, after } = action;
  return {
    ...{ id, code, move, text, inner, photos },
    ...(after ? { after } : version ? { version } : {}),
    at: new Date(action.at).toISOString(),
  };
}

/** One that is not even read refuses all that came with it: it is found and set aside. */
async function sortOut(
  actions: OfflineAction[],
  error: Refused,
  held: Set<string>,
  heard: Heard,
): Promise<void> {
  const named = new Map<number, { field: string; message: string }[]>();
  for (const { field, message } of error.errors) {
    const [, n, rest] = /^actions\.(\d+)\.?(.*)$/.exec(field) ?? [];
    if (n === undefined) continue;
    named.set(Number(n), [...(named.get(Number(n)) ?? []), { field: rest || 'action', message }]);
  }
  const wrong = actions.filter((_, n) => named.has(n));
  if (wrong.length > 0 || actions.length === 1) {
    const { type, title } = error.problem;
    const found = wrong.length > 0 ? wrong : actions;
    await changeAll(
      found.map((action) => {
        const errors = named.get(actions.indexOf(action)) ?? error.errors;
        const detail = errors.map(({ field, message }) => `${field}: ${message}`).join('; ');
        const why = { type, title, status: error.status, errors };
        const problem: Problem = { ...why, detail: detail || error.message } as Problem;
        return [action.id, { state: 'refused' as const, problem }];
      }),
    );
    return;
  }
  const half = Math.ceil(actions.length / 2);
  for (const part of [actions.slice(0, half), actions.slice(half)]) {
    // What the first half set aside stops what comes after it of the same report.
    const now = sendable(await queued(part[0]!.account)).map(({ id }) => id);
    const still = part.filter(({ id, code }) => now.includes(id) && !held.has(code));
    if (still.length > 0) await deliver(still, held, heard);
  }
}

async function keepResults(
  actions: OfflineAction[],
  results: ActionResult[],
  held: Set<string>,
  heard: Heard,
): Promise<void> {
  const done: { action: OfflineAction; version: string | null }[] = [];
  const changes: [string, Partial<OfflineAction>][] = [];
  for (const action of actions) {
    const result = results.find(({ id }) => id === action.id);
    switch (result?.status) {
      case 'done':
      case 'again':
        done.push({ action, version: result.version });
        break;
      case 'conflict':
        changes.push([
          action.id,
          { state: 'conflict', problem: result.problem, now: result.task },
        ]);
        break;
      case 'refused':
        if (await withPhotosAnew(action, result.problem)) break;
        changes.push([action.id, { state: 'refused', problem: result.problem }]);
        break;
      default:
        // Skipped, failed, or not told of: it stays as it is, and is tried next time.
        held.add(action.code);
    }
  }
  if (changes.length > 0) await changeAll(changes);
  await settle(done);
  const codes = new Set(done.map(({ action }) => action.code));
  if (codes.size > 0) await heard.onDone([...codes]);
}

/** Whether it was refused for uploads that are not there any more (they are kept for a day), and may
 * go once more with new ones. */
async function withPhotosAnew(action: OfflineAction, problem: Problem | null): Promise<boolean> {
  const gone = (problem?.errors ?? []).flatMap(({ field }) => {
    const id = action.photos[Number(/^photos\.(\d+)$/.exec(field)?.[1] ?? NaN)];
    return id ? [id] : [];
  });
  if (gone.length === 0 || action.problem?.type === problem?.type) return false;
  for (const id of gone) await forgetUpload(id);
  await changeAll([[action.id, { problem }]]);
  return true;
}
