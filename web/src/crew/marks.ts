/** The tasks as marks on the map: a shape for how each stands with its deadline, a number for its
 * place in a trip, a dot for what was done here and not sent. */
import type { FeatureCollection } from 'geojson';
import type { Map as Engine, StyleSpecification } from 'maplibre-gl';
import { due, type Due, type Spot } from './deadline';
import type { Task, Trip } from './types';

export const MARKS = 'crew-tasks';
const LINE = 'crew-trip';
const HERE = 'crew-here';
const STRONG = ['Be Vietnam Pro SemiBold'];

/** On both grounds the same: each has a white edge. */
const COLOURS: Record<Due, string> = {
  late: '#b02a1c',
  soon: '#8a5a00',
  fine: '#0b665c',
  paused: '#4b605c',
  none: '#4b605c',
};
const SIDE = 34;
const RATIO = 2;

export function marksData(
  tasks: readonly Task[],
  trip: Trip | null,
  waiting: ReadonlySet<string>,
  chosen: string | null,
  now: number,
): FeatureCollection {
  return {
    type: 'FeatureCollection',
    features: tasks.map((task) => {
      const stop = trip ? trip.codes.indexOf(task.code) + 1 : 0;
      return {
        type: 'Feature',
        geometry: { type: 'Point', coordinates: [task.lon, task.lat] },
        properties: {
          code: task.code,
          due: due(task.it, now),
          stop: stop > 0 ? String(stop) : '',
          waits: waiting.has(task.code),
          chosen: task.code === chosen,
        },
      };
    }),
  };
}

export function tripData(trip: Trip | null): FeatureCollection {
  return {
    type: 'FeatureCollection',
    features: trip
      ? [
          {
            type: 'Feature',
            properties: {},
            geometry: { type: 'LineString', coordinates: trip.line },
          },
        ]
      : [],
  };
}

export function hereData(spot: Spot | null): FeatureCollection {
  return {
    type: 'FeatureCollection',
    features: spot
      ? [
          {
            type: 'Feature',
            properties: {},
            geometry: { type: 'Point', coordinates: [spot.lon, spot.lat] },
          },
        ]
      : [],
  };
}

export interface Drawn {
  marks: FeatureCollection;
  trip: FeatureCollection;
  here: FeatureCollection;
}

export function withMarks(style: StyleSpecification, { marks, trip, here }: Drawn): StyleSpecification {
  style.sources[MARKS] = { type: 'geojson', data: marks };
  style.sources[LINE] = { type: 'geojson', data: trip };
  style.sources[HERE] = { type: 'geojson', data: here };
  style.layers.push(
    {
      id: 'crew-trip-edge',
      type: 'line',
      source: LINE,
      layout: { 'line-join': 'round' },
      paint: { 'line-color': '#fff', 'line-width': 7, 'line-opacity': 0.8 },
    },
    {
      id: 'crew-trip-line',
      type: 'line',
      source: LINE,
      layout: { 'line-join': 'round' },
      paint: { 'line-color': '#1b5fd1', 'line-width': 3.5, 'line-dasharray': [2, 1] },
    },
    {
      id: 'crew-here',
      type: 'circle',
      source: HERE,
      paint: {
        'circle-radius': 8,
        'circle-color': '#1b5fd1',
        'circle-stroke-color': '#fff',
        'circle-stroke-width': 3,
      },
    },
    {
      id: 'crew-chosen',
      type: 'circle',
      source: MARKS,
      filter: ['get', 'chosen'],
      paint: {
        'circle-radius': 24,
        'circle-color': '#1b5fd1',
        'circle-opacity': 0.2,
        'circle-stroke-color': '#1b5fd1',
        'circle-stroke-width': 3,
      },
    },
    {
      id: 'crew-marks',
      type: 'symbol',
      source: MARKS,
      layout: {
        'icon-image': ['concat', 'crew-', ['get', 'due']],
        'icon-allow-overlap': true,
        'symbol-sort-key': ['match', ['get', 'due'], 'late', 3, 'soon', 2, 'fine', 1, 0],
      },
    },
    {
      id: 'crew-waits',
      type: 'circle',
      source: MARKS,
      filter: ['get', 'waits'],
      paint: {
        'circle-radius': 6,
        'circle-translate': [13, -13],
        'circle-color': '#fbf0d4',
        'circle-stroke-color': '#14302c',
        'circle-stroke-width': 2,
      },
    },
    {
      id: 'crew-stops',
      type: 'symbol',
      source: MARKS,
      filter: ['!=', ['get', 'stop'], ''],
      layout: {
        'text-field': ['get', 'stop'],
        'text-font': STRONG,
        'text-size': 16,
        'text-offset': [0, 1.6],
        'text-allow-overlap': true,
        'text-ignore-placement': true,
      },
      paint: { 'text-color': '#14302c', 'text-halo-color': '#fff', 'text-halo-width': 2.5 },
    },
  );
  return style;
}

export function update(engine: Engine, { marks, trip, here }: Drawn): void {
  for (const [name, data] of [
    [MARKS, marks],
    [LINE, trip],
    [HERE, here],
  ] as const) {
    const source = engine.getSource(name);
    if (source && 'setData' in source) void (source as { setData(d: object): void }).setData(data);
  }
}

/** Draws the shapes when the style asks for them. */
export function drawShapes(engine: Engine): void {
  engine.on('styleimagemissing', ({ id }: { id: string }) => {
    const stands = id.replace(/^crew-/, '') as Due;
    if (!Object.hasOwn(COLOURS, stands) || engine.hasImage(id)) return;
    const picture = shape(stands);
    if (picture) engine.addImage(id, picture, { pixelRatio: RATIO });
  });
}

function shape(stands: Due): ImageData | null {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIDE * RATIO;
  const pen = canvas.getContext('2d');
  if (!pen) return null;
  pen.scale(RATIO, RATIO);
  pen.lineJoin = pen.lineCap = 'round';
  const middle = SIDE / 2;
  const path = new Path2D();
  if (stands === 'late') {
    path.moveTo(middle, 4);
    path.lineTo(SIDE - 3, SIDE - 5);
    path.lineTo(3, SIDE - 5);
    path.closePath();
  } else if (stands === 'soon') {
    path.moveTo(middle, 3);
    path.lineTo(SIDE - 3, middle);
    path.lineTo(middle, SIDE - 3);
    path.lineTo(3, middle);
    path.closePath();
  } else if (stands === 'paused') path.rect(5, 5, SIDE - 10, SIDE - 10);
  else path.arc(middle, middle, middle - 4, 0, 2 * Math.PI);
  pen.strokeStyle = '#fff';
  pen.lineWidth = 4;
  pen.stroke(path);
  pen.fillStyle = COLOURS[stands];
  pen.fill(path);
  pen.lineWidth = 2.6;
  const stroke = (...points: [number, number][]): void => {
    pen.beginPath();
    for (const [x, y] of points) pen.lineTo(x, y);
    pen.stroke();
  };
  if (stands === 'late') {
    stroke([middle, 14], [middle, 20]);
    stroke([middle, 24.5], [middle, 24.6]);
  } else if (stands === 'paused') {
    stroke([13.5, 12], [13.5, 22]);
    stroke([20.5, 12], [20.5, 22]);
  } else if (stands === 'none') stroke([11, middle], [23, middle]);
  else stroke([middle, 10.5], [middle, middle], [21.5, 20]);
  return pen.getImageData(0, 0, SIDE * RATIO, SIDE * RATIO);
}
