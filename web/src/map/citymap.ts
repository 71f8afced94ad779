/** The map as the pages use it: a style, a pin, a circle of doubt, and what was tapped. */
import type { Feature, FeatureCollection } from 'geojson';
import type {
  GeoJSONSource,
  Map as Engine,
  MapGeoJSONFeature,
  Marker,
  PointLike,
  StyleSpecification,
} from 'maplibre-gl';
import type { Lang } from '../i18n/index.svelte';
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
  /** A mark was tapped; the answer says whether that was all, or the place counts as well. */
  onHit(hit: Hit): void;
  onPinMoved(lon: number, lat: number): void;
}

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
const DOUBT = 'pinward-doubt';
const HOLD_MS = 550;
const STEP_PX = 12;

export class CityMap {
  /** While true every tap moves the pin, whatever lies under it. */
  placing = false;
  #marker: Marker | null = null;
  #doubt: Doubt = null;
  #groups = new Map<string, Group>();
  #restyled = 0;

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
      ...(look.center ? { center: look.center } : {}),
      ...(look.zoom === undefined ? {} : { zoom: look.zoom }),
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

  /** Keeps what matters out from under the panels: pixels covered on each side. */
  setCovered(covered: { top: number; right: number; bottom: number; left: number }): void {
    this.engine.easeTo({ padding: covered, duration: 250 });
  }

  center(): [number, number] {
    const { lng, lat } = this.engine.getCenter();
    return [lng, lat];
  }

  goTo(lon: number, lat: number, zoom: number): void {
    this.engine.easeTo({ center: [lon, lat], zoom: Math.max(zoom, this.engine.getZoom()) });
  }

  /** Moves the map only if the place is not in plain sight. */
  reveal(lon: number, lat: number): void {
    const { x, y } = this.engine.project([lon, lat]);
    const { width, height } = this.engine.getCanvas().getBoundingClientRect();
    const { top = 0, right = 0, bottom = 0, left = 0 } = this.engine.getPadding();
    const inside =
      x > left + 24 && x < width - right - 24 && y > top + 60 && y < height - bottom - 16;
    if (!inside) this.engine.easeTo({ center: [lon, lat] });
  }

  zoomBy(steps: number): void {
    this.engine.easeTo({ zoom: this.engine.getZoom() + steps });
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

  #learnGroups(layers: { id: string; metadata?: unknown }[]): void {
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

type Doubt = { lon: number; lat: number; radius_m: number } | null;

function doubtData(doubt: Doubt): FeatureCollection {
  return { type: 'FeatureCollection', features: doubt ? [circle(doubt)] : [] };
}

/** The circle of doubt is part of the style, so that it outlives a change of language or theme. */
function withDoubt(style: StyleSpecification, doubt: Doubt): StyleSpecification {
  style.sources[DOUBT] = { type: 'geojson', data: doubtData(doubt) };
  style.layers.push({
    id: DOUBT,
    type: 'fill',
    source: DOUBT,
    paint: { 'fill-color': '#1b5fd1', 'fill-opacity': 0.16, 'fill-outline-color': '#1b5fd1' },
  });
  return style;
}

/** A ring of 48 points about a place; good to a metre at the sizes a phone's doubt has. */
function circle(doubt: NonNullable<Doubt>): Feature {
  const perDegree = 111_320;
  const ring: [number, number][] = [];
  for (let step = 0; step <= 48; step++) {
    const angle = (step / 48) * 2 * Math.PI;
    const east_m = doubt.radius_m * Math.cos(angle);
    const north_m = doubt.radius_m * Math.sin(angle);
    const shrink = Math.cos((doubt.lat * Math.PI) / 180);
    ring.push([
      doubt.lon + east_m / (perDegree * shrink),
      doubt.lat + north_m / perDegree,
    ]);
  }
  return { type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [ring] } };
}
