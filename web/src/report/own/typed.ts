/** What a report's sender typed on its page and has not sent: kept on the device by a name each. */
import { forget } from '../../state/storage';

export function named(keep: string): string {
  return `own.${keep}`;
}

/** Lets go of all that was typed about a report. */
export function forgetTyped(code: string): void {
  for (const what of ['reopen', 'add', 'correct', 'category']) forget(named(`${code}.${what}`));
}
