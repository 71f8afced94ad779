/** The service's map style, made to fit the page: its language, theme and chosen layers. */
import type { StyleSpecification } from 'maplibre-gl';
import type { Lang } from '../i18n/index.svelte';

export const GROUPS = ['reports', 'hotspots', 'alerts', 'schools', 'clinics', 'wards'] as const;
export type Group = (typeof GROUPS)[number];
export type Shown = Record<Group, boolean>;

const TYPEFACE = 'Be Vietnam Pro';

/** Which switch a style layer belongs to, or null for what is always drawn. The wards' own ground is:
 * the switch takes their borders and names away, not the land. */
export function groupOf(layer: { type: string; metadata?: unknown }): Group | null {
  const group = (layer.metadata as Record<string, unknown> | undefined)?.['pinward:group'];
  if (group === 'wards' && layer.type === 'fill') return null;
  return GROUPS.find((each) => each === group) ?? null;
}

/** Without a `glyphs` address the engine draws letters from the page's own fonts, and asks for them
 * with a blank as sample, which brings the Latin file only: the file with ư, ờ, ạ has to be there
 * before, or those letters come out in another typeface. Resolves even where fonts are blocked. */
async function fontsReady(): Promise<void> {
  const weights = [400, 600];
  await Promise.allSettled(
    weights.map((weight) => document.fonts.load(`${weight} 16px "${TYPEFACE}"`, 'Aạờư')),
  );
}

/** Fetches the style for a language and theme, with only the chosen layers in sight. Throws when the
 * service does not answer. */
export async function fittedStyle(
  lang: Lang,
  dark: boolean,
  shown: Shown,
): Promise<StyleSpecification> {
  const name = dark ? 'pinward-dark' : 'pinward';
  const [answer] = await Promise.all([fetch(`/styles/${name}.json?lang=${lang}`), fontsReady()]);
  if (!answer.ok) throw new Error(`style: HTTP ${answer.status}`);
  const style = (await answer.json()) as StyleSpecification;
  for (const layer of style.layers) {
    const group = groupOf(layer);
    if (!group || layer.type === 'background') continue;
    layer.layout = { ...layer.layout, visibility: shown[group] ? 'visible' : 'none' } as never;
  }
  return style;
}
