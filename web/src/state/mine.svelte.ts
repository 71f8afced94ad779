/** The reports sent from this device, newest first, so that a lost link is not a lost report.
 * Codes and secrets stay on the device; each line can be forgotten. */
import type { Receipt } from '../types';
import { onRemembered, recall, remember } from './storage';

export interface Mine {
  code: string;
  secret: string;
  ward: string;
  category: string | null;
  at: string;
}

const KEPT = 20;

export const mine = $state<Mine[]>(recall<Mine[]>('mine') ?? []);

/** What other pages of ours added or took away; where nothing is kept, this page's own stays. */
function reread(): void {
  const kept = recall<Mine[]>('mine');
  if (kept) mine.splice(0, mine.length, ...kept);
}
onRemembered('mine', reread);

/** The address of the reporter's own view: the secret only ever stands in the fragment. */
export function privatePath(report: { code: string; secret: string }): string {
  return `/r/${encodeURIComponent(report.code)}#${encodeURIComponent(report.secret)}`;
}

export function addMine(receipt: Receipt, category: string | null): void {
  reread();
  const { code, secret, ward } = receipt;
  if (!secret || mine.some((known) => known.code === code)) return;
  mine.unshift({ code, secret, ward: ward.name, category, at: new Date().toISOString() });
  mine.splice(KEPT);
  remember('mine', mine);
}

export function forgetMine(code: string): void {
  reread();
  const at = mine.findIndex((known) => known.code === code);
  if (at >= 0) mine.splice(at, 1);
  remember('mine', mine);
}
