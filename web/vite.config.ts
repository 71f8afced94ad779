import { svelte } from '@sveltejs/vite-plugin-svelte';
import { readFileSync } from 'node:fs';
import { defineConfig, loadEnv, type Plugin } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';

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

/** What citizens and crews open without a signal lies on their device; the desk and the planner's page
 * are asked for when they are opened. Nothing that the service answers is kept but what draws the map
 * and what a report is about, and that only for when no answer comes. */
const offline = VitePWA({
  strategies: 'generateSW',
  // Its own, for the two ways in (`main.ts`).
  manifest: false,
  injectRegister: false,
  workbox: {
    inlineWorkboxRuntime: true,
    skipWaiting: true,
    clientsClaim: true,
    globPatterns: ['index.html', 'favicon.svg', 'assets/*.{js,css,woff2}'],
    globIgnores: ['assets/{DeskPage,PlanPage}*', 'assets/{swagger-ui,leaflet,docs}*'],
    maximumFileSizeToCacheInBytes: 3_000_000,
    // The service has no address of that name: the document is what stands at the pages' own.
    manifestTransforms: [
      (files) => ({
        manifest: files.map((file) => (file.url === 'index.html' ? { ...file, url: '/' } : file)),
      }),
    ],
    navigateFallback: '/',
    // With what an address says besides (`?task=…`): it is asked with that.
    navigateFallbackAllowlist: [/^\/(\?|$)/, /^\/r\/[^/]+$/, /^\/(crew|desk|plan)(\?|$)/],
    runtimeCaching: [
      {
        // Those of tasks are one account's own.
        urlPattern: ({ url }) => /^\/(tiles(?!\/tasks)|styles)\//.test(url.pathname),
        handler: 'NetworkFirst',
        options: {
          cacheName: 'map',
          networkTimeoutSeconds: 6,
          expiration: { maxEntries: 600, maxAgeSeconds: 30 * 86_400, purgeOnQuotaError: true },
          cacheableResponse: { statuses: [200, 204] },
        },
      },
      {
        urlPattern: ({ url }) => /^\/api\/v1\/(categories|wards)$/.test(url.pathname),
        handler: 'NetworkFirst',
        options: { cacheName: 'lists', networkTimeoutSeconds: 6 },
      },
    ],
  },
});

export default defineConfig({
  plugins: [svelte(), libraries, offline],
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
