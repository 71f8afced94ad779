/** The map as the pages use it: a style, a pin, a circle of doubt, and what was tapped. */
import type { GeoJSONSource, Map as Engine, Marker } from 'maplibre-gl';
import type { Lang } from '../i18n/index.svelte';
import type { Bounds } from './cells';
import { Freshness } from './freshness';
import { listen, type Tapped } from './gestures';
import { EMPTY, OVERLAY, overlayData, withOverlay, type Overlay } from './overlay';
import { fittedStyle, groupOf, type Group, type Shown } from './style';

export interface Handlers extends Tapped {
  onPinMoved(lon: number, lat: number): void;
  /** What is in sight, after each move. */
  onMoved?(inSight: Bounds): void;
}

/** Pixels of the map under panels, on each side. */
export interface Covered {
  top: number;
  right: number;
  bottom: number;
  left: number;
}

const NOTHING: Covered = { top: 0, right: 0, bottom: 0, left: 0 };

export interface Look {
  lang: Lang;
  dark: boolean;
  shown: Shown;
  /** WGS 84; the style's own view where none is given. */
  center?: [lon: number, lat: number];
  zoom?: number;
  /** A picture of a place: nothing moves, nothing can be tapped. */
  still?: boolean;
}

/** From this zoom on a fingertip means one street rather than a quarter. */
const STREETS = 14;
const STEP_PX = 12;
/** Nearer than this there is nothing new to see. */
const NEAREST = 18;
const SIGN_MS = 2_600;
const MOST_SIGNS = 12;

export class CityMap {
  /** While true every tap moves the pin, whatever lies under it. */
  placing = false;
  /** Whether somebody moved the map by hand. */
  handled = false;
  readonly freshness: Freshness;
  #signs = 0;
  #marker: Marker | null = null;
  #overlay: Overlay = { ...EMPTY };
  #groups = new Map<string, Group>();
  #restyled = 0;
  #covered: Covered | null = null;
  /** Where the map is on its way to. */
  #bound: { center?: [number, number]; zoom?: number } | null = null;

