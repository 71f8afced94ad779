/** Pinward's own icons: strokes on a 24 × 24 grid, drawn for these pages.
 *
 * `hue` (degrees, oklch) tints a category's tile, so that the grid is learned by colour too.
 */
export interface CategoryIcon {
  paths: string[];
  hue: number;
}

const other: CategoryIcon = {
  paths: ['M5 5h14v10.5H11L7 19v-3.5H5z', 'M9 10.2h.01', 'M12 10.2h.01', 'M15 10.2h.01'],
  hue: 220,
};

const drawn: Record<string, CategoryIcon> = {
  other,
  traffic: {
    paths: [
      'M8.5 3h7v15h-7z',
      'M12 18v3',
      'M12 6.6h.01',
      'M12 10.5h.01',
      'M12 14.4h.01',
      'M5.5 6h3M5.5 11h3M15.5 6h3M15.5 11h3',
    ],
    hue: 30,
  },
  lighting: {
    paths: ['M7 21V8a4 4 0 0 1 4-4h3', 'M4.5 21h5', 'M13 4h5l1.5 4h-8z', 'M12 11l-1 3M15.5 11v3.5M19 11l1 3'],
    hue: 85,
  },
  drainage: {
    paths: [
      'M3 15c1.5 0 1.5 1.3 3 1.3S7.5 15 9 15s1.5 1.3 3 1.3S13.5 15 15 15s1.5 1.3 3 1.3S19.5 15 21 15',
      'M3 19.5c1.5 0 1.5 1.3 3 1.3s1.5-1.3 3-1.3 1.5 1.3 3 1.3 1.5-1.3 3-1.3 1.5 1.3 3 1.3 1.5-1.3 3-1.3',
      'M7 12V8.5L12 4l5 4.5V12',
      'M12 12V9',
    ],
    hue: 245,
  },
  power: { paths: ['M13 3 6 13.5h5L10 21l7.5-11h-5.3z'], hue: 95 },
  telecom: {
    paths: ['M12 11.5 8 21', 'M12 11.5 16 21', 'M9.3 18h5.4', 'M12 9.5h.01', 'M8.3 13a5.2 5.2 0 0 1 0-7', 'M15.7 13a5.2 5.2 0 0 0 0-7', 'M5.6 15a8.6 8.6 0 0 1 0-11', 'M18.4 15a8.6 8.6 0 0 0 0-11'],
    hue: 285,
  },
  trees: {
    paths: ['M12 21v-9', 'M12 16.5 8.8 14', 'M12 14.5l2.6-2', 'M12 3a5 5 0 0 0-4.7 3.3A4.6 4.6 0 0 0 8 15.4h1M15 15.4h1a4.6 4.6 0 0 0 .7-9.1A5 5 0 0 0 12 3'],
    hue: 145,
  },
  water: { paths: ['M12 3.5c3.7 4.3 6 7.3 6 10.3a6 6 0 0 1-12 0c0-3 2.3-6 6-10.3z', 'M9 14a3.1 3.1 0 0 0 3 3.1'], hue: 225 },
  waste: {
    paths: ['M4.5 7h15', 'M9 7V4.5h6V7', 'M6.5 7l.8 13h9.4l.8-13', 'M10.3 10.5l.3 6M13.7 10.5l-.3 6'],
    hue: 60,
  },
  noise: {
    paths: ['M4 10v4h3.5l5 4V6l-5 4z', 'M15.7 9.5a3.6 3.6 0 0 1 0 5', 'M18.3 7a7.1 7.1 0 0 1 0 10'],
    hue: 320,
  },
  construction: {
    paths: ['M5 21V5.5', 'M3 21h4', 'M3.5 5.5H19', 'M5 5.5 8 3h2.5L16 5.5', 'M16 5.5V10', 'M12.5 10h7v5h-7z', 'M11 21h10v-3H11z'],
    hue: 50,
  },
  street: {
    paths: ['M3.5 9 5 4.5h14L20.5 9', 'M3.5 9a2.85 2.85 0 0 0 5.7 0 2.85 2.85 0 0 0 5.6 0 2.85 2.85 0 0 0 5.7 0z', 'M5.5 12v8M18.5 12v8', 'M5.5 16h13', 'M3.5 20.5h17'],
    hue: 15,
  },
  bus: {
    paths: ['M5 5.5C5 4 7 3.5 12 3.5s7 .5 7 2V17H5z', 'M5 11.5h14', 'M12 5.5v6', 'M7 17v3M17 17v3', 'M8.3 14.3h.01M15.7 14.3h.01'],
    hue: 190,
  },
  environment: {
    paths: ['M6 18c-2-6.5 2-12.5 13.5-13C20.5 15 14.5 20 8 17.5', 'M4.5 20.5C7 15.5 10.5 12 14.5 10'],
    hue: 155,
  },
  health: { paths: ['M9.5 4h5v5.5H20v5h-5.5V20h-5v-5.5H4v-5h5.5z'], hue: 355 },
  order: { paths: ['M12 3.2l7 2.6v5.4c0 4.6-2.9 7.7-7 9.6-4.1-1.9-7-5-7-9.6V5.8z', 'M9 12l2.2 2.2L15.2 10'], hue: 265 },
};

