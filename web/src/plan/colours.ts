/** The colours of the page's tokens, as the map and its picture take them. */

export interface Colours {
  levels: string[];
  hatch: string;
  edge: string;
  ink: string;
  quiet: string;
  surface: string;
}

export function colours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  return {
    levels: [0, 1, 2, 3, 4].map((level) => token(`--seq-${level}`)),
    hatch: token('--seq-few'),
    edge: token('--seq-edge'),
    ink: token('--ink'),
    quiet: token('--ink-2'),
    surface: token('--surface'),
  };
}
