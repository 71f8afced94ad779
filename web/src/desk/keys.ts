/** What single keys do at the desk. They can be switched off, as speech input and a slipped finger
 * would set them off (WCAG 2.1.4); arrows, Enter and Escape always work. */
import { recall, remember } from '../state/storage';

/** The same in both languages: letters of the English word, or where the finger is. */
export const KEYS: Record<string, string> = {
  j: 'next',
  k: 'previous',
  '/': 'search',
  x: 'pick',
  '.': 'fresh',
  b: 'bulk',
  v: 'held',
  '?': 'help',
};

export const MOVE_KEYS: Record<string, string> = {
  t: 'take',
  s: 'start',
  w: 'wait',
  r: 'resolve',
  p: 'assign',
  u: 'release',
  y: 'reject',
  d: 'merge',
  c: 'category',
  n: 'notes',
  e: 'reopen',
  g: 'unmerge',
};

export function keyOf(move: string): string | undefined {
  return Object.keys(MOVE_KEYS).find((key) => MOVE_KEYS[key] === move);
}

export function areKeysOn(): boolean {
  return recall<boolean>('desk.keys') ?? true;
}

export function switchKeys(on: boolean): void {
  remember('desk.keys', on);
}

const TYPED = 'textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=file])';

/** Whether a key is part of something being written: nothing else may come of it then. */
export function isTyping(event: KeyboardEvent): boolean {
  if (event.isComposing || event.keyCode === 229) return true; // half of a Vietnamese letter
  return event.target instanceof Element && event.target.closest(TYPED) !== null;
}
