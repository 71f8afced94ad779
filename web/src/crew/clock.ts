/** The time as the service has it. A phone's clock may be wrong by a day, and then what is late and when
 * something was done would be, too: how far it is off is heard with each list.
 *
 * That holds until the phone is put right, which nobody tells the page. A clock that was set has gone
 * otherwise than the page's own count of time. */
import { forget, recall, remember } from '../state/storage';

/** The service says whole seconds, and an answer takes its time. */
const EXACT_MS = 60_000;
/** So long what was heard is believed after a reload, which ends the page's own count. */
const LASTS_MS = 12 * 3_600_000;

interface Heard {
  /** By how much the phone's clock is ahead. */
  off: number;
  /** When it was heard, by that clock. */
  at: number;
}

let heard = recalled();
/** The same moment by a count that no setting of the clock changes. */
let counted = performance.now();

function recalled(): Heard | null {
  const kept = recall<Heard>('crew.clock');
  if (typeof kept?.off !== 'number') return null;
  const since = Date.now() - kept.at;
  if (since < -EXACT_MS || since > LASTS_MS) return null;
  return { off: kept.off, at: Date.now() };
}

/** Whether the clock was set since: backwards, or forwards as far as it was behind. Forwards by less or
 * by more than it could be wrong, the phone slept, and on many the count sleeps with it. */
function wasSet({ off, at }: Heard): boolean {
  const jump = Date.now() - at - (performance.now() - counted);
  return jump < -EXACT_MS || (off < 0 && jump > EXACT_MS && jump >= -off - EXACT_MS);
}

export function clock(): number {
  if (heard && wasSet(heard)) {
    heard = null;
    forget('crew.clock');
  }
  return Date.now() - (heard?.off ?? 0);
}

/** Takes in when the service says that it answered. */
export function hear(headers: Headers): void {
  const there = Date.parse(headers.get('Date') ?? '');
  if (Number.isNaN(there)) return;
  const off = Date.now() - there;
  if (Math.abs(off) < EXACT_MS) {
    heard = null;
    forget('crew.clock');
    return;
  }
  heard = { off, at: Date.now() };
  counted = performance.now();
  remember('crew.clock', heard);
}
