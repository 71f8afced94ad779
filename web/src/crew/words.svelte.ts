/** The page's sentences in the language of the page. */
import { refusal } from '../api/ask';
import { localized, worded } from '../i18n/index.svelte';
import { en } from './en';
import type { OfflineAction } from './types';
import { vi } from './vi';

export const words = {
  get t(): typeof vi {
    return worded({ vi, en });
  },
};

/** Why an action was not taken in, and how to mend that; null: only the service's own words say. */
export function why({ problem, photos, move }: OfflineAction): string | null {
  const t = words.t.refused;
  const fields = (problem?.errors ?? []).map(({ field }) => field);
  if (fields.some((field) => field.startsWith('photos'))) {
    return photos.length === 0 ? t.needPhoto : t.photos;
  }
  if (fields.includes('text')) return t.text;
  if (fields.includes('inner')) return move === 'note' ? t.text : t.inner;
  if (problem?.status === 403) return t.notAllowed;
  if (problem?.status === 404) return t.notFound;
  if (problem?.status === 422 || problem?.status === 400) return t.malformed;
  return null;
}

/** The service's own words for it. */
export function itsWords({ problem }: OfflineAction): string {
  return problem ? refusal(problem) : '';
}

export function about(action: OfflineAction): string {
  return localized(action.title);
}
