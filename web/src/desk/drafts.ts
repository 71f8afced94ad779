/** Unfinished answers, one for each report, kept on this device until they are sent or thrown away.
 *
 * By account: at a desk that two share, neither reads what the other has not sent. */
import { session } from '../state/session.svelte';
import { forget, recall, remember } from '../state/storage';
import { keptBase, type Base } from './watched.svelte';

export interface Draft {
  /** A move of the service, or `notes` or `category`. */
  what: string;
  text: string;
  inner: string;
  organisation: string;
  category: string;
  /** The report that it is the same as. */
  other: string;
  /** Whether the other one ends with this one, not this with the other. */
  otherEnds: boolean;
  /** Photos by their id on this device. */
  photos: string[];
}

export const EMPTY: Draft = {
  what: '',
  text: '',
  inner: '',
  organisation: '',
  category: '',
  other: '',
  otherEnds: false,
  photos: [],
};

/** What it was begun upon: the report itself, and the one that it is the same as. */
export interface Begun {
  mine: Base | null;
  other: Base | null;
}

/** Whose sign-in has ended goes on writing. */
let account = '';

/** Where something unfinished about a report is kept; `kind` says what. */
export function draftName(kind: 'draft' | 'verdict', code: string): string {
  account = session.staff?.email ?? account;
  return `desk.${kind}.${account}.${code}`;
}

export function recallDraft(code: string): { draft: Draft; begun: Begun } {
  const left = recall<Partial<Draft> & { begun?: Begun; at?: number }>(draftName('draft', code));
  const { begun, at: _, ...draft } = left ?? {};
  const [mine, other] = [begun?.mine, begun?.other].map((base) => keptBase(base ?? null));
  return { draft: { ...EMPTY, ...draft }, begun: { mine: mine ?? null, other: other ?? null } };
}

/** Something that would be missed. */
export function isWritten(draft: Draft): boolean {
  const merging = draft.what === 'merge' && draft.other;
  return Boolean(draft.text.trim() || draft.inner.trim() || draft.photos.length || merging);
}

export function keepDraft(code: string, draft: Draft, begun: Begun): void {
  const name = draftName('draft', code);
  const kept: Begun = { mine: keptBase(begun.mine), other: keptBase(begun.other) };
  if (isWritten(draft)) remember(name, { ...draft, begun: kept, at: Date.now() });
  else forget(name);
}

export function hasDraft(code: string): boolean {
  return recall(draftName('draft', code)) !== null;
}
