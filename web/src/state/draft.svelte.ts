/** The report being written, and its way to the service.
 *
 * A report is sent under a key made for exactly one body. As long as nobody knows whether it arrived
 * (no answer, a timeout, a reload in between) body and key stay stored together, so that sending
 * again is the same request and the service answers with the same report. Only a changed body gets
 * a new key: the service refuses an old key with another body.
 *
 * Contact data are never part of the stored draft; they are stored only inside an attempt whose
 * answer is open, and go with it.
 */
import { Refused, Unreachable, sendReport } from '../api';
import type { NewReport, Pin, Question, Receipt } from '../types';
import { findCategory } from './lists.svelte';
import { addMine } from './mine.svelte';
import { forget, recall, remember } from './storage';

interface Draft {
  pin: Pin | null;
  category: string | null;
  text: string;
  /** Answers to the category's questions, as typed, by the question's code. */
  answers: Record<string, string>;
}

interface Attempt {
  key: string;
  report: NewReport;
}

export type Trouble =
  | { kind: 'kept'; reason: Unreachable['reason'] }
  | { kind: 'refused'; error: Refused };

const EMPTY: Draft = { pin: null, category: null, text: '', answers: {} };

const stored = recall<Draft>('draft');
const values = $state<Draft>({ ...EMPTY, ...stored });
let attempt: Attempt | null = recall<Attempt>('attempt');

export const contact = $state({ anonymous: true, name: '', phone: '', email: '' });
export const sending = $state<{ busy: boolean; trouble: Trouble | null; receipt: Receipt | null }>({
  busy: false,
  trouble: null,
  receipt: null,
});

if (attempt) {
  // The page was closed before an answer came: say so and offer to send again.
  sending.trouble = { kind: 'kept', reason: 'server' };
  const reporter = attempt.report.reporter;
  if (reporter) Object.assign(contact, { anonymous: false, ...reporter });
}

function save(): void {
  if (values.pin || values.category || values.text) remember('draft', values);
  else forget('draft');
}

function change(part: Partial<Draft>): void {
  Object.assign(values, part);
  if (sending.trouble?.kind === 'kept') sending.trouble = null;
  save();
}

export const draft = {
  get pin(): Pin | null {
    return values.pin;
  },
  set pin(pin: Pin | null) {
    change({ pin });
  },
  get category(): string | null {
    return values.category;
  },
  set category(category: string | null) {
    // Another category asks other things.
    change(category === values.category ? {} : { category, answers: {} });
  },
  get text(): string {
    return values.text;
  },
  set text(text: string) {
    change({ text });
  },
  get answers(): Readonly<Record<string, string>> {
    return values.answers;
  },
};

export function answer(question: string, given: string): void {
  change({ answers: { ...values.answers, [question]: given } });
}

/** The questions of the chosen category that must be answered and are not. */
export function unanswered(): string[] {
  return questions()
    .filter(({ code, required }) => required && !values.answers[code]?.trim())
    .map(({ code }) => code);
}

function questions(): Question[] {
  return findCategory(values.category)?.category.questions ?? [];
}

function composeAnswers(): Record<string, string | number> {
  const given: Record<string, string | number> = {};
  for (const { code, type } of questions()) {
    const text = values.answers[code]?.trim();
    if (!text) continue;
    const number = Number(text.replace(',', '.'));
    given[code] = type === 'number' && Number.isFinite(number) ? number : text;
  }
  return given;
}

export function clearDraft(): void {
  attempt = null;
  forget('attempt');
  change({ ...EMPTY, answers: {} });
  Object.assign(contact, { anonymous: true, name: '', phone: '', email: '' });
  Object.assign(sending, { busy: false, trouble: null, receipt: null });
}

/** About 1 m: more digits would only claim a precision no finger has. */
function rounded(degrees: number): number {
  return Math.round(degrees * 1e5) / 1e5;
}

function compose(): NewReport | null {
  const { pin, category } = values;
  if (!pin || !category) return null;
  const text = values.text.trim();
  const report: NewReport = { category, lon: rounded(pin.lon), lat: rounded(pin.lat), text };
  if (pin.accuracy_m !== null) report.accuracy_m = Math.round(pin.accuracy_m);
  const answers = composeAnswers();
  if (Object.keys(answers).length > 0) report.answers = answers;
  if (!contact.anonymous) {
    const filled = (['name', 'phone', 'email'] as const)
      .map((field) => [field, contact[field].trim()] as const)
      .filter(([, value]) => value !== '');
    if (filled.length > 0) report.reporter = Object.fromEntries(filled);
  }
  return report;
}

/** The open attempt if nothing changed since, else a new one for what is written now. */
function attemptFor(report: NewReport): Attempt {
  if (attempt && JSON.stringify(attempt.report) === JSON.stringify(report)) return attempt;
  return { key: crypto.randomUUID(), report };
}

/** Sends what is written. Afterwards `sending` holds a receipt or a trouble. */
export async function send(): Promise<void> {
  const report = compose();
  if (!report || sending.busy) return;
  attempt = attemptFor(report);
  remember('attempt', attempt);
  sending.busy = true;
  sending.trouble = null;
  try {
    const receipt = await sendReport(attempt.report, attempt.key);
    addMine(receipt, values.category);
    clearDraft();
    sending.receipt = receipt;
  } catch (error) {
    if (error instanceof Unreachable) {
      sending.trouble = { kind: 'kept', reason: error.reason };
    } else if (error instanceof Refused) {
      // An answer: nothing was stored there, so the next try is a new request.
      attempt = null;
      forget('attempt');
      sending.trouble = { kind: 'refused', error };
    } else {
      throw error;
    }
  } finally {
    sending.busy = false;
  }
}

/** True while an attempt waits whose outcome nobody knows. */
export function isKept(): boolean {
  return sending.trouble?.kind === 'kept';
}

window.addEventListener('online', () => {
  if (attempt && isKept()) void send();
});
