/** The planner's map: the same style as everybody's, filtered, coloured, and made into a picture. */
import type { Feature } from 'geojson';
import type { GeoJSONSource, Map as Engine, MapMouseEvent, VectorTileSource } from 'maplibre-gl';
import type { Lang } from '../i18n/index.svelte';
import type { Bounds } from '../map/cells';
import { cellBounds } from '../map/cells';
import { fittedStyle, type Shown } from '../map/style';
import {
  CHOSEN,
  collected,
  dressed,
  EDGES,
  HATCH,
  HATCHED,
  isFew,
  isListed,
  isOfHotspots,
  isShown,
  wardColour,
  WARDS,
  withQuery,
  type Wish,
} from './dressed';

const SHOWN: Shown = {
  reports: true,
  hotspots: true,
  alerts: false,
  schools: true,
  clinics: true,
  wards: true,
};
const FINGER = 8;
const NEAREST = 16;

export interface Look {
  lang: Lang;
  dark: boolean;
  still: boolean;
  edge: string;
  hatch: string;
}

export interface Handlers {
  onMoved(lon: number, lat: number, zoom: number): void;
  onHotspot(id: string): void;
  onWard(code: string): void;
  /** Whether something could not be fetched. */
  onTrouble(there: boolean): void;
}

export class PlanMap {
  #turn = 0;

