import { svelte } from '@sveltejs/vite-plugin-svelte';
import { readFileSync } from 'node:fs';
import { defineConfig, loadEnv, type Plugin } from 'vite';

// While developing, `npm run dev` passes everything but the pages on to a running service.
const { PINWARD_PUBLIC_URL: service = 'http://127.0.0.1:8000' } = loadEnv('', '.', 'PINWARD_');

/** Read from us, not from somebody's CDN, by the API's documentation at /docs and by the maps that
 * `pinward wards reform plan` writes. */
const libraries: Plugin = {
  name: 'libraries',
  apply: 'build',
  generateBundle() {
    for (const path of [
      'swagger-ui-dist/swagger-ui-bundle.js',
      'swagger-ui-dist/swagger-ui.css',
      'leaflet/dist/leaflet.js',
      'leaflet/dist/leaflet.css',
    ]) {
      const source = readFileSync(new URL(`node_modules/${path}`, import.meta.url));
      this.emitFile({ type: 'asset', fileName: `assets/${path.split('/').pop()}`, source });
    }
  },
};

export default defineConfig({
  plugins: [svelte(), libraries],
  logLevel: 'warn',
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    assetsDir: 'assets',
    // The map engine is one chunk of its own, asked for after the page has drawn: it is larger than
    // everything else together and changes only when it is upgraded.
    chunkSizeWarningLimit: 1200,
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: 'maplibre', test: /node_modules[\\/]maplibre-gl/ }] } },
    },
  },
  server: {
    proxy: Object.fromEntries(['/api', '/tiles', '/styles'].map((path) => [path, service])),
  },
});
