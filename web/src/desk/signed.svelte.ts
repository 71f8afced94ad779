/** Whether the sign-in still holds: it ends by itself after hours, in the middle of a sentence. */
import { Refused, sentence } from '../api';
import { refusal } from '../api/ask';
import { worded } from '../i18n/index.svelte';
import { en } from './en';
import { vi } from './vi';

export const signed = $state({
  /** The service did not know us any more; what is typed stays, and waits for a new sign-in. */
  ended: false,
});

/** What to tell a person about a failed request. */
export function trouble(error: unknown): string {
  const t = worded({ vi, en });
  if (!(error instanceof Refused)) return sentence(error);
  if (error.status === 401) {
    signed.ended = true;
    return t.signedOut;
  }
  if (error.status === 403) return t.notAllowed;
  if (error.status === 404) return t.notFound;
  if (error.status === 412) return t.changedMeanwhile;
  return refusal(error.problem);
}