  private constructor(
    readonly engine: Engine,
    private look: Look,
    private wish: Wish,
    private readonly handlers: Handlers,
  ) {
    engine.on('moveend', () => {
      const { lng, lat } = engine.getCenter();
      handlers.onMoved(lng, lat, engine.getZoom());
    });
    engine.on('click', (event) => this.#take(event));
    engine.on('mousemove', ({ point }) => {
      engine.getCanvas().style.cursor = this.#marks(point).length ? 'pointer' : '';
    });
    engine.on('error', () => handlers.onTrouble(true));
    engine.on('idle', () => handlers.onTrouble(false));
    // Asked for whenever a style that names it is drawn.
    engine.setMissingStyleImageResolver((id) => {
      if (id === HATCH && !engine.hasImage(HATCH)) engine.addImage(HATCH, hatch(this.look.hatch));
    });
    engine.getCanvas().addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      const middle = engine.getCenter();
      this.#take({ point: engine.project(middle), lngLat: middle } as MapMouseEvent, 40);
    });
  }

  static async draw(
    container: HTMLElement,
    look: Look,
    wish: Wish,
    at: [lon: number, lat: number, zoom: number] | null,
    handlers: Handlers,
  ): Promise<PlanMap> {
    const [library, style] = await Promise.all([
      import('../map/maplibre'),
      fittedStyle(look.lang, look.dark, SHOWN),
    ]);
    const engine = new library.Map({
      container,
      style: dressed(calm(style, look.still), wish, look.edge),
      center: at ? [at[0], at[1]] : ((style.center as [number, number] | undefined) ?? [0, 0]),
      zoom: at ? at[2] : Math.max(style.zoom ?? 0, 10),
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      maxZoom: 19,
      ...(look.still ? { fadeDuration: 0 } : {}),
    });
    // For whoever looks from outside: the browser's console, and the tests.
    Object.assign(container, { engine });
    engine.touchZoomRotate.disableRotation();
    engine.keyboard.disableRotation();
    engine.addControl(new library.AttributionControl({ compact: true }), 'bottom-right');
    return new PlanMap(engine, look, wish, handlers);
  }

  remove(): void {
    this.engine.remove();
  }

  /** For another language or theme. */
  async restyle(look: Look): Promise<void> {
    const turn = ++this.#turn;
    const style = await fittedStyle(look.lang, look.dark, SHOWN);
    if (turn !== this.#turn) return;
    this.look = look;
    if (this.engine.hasImage(HATCH)) this.engine.removeImage(HATCH);
    this.engine.setStyle(dressed(calm(style, look.still), this.wish, look.edge));
  }

  /** Draws what has changed. */
  wants(wish: Wish): void {
    const before = this.wish;
    this.wish = wish;
    if (!this.engine.getLayer(WARDS)) {
      // The style is on its way; it was dressed by the wish before.
      this.engine.once('style.load', () => this.#follow(before, this.wish));
    } else this.#follow(before, wish);
  }

  #follow(before: Wish, wish: Wish): void {
    for (const name of ['reports', 'hotspots'] as const) {
      if (wish[name] === before[name]) continue;
      const source = this.engine.getSource<VectorTileSource>(name);
      if (source?.url) source.setUrl(withQuery(source.url, wish[name]));
    }
    if (wish.only?.join() !== before.only?.join()) {
      for (const layer of this.engine.getStyle().layers) {
        if (isOfHotspots(layer)) this.engine.setFilter(layer.id, isListed(wish.only) as never);
      }
    }
    if (wish.chosen !== before.chosen) {
      const source = this.engine.getSource<GeoJSONSource>(CHOSEN);
      if (source) void source.setData(collected(wish.chosen));
    }
    if (wish.wards !== before.wards || wish.places !== before.places) this.#colour(wish);
  }

  #colour(wish: Wish): void {
    const { wards } = wish;
    const { engine } = this;
    const visible = (id: string, yes: boolean): void => {
      engine.setLayoutProperty(id, 'visibility', yes ? 'visible' : 'none');
    };
    if (wards) {
      engine.setPaintProperty(WARDS, 'fill-color', wardColour(wards) as never);
      engine.setFilter(HATCHED, isFew(wards) as never);
    }
    for (const id of [WARDS, HATCHED, EDGES]) visible(id, wards !== null);
    for (const layer of engine.getStyle().layers) {
      const yes = isShown(layer, wish);
      if (yes !== null) visible(layer.id, yes);
    }
  }

  fit(box: Bounds): void {
    this.engine.fitBounds(box, {
      padding: 48,
      maxZoom: NEAREST,
      animate: !this.look.still,
      duration: 600,
    });
  }

  zoomBy(steps: number): void {
    const zoom = Math.round(this.engine.getZoom() + steps);
    if (this.look.still) this.engine.jumpTo({ zoom });
    else this.engine.easeTo({ zoom });
  }

  /** The map as it stands, when all of it is there. */
  async picture(): Promise<HTMLCanvasElement> {
    const { engine } = this;
    if (!engine.loaded() || !engine.areTilesLoaded()) {
      await new Promise((done) => {
        void engine.once('idle', done);
        setTimeout(done, 10_000);
      });
    }
    return new Promise((done) => {
      // What was drawn is in the canvas only until the browser has shown it.
      void engine.once('render', () => {
        const from = engine.getCanvas();
        const copy = document.createElement('canvas');
        [copy.width, copy.height] = [from.width, from.height];
        copy.getContext('2d')?.drawImage(from, 0, 0);
        done(copy);
      });
      engine.triggerRepaint();
    });
  }

  /** Whom to name under a picture of it. */
  attribution(): string {
    const drawn = ['wards', 'reports', ...(this.wish.places ? ['facilities'] : [])];
    const said = drawn.map((name) => {
      // The engine's types leave out what the TileJSON adds to its source.
      const source = this.engine.getSource(name) as { attribution?: string } | undefined;
      const html = source?.attribution ?? '';
      return new DOMParser().parseFromString(html, 'text/html').body.textContent ?? '';
    });
    return [...new Set(said.filter(Boolean))].join(' · ');
  }

  #marks(point: { x: number; y: number }, reach = FINGER): ReturnType<Engine['queryRenderedFeatures']> {
    const layers = ['hotspot-hull', 'hotspot-ring', 'hotspot-count', 'report-cell', WARDS].filter(
      (id) => this.engine.getLayer(id),
    );
    return this.engine.queryRenderedFeatures(
      [
        [point.x - reach, point.y - reach],
        [point.x + reach, point.y + reach],
      ],
      { layers },
    );
  }

  #take({ point }: MapMouseEvent, reach = FINGER): void {
    const marks = this.#marks(point, reach);
    const cell = marks.find(({ properties }) => Number(properties['point_count']) > 1);
    const hotspot = marks.find(({ layer }) => layer.id.startsWith('hotspot'));
    const ward = marks.find(({ layer }) => layer.id === WARDS);
    // A hotspot's area holds the cells of its reports: what lies on top is meant.
    const counted = marks[0] === cell ? Number(cell?.properties['cell']) : 0;
    if (counted) this.fit(cellBounds(counted));
    else if (hotspot?.properties['id']) this.handlers.onHotspot(String(hotspot.properties['id']));
    else if (ward) this.handlers.onWard(String(ward.properties['code']));
  }
}

/** Nothing fades where motion is not wanted. */
function calm<S extends { transition?: unknown }>(style: S, still: boolean): S {
  if (still) style.transition = { duration: 0, delay: 0 };
  return style;
}

/** Slanted lines that meet at the edges of their square. */
function hatch(colour: string): ImageData {
  const side = 8;
  const canvas = new OffscreenCanvas(side, side);
  const pen = canvas.getContext('2d')!;
  pen.strokeStyle = colour;
  pen.lineWidth = 1.4;
  for (const from of [-side, 0, side]) {
    pen.moveTo(from, side);
    pen.lineTo(from + side, 0);
  }
  pen.stroke();
  return pen.getImageData(0, 0, side, side);
}

export function boxOf(chosen: Feature): Bounds | null {
  if (chosen.geometry.type !== 'Polygon') return null;
  const ring = chosen.geometry.coordinates[0] ?? [];
  const lons = ring.map((at) => at[0]!);
  const lats = ring.map((at) => at[1]!);
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
}
