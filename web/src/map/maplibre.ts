/** The map engine, in a chunk of its own that is only fetched when a map is to be drawn. */
import 'maplibre-gl/dist/maplibre-gl.css';
import './engine.css';
import { setWorkerUrl } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';

setWorkerUrl(workerUrl);

export { AttributionControl, Map, Marker } from 'maplibre-gl';
