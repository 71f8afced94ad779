/** Templates, and what stands in them for a report's own. */
import { i18n, localized, wardTitle } from '../i18n/index.svelte';
import type { TaskFacts, Template } from './types';

/** In the page's language, else in Vietnamese. */
export function words(template: Template): string {
  return (i18n.lang === 'en' && template.text_en) || template.text_vi;
}

export function filled(text: string, task: TaskFacts): string {
  const places: Record<string, string> = {
    code: task.code,
    ward: wardTitle(task.ward),
    organisation: localized(task.organisation?.name),
  };
  return text.replace(/\{(code|ward|organisation)\}/g, (_all, name: string) => places[name] ?? '');
}
