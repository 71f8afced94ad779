/** What is written, as the service takes it. */
import { i18n } from '../i18n/index.svelte';
import { rounded } from '../map/degrees';
import type { Draft } from '../state/draft.svelte';
import { findCategory } from '../state/lists.svelte';
import type { NewReport } from '../types';
import { asAnswers } from './answers';

interface Contact {
  anonymous: boolean;
  name: string;
  phone: string;
  email: string;
}

/** Null: its place or its category is not chosen yet. */
export function composed(draft: Draft, contact: Contact): NewReport | null {
  const { pin, category, address } = draft;
  if (!pin || !category) return null;
  let text = draft.text.trim();
  if (pin.source === 'ward' && address.trim()) {
    text = `${i18n.t.details.addressLine(address.trim())}\n${text}`;
  }
  const report: NewReport = { category, lon: rounded(pin.lon), lat: rounded(pin.lat), text };
  if (pin.accuracy_m !== null) report.accuracy_m = Math.round(pin.accuracy_m);
  const questions = findCategory(category)?.category.questions ?? [];
  const answers = asAnswers(questions, draft.answers);
  if (Object.keys(answers).length > 0) report.answers = answers;
  if (!contact.anonymous) {
    const filled = (['name', 'phone', 'email'] as const)
      .map((field) => [field, contact[field].trim()] as const)
      .filter(([, value]) => value !== '');
    if (filled.length > 0) report.reporter = Object.fromEntries(filled);
  }
  return report;
}
