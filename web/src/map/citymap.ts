/** The map as the pages use it: a style, a pin, a circle of doubt, and what was tapped. */
import type {
  GeoJSONSource,
  Map as Engine,
  MapGeoJSONFeature,
  Marker,
  PointLike,
} from 'maplibre-gl';
import type { Lang } from '../i18n/index.svelte';
import { DOUBT, doubtData, withDoubt, type Doubt } from './doubt';
import { fittedStyle, groupOf, type Group, type Shown } from './style';

/** Something of ours under a finger. */
export interface Hit {
  group: Exclude<Group, 'wards'>;
  properties: Record<string, unknown>;
  at: [lon: number, lat: number];
}

export interface Handlers {
  /** An empty place was tapped, or any place was held. */
  onPlace(lon: number, lat: number): void;
  /** A mark was tapped. */
  onHit(hit: Hit): void;
  onPinMoved(lon: number, lat: number): void;
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

/** Half the side, in pixels, of the square around a fingertip in which marks are found. */
const FINGER = 8;
const MARKS: readonly Group[] = ['reports', 'schools', 'clinics', 'hotspots'];
const HOLD_MS = 550;
const STEP_PX = 12;

export class CityMap {
  /** While true every tap moves the pin, whatever lies under it. */
  placing = false;
  #marker: Marker | null = null;
  #doubt: Doubt = null;
  #groups = new Map<string, Group>();
  #restyled = 0;
  #covered: Covered | null = null;
  /** Where the map is on its way to. */
  #bound: { center?: [number, number]; zoom?: number } | null = null;

  private constructor(
    readonly engine: Engine,
    private readonly makeMarker: (element: HTMLElement) => Marker,
    private readonly handlers: Handlers,
    private shown: Shown,
  ) {
    this.#listen();
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
    const engine = new library.Map({
      container,
      style: withDoubt(style, null),
      // The engine takes the style's own view only while nothing has touched the camera.
      center: look.center ?? (style.center as [number, number] | undefined) ?? [0, 0],
      zoom: look.zoom ?? style.zoom ?? 1,
      attributionControl: false,
      interactive: !look.still,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      maxZoom: 19,
    });
    engine.touchZoomRotate.disableRotation();
    engine.keyboard.disableRotation();
    engine.addControl(new library.AttributionControl({ compact: true }), 'bottom-right');
    const map = new CityMap(
      engine,
      (element) => new library.Marker({ element, anchor: 'bottom', draggable: !look.still }),
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
    this.engine.setStyle(withDoubt(style, this.#doubt));
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
    if (first) {
      this.engine.jumpTo({ padding: covered });
    } else if (this.#bound && this.engine.isMoving()) {
      this.#fly({ ...this.#bound });
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

  center(): [number, number] {
    const { lng, lat } = this.engine.getCenter();
    return [lng, lat];
  }

  goTo(lon: number, lat: number, zoom: number): void {
    this.#fly({ center: [lon, lat], zoom: Math.max(zoom, this.engine.getZoom()) });
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

  zoomBy(steps: number): void {
    this.#fly({ zoom: Math.round(this.engine.getZoom() + steps) });
  }

  /** Puts the pin somewhere, with a circle where the device's doubt is known; null takes it away. */
  setPin(
    pin: { lon: number; lat: number; accuracy_m: number | null } | null,
    element: HTMLElement,
  ): void {
    this.#doubt =
      pin && pin.accuracy_m !== null
        ? { lon: pin.lon, lat: pin.lat, radius_m: pin.accuracy_m }
        : null;
    this.#drawDoubt();
    if (!pin) {
      this.#marker?.remove();
      this.#marker = null;
    } else if (this.#marker) {
      this.#marker.setLngLat([pin.lon, pin.lat]);
    } else {
      this.#marker = this.makeMarker(element).setLngLat([pin.lon, pin.lat]).addTo(this.engine);
      this.#marker.on('dragend', () => this.#pinMoved());
      element.onkeydown = (event) => this.#nudge(event);
      // A tap on the pin is not a tap on the place beneath it.
      element.onclick = (event) => event.stopPropagation();
    }
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

  #marksAt(point: { x: number; y: number }): MapGeoJSONFeature[] {
    const layers = [...this.#groups.keys()].filter((id) => {
      const group = this.#groups.get(id);
      return group !== undefined && MARKS.includes(group) && this.engine.getLayer(id);
    });
    const box: [PointLike, PointLike] = [
      [point.x - FINGER, point.y - FINGER],
      [point.x + FINGER, point.y + FINGER],
    ];
    const rank = (feature: MapGeoJSONFeature) =>
      MARKS.indexOf(this.#groups.get(feature.layer.id) ?? 'wards');
    return this.engine
      .queryRenderedFeatures(box, { layers })
      .sort((one, two) => rank(one) - rank(two));
  }

  #listen(): void {
    const { engine } = this;
    let held: ReturnType<typeof setTimeout> | undefined;
    let swallow = false;

    engine.on('click', (event) => {
      if (swallow) {
        swallow = false;
        return;
      }
      const [mark] = this.placing ? [] : this.#marksAt(event.point);
      if (!mark) {
        this.handlers.onPlace(event.lngLat.lng, event.lngLat.lat);
        return;
      }
      const group = this.#groups.get(mark.layer.id) as Hit['group'];
      const at: [number, number] =
        mark.geometry.type === 'Point'
          ? (mark.geometry.coordinates as [number, number])
          : [event.lngLat.lng, event.lngLat.lat];
      this.handlers.onHit({ group, properties: mark.properties, at });
    });
    // Holding a finger (or the right button) pins a place even where marks cover it.
    engine.on('contextmenu', (event) => {
      this.handlers.onPlace(event.lngLat.lng, event.lngLat.lat);
    });
    engine.on('touchstart', (event) => {
      clearTimeout(held);
      swallow = false;
      const onPin = this.#marker?.getElement().contains(event.originalEvent.target as Node);
      if (onPin || event.originalEvent.touches.length !== 1) return;
      held = setTimeout(() => {
        swallow = true;
        this.handlers.onPlace(event.lngLat.lng, event.lngLat.lat);
      }, HOLD_MS);
    });
    for (const moved of ['touchend', 'touchcancel', 'dragstart', 'zoomstart'] as const) {
      engine.on(moved, () => clearTimeout(held));
    }
    engine.on('mousemove', (event) => {
      const onMark = !this.placing && this.#marksAt(event.point).length > 0;
      engine.getCanvas().style.cursor = onMark ? 'pointer' : 'crosshair';
    });
  }

  #drawDoubt(): void {
    const source = this.engine.getSource<GeoJSONSource>(DOUBT);
    if (source) void source.setData(doubtData(this.#doubt));
    else this.engine.once('style.load', () => this.#drawDoubt());
  }
}
