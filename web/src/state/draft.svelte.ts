/** The report being written: kept on this device with every letter, and handed to the outbox to send.
 *
 * It is written down twice: at once where a reload finds it (localStorage, which browsers bring to
 * disk when they see fit), and a moment later where an empty battery leaves it (IndexedDB).
 *
 * Contact data are never part of what is kept here; they lie in the outbox only, for as long as the
 * report waits there.
 */
import type { Refused, Unreachable } from '../api';
import { ChosenPhotos } from '../photos/chosen.svelte';
import { composed } from '../report/compose';
import type { Pin, Receipt } from '../types';
import { uuid } from '../uuid';
import { db } from './db';
import { isGone, onGone, setGone } from './gone';
import { keepReport, outbox, sendKept, takeBack } from './outbox.svelte';
import { forget, onRemembered, recall, recallHere, remember, rememberHere } from './storage';

export interface Draft {
  /** Of this device; empty while nothing is written. */
  id: string;
  pin: Pin | null;
  category: string | null;
  text: string;
  /** Where it is, for a pin that only stands for its ward. */
  address: string;
  /** Answers to the category's questions, as typed, by the question's code. */
  answers: Record<string, string>;
  /** By their id on this device. */
  photos: string[];
  /** When it was last written to, in milliseconds since 1970. */
  at: number;
}

const EMPTY: Draft = {
  id: '',
  pin: null,
  category: null,
  text: '',
  address: '',
  answers: {},
  photos: [],
  at: 0,
};
const KEY = 'report';

const values = $state<Draft>({ ...EMPTY });
export const photos = new ChosenPhotos(save);

export const contact = $state({ anonymous: true, name: '', phone: '', email: '' });
export const sending = $state<{
  busy: boolean;
  refused: Refused | null;
  /** What waits in the outbox since it was to be sent, and why it waits. */
  kept: { id: string; reason: Unreachable['reason'] } | null;
  receipt: Receipt | null;
  /** What this page showed was sent or thrown away by another one. */
  elsewhere: 'gone' | 'gone without contact' | null;
}>({ busy: false, refused: null, kept: null, receipt: null, elsewhere: null });

/** Which draft is being sent; it may have been left meanwhile. */
let current = '';
/** Which lies in the outbox now: were it still a draft as well, a reload would have it sent twice. */
let handed = '';
let timer: ReturnType<typeof setTimeout> | undefined;
/** Letters come faster than they are worth writing down. */
const TYPING_MS = 200;

function save(): void {
  clearTimeout(timer);
  if (!values.id && filled()) values.id = uuid();
  values.at = Date.now();
  const now = written();
  rememberHere('draft', now);
  // Where nothing is left, another page's draft is left alone; what is gone is known as such.
  if (now) remember('draft', now);
  else if (isOver(recall<Draft>('draft'))) forget('draft');
  timer = setTimeout(() => void write(now), TYPING_MS);
}

/** What the fields hold and nothing else does; null: nothing. */
function written(): Draft | null {
  if (!filled() || handed === values.id) return null;
  return { ...($state.snapshot(values) as Draft), photos: photos.ids };
}

function filled(): boolean {
  const { pin, category, text, address } = values;
  return Boolean(pin || category || text || address || photos.ids.length > 0);
}

async function write(now: Draft | null): Promise<void> {
  timer = undefined;
  try {
    const transaction = (await db()).transaction('drafts', 'readwrite', { durability: 'strict' });
    if (now) await transaction.store.put(now, KEY);
    else if (isOver((await transaction.store.get(KEY)) as Draft | undefined)) {
      await transaction.store.delete(KEY);
    }
    await transaction.done;
  } catch {
    photos.safe = false;
  }
}

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') follow();
  if (!timer) return;
  clearTimeout(timer);
  void write(written());
});

/** The same draft may stand in another page of ours, which went on with it. */
function follow(): void {
  const { id, at } = values;
  if (!id || sending.busy) return;
  if (isGone(id)) {
    photos.release();
    const reachable = !contact.anonymous && Boolean(contact.phone || contact.email);
    blank();
    sending.elsewhere = reachable ? 'gone without contact' : 'gone';
    return;
  }
  const there = recall<Draft>('draft');
  if (there?.id !== id || there.at <= at) return;
  Object.assign(values, there);
  void photos.follow(there.photos);
}
onRemembered('draft', follow);
onGone(follow);

function blank(): void {
  Object.assign(values, { ...EMPTY, answers: {}, photos: [] });
  Object.assign(contact, { anonymous: true, name: '', phone: '', email: '' });
  rememberHere('draft', null);
}

function isOver(kept: Draft | null | undefined): boolean {
  return !kept?.id || isGone(kept.id);
}

