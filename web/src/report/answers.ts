/** A category's own questions, and what was typed to answer them. */
import type { Question } from '../types';

/** As typed, by the question's code. */
export type Typed = Readonly<Record<string, string>>;

/** The codes of those that must be answered and are not. */
export function unanswered(questions: readonly Question[], typed: Typed): string[] {
  return questions
    .filter(({ code, required }) => required && !typed[code]?.trim())
    .map(({ code }) => code);
}

/** As the service takes them: numbers with a comma or a point are numbers. */
export function asAnswers(
  questions: readonly Question[],
  typed: Typed,
): Record<string, string | number> {
  const given: Record<string, string | number> = {};
  for (const { code, type } of questions) {
    const text = typed[code]?.trim();
    if (!text) continue;
    const number = Number(text.replace(',', '.'));
    given[code] = type === 'number' && Number.isFinite(number) ? number : text;
  }
  return given;
}
