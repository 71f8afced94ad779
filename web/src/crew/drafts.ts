/** What somebody is about to say with a move: kept with each letter and photo, until it is done. */
import { drop } from '../photos/kept';
import { forget, recall, remember } from '../state/storage';
import type { Move } from './types';

export interface Draft {
  text: string;
  inner: string;
  photos: string[];
}

const key = (account: string, code: string, move: Move): string =>
  `crew.draft.${account}.${code}.${move}`;

export function draftOf(account: string, code: string, move: Move): Draft {
  return recall<Draft>(key(account, code, move)) ?? { text: '', inner: '', photos: [] };
}

export function keepDraft(account: string, code: string, move: Move, draft: Draft): void {
  const { text, inner, photos } = draft;
  if (text || inner || photos.length > 0) remember(key(account, code, move), draft);
  else forget(key(account, code, move));
}

/** It was done, and its photos are the outbox's. */
export function endDraft(account: string, code: string, move: Move): void {
  forget(key(account, code, move));
}

export async function dropPhoto(id: string): Promise<void> {
  await drop(id).catch(() => {});
}