/** What was being written when this page was last open, or else any: what was written to last.
 * It stands there before anything else can be begun; the slower store is asked besides. */
async function restore(): Promise<void> {
  const here = recallHere<Draft>('draft');
  const found = [here, recall<Draft>('draft')];
  take(found, here);
  const { at } = values;
  try {
    const store = await db();
    found.push(((await store.get('drafts', KEY)) as Draft | undefined) ?? null);
    // An empty battery may have kept both.
    for (const { draft: sent } of await store.getAll('reports')) setGone(sent.id);
  } catch {
    photos.safe = false;
  }
  if (!isGone(values.id)) take(found, here);
  else if (values.at !== at) follow();
  else {
    photos.release();
    blank();
  }
}

function take(found: readonly (Draft | null)[], here: Draft | null): void {
  const [kept] = found
    .filter((each): each is Draft => !isOver(each))
    .sort((one, other) => other.at - one.at)
    .filter((each, _, all) => !all.some(({ id }) => id === here?.id) || each.id === here?.id);
  // Nothing that was begun meanwhile is lost.
  if (!kept || (kept.id === values.id ? kept.at <= values.at : filled())) return;
  Object.assign(values, { ...EMPTY, ...kept });
  void photos.restore(values.photos);
}
export const restored = restore();

function change(part: Partial<Draft>): void {
  Object.assign(values, part);
  save();
}

export const draft = {
  get pin(): Pin | null {
    return values.pin;
  },
  set pin(pin: Pin | null) {
    change({ pin });
  },
  get category(): string | null {
    return values.category;
  },
  set category(category: string | null) {
    // Another category asks other things.
    change(category === values.category ? {} : { category, answers: {} });
  },
  get text(): string {
    return values.text;
  },
  set text(text: string) {
    change({ text });
  },
  get address(): string {
    return values.address;
  },
  set address(address: string) {
    change({ address });
  },
  get answers(): Readonly<Record<string, string>> {
    return values.answers;
  },
};

export function answer(question: string, given: string): void {
  change({ answers: { ...values.answers, [question]: given } });
}

/** Whether the pin only stands for a ward, so that the place has to be told in words. */
export function needsAddress(): boolean {
  return values.pin?.source === 'ward';
}

function empty(): void {
  setGone(values.id);
  photos.release();
  blank();
  save();
}

/** Throws away what is written, photos too; what is on its way goes its way. */
export function clearDraft(): void {
  leave();
  empty();
}

function leave(): void {
  if (current) photos.release();
  else photos.discard();
  current = '';
  Object.assign(sending, { busy: false, refused: null, kept: null, receipt: null });
}

/** Hands what is written to the outbox and sends it. Afterwards `sending` holds a receipt, what is
 * kept for later, or a refusal; of a refusal what is written stays. */
export async function send(): Promise<void> {
  follow();
  const report = composed(values, contact);
  if (!report || sending.busy || photos.busy) return;
  const of = (current = values.id);
  Object.assign(sending, { busy: true, refused: null, kept: null });
  try {
    const { id } = await keepReport(report, photos.ids, written() ?? EMPTY);
    if (outbox.safe && current === of) {
      handed = of;
      setGone(of);
      save();
    }
    const outcome = await sendKept(id);
    if (handed === of) handed = '';
    // Left meanwhile: what became of it is told where one is now, and a refused one waits there.
    if (current !== of) {
      if ('receipt' in outcome) outbox.arrived.unshift({ id, receipt: outcome.receipt });
      return;
    }
    if ('refused' in outcome) {
      values.id = uuid();
      save();
      await takeBack(id);
      sending.refused = outcome.refused;
      return;
    }
    empty();
    if ('receipt' in outcome) sending.receipt = outcome.receipt;
    else sending.kept = { id, reason: outcome.unreachable.reason };
  } finally {
    if (handed === of) handed = '';
    if (current === of) {
      current = '';
      sending.busy = false;
    }
  }
}

/** Takes what waits in the outbox back, to go on writing it; what was being written meanwhile is
 * thrown away. Returns whether there is something to go on with. */
export async function edit(id: string): Promise<boolean> {
  const item = await takeBack(id);
  if (!item) return false;
  leave();
  Object.assign(values, item.draft, { id: uuid() });
  const reporter = item.report.reporter;
  Object.assign(contact, { anonymous: !reporter, name: '', phone: '', email: '', ...reporter });
  const read = photos.restore(item.photos);
  save();
  await read;
  return true;
}

/** What was kept has gone meanwhile, by itself. */
export function receiptOfKept(): Receipt | null {
  const { kept } = sending;
  return (kept && outbox.arrived.find(({ id }) => id === kept.id)?.receipt) ?? null;
}
