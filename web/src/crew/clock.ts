/** The time as the service has it. A phone's clock may be wrong by a day, and then what is late and when
 * something was done would be, too: how far it is off is heard with each list, and kept. */
import { recall, remember } from '../state/storage';

/** The service says whole seconds, and an answer takes its time. */
const EXACT_MS = 60_000;

let ahead_ms = recall<number>('crew.clock') ?? 0;

export function clock(): number {
  return Date.now() - ahead_ms;
}

/** Takes in when the service says that it answered. */
export function hear(headers: Headers): void {
  const there = Date.parse(headers.get('Date') ?? '');
  if (Number.isNaN(there)) return;
  const off = Date.now() - there;
  ahead_ms = Math.abs(off) < EXACT_MS ? 0 : off;
  remember('crew.clock', ahead_ms);
}