  private constructor(
    readonly engine: Engine,
    private readonly makeMarker: (element: HTMLElement, kind: 'pin' | 'sign') => Marker,
    private readonly handlers: Handlers,
    private shown: Shown,
  ) {
    this.freshness = new Freshness(engine);
    const moved = (): void => handlers.onMoved?.(this.inSight());
    engine.on('moveend', moved);
    engine.once('load', moved);
    engine.on('movestart', ({ originalEvent }) => {
      if (originalEvent) this.handled = true;
    });
    listen(engine, this.#groups, {
      ...handlers,
      isPlacing: () => this.placing,
      isPin: (element) => this.#marker?.getElement().contains(element) ?? false,
    });
  }

  /** Draws the map into the element. Throws where the device or the service cannot. */
  static async draw(
    container: HTMLElement,
    handlers: Handlers,
    look: Look,
  ): Promise<CityMap> {
    const [library, style] = await Promise.all([
      import('./maplibre'),
      fittedStyle(look.lang, look.dark, look.shown),
    ]);
    let map: CityMap | null = null;
    const engine = new library.Map({
      container,
      style: withOverlay(style, EMPTY),
      // The engine takes the style's own view only while nothing has touched the camera.
      center: look.center ?? (style.center as [number, number] | undefined) ?? [0, 0],
      zoom: look.zoom ?? Math.max(style.zoom ?? 0, STREETS - 2.5),
      attributionControl: false,
      interactive: !look.still,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      maxZoom: 19,
      // While something has just changed, no cache may answer with what was before.
      transformRequest: (url) => (map?.freshness.doubtful ? { url, cache: 'no-cache' } : { url }),
    });
    // For whoever looks from outside: the browser's console, and the tests.
    Object.assign(container, { engine });
    engine.touchZoomRotate.disableRotation();
    engine.keyboard.disableRotation();
    engine.addControl(new library.AttributionControl({ compact: true }), 'bottom-right');
    map = new CityMap(
      engine,
      (element, kind) =>
        kind === 'pin'
          ? new library.Marker({ element, anchor: 'bottom', draggable: !look.still })
          : new library.Marker({ element }),
      handlers,
      look.shown,
    );
    map.#learnGroups(style.layers);
    return map;
  }

  remove(): void {
    this.engine.remove();
  }

  /** Fetches the style anew, for another language or theme; what is drawn on top stays. */
  async restyle(lang: Lang, dark: boolean): Promise<void> {
    const turn = ++this.#restyled;
    const style = await fittedStyle(lang, dark, this.shown);
    if (turn !== this.#restyled) return;
    this.#learnGroups(style.layers);
    this.engine.setStyle(withOverlay(style, this.#overlay));
  }

  show(shown: Shown): void {
    this.shown = shown;
    for (const [layer, group] of this.#groups) {
      if (!this.engine.getLayer(layer)) continue;
      this.engine.setLayoutProperty(layer, 'visibility', shown[group] ? 'visible' : 'none');
    }
  }

  /** Tells which pixels on each side panels cover. What is in sight does not move by it, unless the
   * pin would be hidden; a flight under way goes on to where it was bound. */
  setCovered(covered: Covered): void {
    const first = this.#covered === null;
    this.#covered = covered;
    if (this.#bound && this.engine.isMoving()) {
      this.#fly({ ...this.#bound });
    } else if (first) {
      this.engine.jumpTo({ padding: covered });
    } else {
      const { width, height } = this.#size();
      const middle = this.engine.unproject([
        (covered.left + width - covered.right) / 2,
        (covered.top + height - covered.bottom) / 2,
      ]);
      this.engine.jumpTo({ padding: covered, center: middle });
    }
    const pin = this.#marker?.getLngLat();
    if (pin) this.reveal(pin.lng, pin.lat);
  }

  /** Where the middle is, or will be once the map has come to where it is on its way to. */
  center(): [number, number] {
    if (this.#bound?.center && this.engine.isMoving()) return this.#bound.center;
    const { lng, lat } = this.engine.getCenter();
    return [lng, lat];
  }

  goTo(lon: number, lat: number, zoom: number): void {
    this.#fly({ center: [lon, lat], zoom: Math.max(zoom, this.engine.getZoom()) });
  }

  /** Goes near enough to a place to see which street is meant, if the map is not there already. */
  approach(lon: number, lat: number): void {
    if (this.engine.getZoom() < STREETS - 1) this.goTo(lon, lat, STREETS);
  }

  /** Moves the map only if the place is not in plain sight. */
  reveal(lon: number, lat: number): void {
    if (this.#bound && this.engine.isMoving()) return;
    const { x, y } = this.engine.project([lon, lat]);
    const { width, height } = this.#size();
    const { top, right, bottom, left } = this.#covered ?? NOTHING;
    const inside =
      x > left + 24 && x < width - right - 24 && y > top + 60 && y < height - bottom - 16;
    if (!inside) this.#fly({ center: [lon, lat] });
  }

  #size(): { width: number; height: number } {
    return this.engine.getContainer().getBoundingClientRect();
  }

  #fly(to: { center?: [number, number]; zoom?: number }): void {
    this.#bound = to;
    this.engine.easeTo({ ...to, padding: this.#covered ?? NOTHING });
    this.engine.once('moveend', () => {
      if (this.#bound === to) this.#bound = null;
    });
  }

  view(): { center: [number, number]; zoom: number } {
    return { center: this.center(), zoom: this.engine.getZoom() };
  }

  inSight(): Bounds {
    const bounds = this.engine.getBounds();
    return [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
  }

  /** Shows a box as large as it can be beside the panels, but no nearer than a street's width. */
  fit(box: Bounds): void {
    const camera = this.engine.cameraForBounds(box, { padding: 24, maxZoom: NEAREST });
    if (!camera?.center) return;
    const { lng, lat } = camera.center as { lng: number; lat: number };
    this.#fly({ center: [lng, lat], zoom: Math.max(camera.zoom ?? 0, this.engine.getZoom() + 1) });
  }

  /** What the drawn tiles say of a cell; null where none of them has it. */
  cell(id: number): Record<string, unknown> | null {
    if (!this.engine.getSource('reports')) return null;
    const [found] = this.engine.querySourceFeatures('reports', {
      sourceLayer: 'reports',
      filter: ['==', ['get', 'cell'], id],
    });
    return found?.properties ?? null;
  }

  /** A short, quiet sign that something new is here. */
  sign(lon: number, lat: number): void {
    // A burst is seen by its cells; more rings than this would only flicker.
    if (this.#signs >= MOST_SIGNS || !this.shown.reports) return;
    this.#signs += 1;
    const element = document.createElement('div');
    element.className = 'sign';
    element.setAttribute('aria-hidden', 'true');
    const marker = this.makeMarker(element, 'sign').setLngLat([lon, lat]).addTo(this.engine);
    setTimeout(() => {
      this.#signs -= 1;
      marker.remove();
    }, SIGN_MS);
  }

  zoomBy(steps: number): void {
    this.handled = true;
    this.#fly({ zoom: Math.round(this.engine.getZoom() + steps) });
  }

  /** Puts the pin somewhere, with a circle where the device's doubt is known; null takes it away. */
  setPin(
    pin: { lon: number; lat: number; accuracy_m: number | null } | null,
    element: HTMLElement,
  ): void {
    this.#overlay.doubt =
      pin && pin.accuracy_m !== null
        ? { lon: pin.lon, lat: pin.lat, radius_m: pin.accuracy_m }
        : null;
    this.#drawOverlay();
    if (!pin) {
      this.#marker?.remove();
      this.#marker = null;
    } else if (this.#marker) {
      this.#marker.setLngLat([pin.lon, pin.lat]);
    } else {
      this.#marker = this.makeMarker(element, 'pin').setLngLat([pin.lon, pin.lat]).addTo(this.engine);
      this.#marker.on('dragend', () => this.#pinMoved());
      element.onkeydown = (event) => this.#nudge(event);
      // A tap on the pin is not a tap on the place beneath it.
      element.onclick = (event) => event.stopPropagation();
    }
  }

  /** Rings the mark that a card is about; null takes the ring away. */
  setChosen(at: [lon: number, lat: number] | null): void {
    this.#overlay.chosen = at;
    this.#drawOverlay();
  }

  /** Outlines what a cell counts; null takes the line away. */
  setArea(area: Bounds | null): void {
    this.#overlay.area = area;
    this.#drawOverlay();
  }

  #pinMoved(): void {
    const at = this.#marker?.getLngLat();
    if (at) this.handlers.onPinMoved(at.lng, at.lat);
  }

  #nudge(event: KeyboardEvent): void {
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [-STEP_PX, 0],
      ArrowRight: [STEP_PX, 0],
      ArrowUp: [0, -STEP_PX],
      ArrowDown: [0, STEP_PX],
    };
    const step = steps[event.key];
    if (!step || !this.#marker) return;
    event.preventDefault();
    event.stopPropagation();
    const { x, y } = this.engine.project(this.#marker.getLngLat());
    this.#marker.setLngLat(this.engine.unproject([x + step[0], y + step[1]]));
    this.#pinMoved();
  }

  #learnGroups(layers: { id: string; type: string; metadata?: unknown }[]): void {
    this.#groups.clear();
    for (const layer of layers) {
      const group = groupOf(layer);
      if (group) this.#groups.set(layer.id, group);
    }
  }

  #drawOverlay(): void {
    const source = this.engine.getSource<GeoJSONSource>(OVERLAY);
    if (source) void source.setData(overlayData(this.#overlay));
    else this.engine.once('style.load', () => this.#drawOverlay());
  }
}
