/** The service's map style, made to fit the page: its language, theme, typeface and chosen layers. */
import type { LayerSpecification, StyleSpecification } from 'maplibre-gl';
import type { Lang } from '../i18n/index.svelte';

export const GROUPS = ['reports', 'hotspots', 'schools', 'clinics', 'wards'] as const;
export type Group = (typeof GROUPS)[number];
export type Shown = Record<Group, boolean>;

const TYPEFACE = 'Be Vietnam Pro';

/** Which switch a style layer belongs to, or null for what is always drawn. */
export function groupOf(layer: { metadata?: unknown }): Group | null {
  const group = (layer.metadata as Record<string, unknown> | undefined)?.['pinward:group'];
  return GROUPS.find((each) => each === group) ?? null;
}

/** Without a `glyphs` address the engine draws letters from the page's own fonts, and asks for them
 * with a blank as sample, which brings the Latin file only: the file with ư, ờ, ạ has to be there
 * before, or those letters come out in another typeface. Resolves even where fonts are blocked. */
async function fontsReady(): Promise<void> {
  try {
    await document.fonts.load(`16px "${TYPEFACE}"`, 'Aạờư');
  } catch {
    // the system's sans-serif is drawn instead
  }
}

/** Fetches the style for a language and fits it. Throws when the service does not answer. */
export async function fittedStyle(lang: Lang, dark: boolean, shown: Shown): Promise<StyleSpecification> {
  const [answer] = await Promise.all([fetch(`/styles/pinward.json?lang=${lang}`), fontsReady()]);
  if (!answer.ok) throw new Error(`style: HTTP ${answer.status}`);
  const style = (await answer.json()) as StyleSpecification;
  for (const source of Object.values(style.sources)) {
    // The engine's worker has no page to resolve an address against.
    if ('url' in source && source.url) source.url = new URL(source.url, location.origin).href;
  }
  style.layers = style.layers.map((layer) => fitted(layer, style.glyphs === undefined, dark, shown));
  return style;
}

function fitted(given: LayerSpecification, ownLetters: boolean, dark: boolean, shown: Shown): LayerSpecification {
  const layer = structuredClone(given);
  const group = groupOf(layer);
  if (group && layer.type !== 'background') {
    layer.layout = { ...layer.layout, visibility: shown[group] ? 'visible' : 'none' } as never;
  }
  if (layer.type === 'symbol' && layer.layout?.['text-field'] !== undefined && ownLetters) {
    layer.layout['text-font'] = [TYPEFACE];
  }
  return dark ? darkened(layer, group) : layer;
}

/** The same map at night: land and lines turn dark, the marks on it keep their colours. */
function darkened(layer: LayerSpecification, group: Group | null): LayerSpecification {
  if (layer.type === 'background') {
    layer.paint = { ...layer.paint, 'background-color': '#101c1b' };
  } else if (layer.type === 'symbol') {
    layer.paint = {
      ...layer.paint,
      'text-color': '#d5e2df',
      'text-halo-color': '#101c1b',
    };
  } else if (group === 'wards' && layer.type === 'fill') {
    layer.paint = { ...layer.paint, 'fill-color': '#182a28', 'fill-outline-color': '#34504b' };
  } else if (group === 'wards' && layer.type === 'line') {
    layer.paint = { ...layer.paint, 'line-color': '#3d5c56' };
  }
  return layer;
}