/** The icon of a category, by the name the category tree gives; unknown names get a speech bubble. */
export function categoryIcon(name: string): CategoryIcon {
  return Object.hasOwn(drawn, name) ? (drawn[name] ?? other) : other;
}

/** Icons of the pages themselves. */
export const ui = {
  close: ['M6 6l12 12M18 6 6 18'],
  back: ['M14.5 5.5 8 12l6.5 6.5'],
  forward: ['M9.5 5.5 16 12l-6.5 6.5'],
  locate: ['M12 7.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9z', 'M12 2.5v3M12 18.5v3M2.5 12h3M18.5 12h3'],
  layers: ['M12 3.5 21 8.5l-9 5-9-5z', 'M4.5 12.5 12 16.7l7.5-4.2', 'M4.5 16.3 12 20.5l7.5-4.2'],
  plus: ['M12 5v14M5 12h14'],
  minus: ['M5 12h14'],
  copy: ['M8.5 8.5h11v11h-11z', 'M15.5 8.5v-4h-11v11h4'],
  check: ['M5 12.5l4.7 4.7L19.5 7'],
  search: ['M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z', 'M15.3 15.3 20.5 20.5'],
  person: ['M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8z', 'M4.5 20.5c.7-4 3.6-5.7 7.5-5.7s6.8 1.7 7.5 5.7'],
  pin: ['M12 3a6.8 6.8 0 0 0-6.8 6.8c0 4.7 5.2 8.9 6.4 10.3.2.3.6.3.8 0 1.2-1.4 6.4-5.6 6.4-10.3A6.8 6.8 0 0 0 12 3z', 'M12 7.5a2.3 2.3 0 1 0 0 4.6 2.3 2.3 0 0 0 0-4.6z'],
  list: ['M9 6.5h11M9 12h11M9 17.5h11', 'M4.5 6.5h.01M4.5 12h.01M4.5 17.5h.01'],
  school: ['M12 4 2.5 8.7 12 13.4l9.5-4.7z', 'M6.5 11v5c1.5 1.6 3.3 2.4 5.5 2.4s4-.8 5.5-2.4v-5', 'M21.5 8.7V14'],
  clinic: ['M4.5 20.5v-11L12 4l7.5 5.5v11z', 'M12 10.5v6M9 13.5h6'],
  hotspot: ['M12 9.3a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4z', 'M12 3.5a8.5 8.5 0 1 1-8.5 8.5', 'M12 6.4A5.6 5.6 0 1 1 6.4 12'],
  warning: ['M12 4 2.8 20h18.4z', 'M12 10v4.5', 'M12 17.2h.01'],
  clock: ['M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z', 'M12 7.5V12l3 2.3'],
  link: ['M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1.2 1.2', 'M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1.2-1.2'],
  building: ['M4 20.5h16', 'M5.5 20.5V9.5h13v11', 'M4 9.5 12 4l8 5.5z', 'M9 12.5v5M12 12.5v5M15 12.5v5'],
  camera: ['M4 8h3.5L9.2 5.5h5.6L16.5 8H20v11H4z', 'M12 10.2a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4z'],
  picture: ['M4 5h16v14H4z', 'M4 16l4.5-4.5 4 4 3-3L20 17', 'M15.5 9h.01'],
  star: ['M12 4l2.4 5 5.6.7-4.1 3.8 1.1 5.5-5-2.8-5 2.8 1.1-5.5L4 9.7 9.6 9z'],
  route: ['M6 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4z', 'M18 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4z', 'M8 17h7a3 3 0 0 0 0-6H9a3 3 0 0 1 0-6h7'],
  send: ['M4 12 20 4.5l-4 15.5-5-6.3z', 'M11 13.7 20 4.5'],
  offline: ['M4 9a12 12 0 0 1 4.5-2.7M20 9a12 12 0 0 0-7.5-3.4', 'M7 12.5a8 8 0 0 1 3-1.7M17 12.5a8 8 0 0 0-1.5-1', 'M12 18h.01', 'M4 3.5l16 17'],
} satisfies Record<string, string[]>;

export type UiIcon = keyof typeof ui;
