/** Which reports begun on this device are no drafts any more: a page that still shows one of them must
 * not send it again. */
import { onRemembered, recall, remember } from './storage';

const NAME = 'drafts.gone';
/** No page stays open for more reports than that. */
const MOST = 50;

export function isGone(id: string): boolean {
  return (recall<string[]>(NAME) ?? []).includes(id);
}

/** Hears when another page of ours let go of one. */
export function onGone(heard: () => void): void {
  onRemembered(NAME, heard);
}

export function setGone(id: string): void {
  if (!id || isGone(id)) return;
  remember(NAME, [id, ...(recall<string[]>(NAME) ?? [])].slice(0, MOST));
}
