/** A refused report as sentences beside its fields, in the page's language. */
import type { Refused } from '../api';
import type { Messages } from '../i18n/vi';

const FIELDS = ['category', 'place', 'text', 'name', 'phone', 'email'] as const;
type Field = (typeof FIELDS)[number] | 'other';

export interface FieldErrors extends Partial<Record<Field, string>> {
  /** By the code of the category's question. */
  answers?: Record<string, string>;
}

/** `reporter.phone` → phone, `lon` → place: where on the page a field of the request stands. */
function fieldOf(path: string): Field {
  const last = path.split('.').pop() ?? '';
  if (last === 'lon' || last === 'lat' || last === 'accuracy_m') return 'place';
  return FIELDS.find((field) => field === last) ?? 'other';
}

/** What to say where. Always says something: a refusal without fields is told as a whole. */
export function fieldErrors(refused: Refused, t: Messages): FieldErrors {
  if (refused.type === 'device-banned') return { other: t.details.barred };
  if (refused.status === 429) return { other: t.details.tooMany };
  if (refused.type === 'outside-coverage') return { place: t.place.outside };
  if (refused.type === 'unknown-category') return { category: t.details.field.category };
  const told: FieldErrors = {};
  for (const { field } of refused.errors) {
    const [first, question] = field.split('.');
    if (first === 'answers' && question) {
      (told.answers ??= {})[question] = t.details.field.other;
      continue;
    }
    const place = fieldOf(field);
    told[place] = t.details.field[place];
  }
  if (Object.keys(told).length === 0) told.other = `${t.details.refused} ${refused.message}`;
  return told;
}
