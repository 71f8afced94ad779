import { svelte } from '@sveltejs/vite-plugin-svelte';
import { readFileSync } from 'node:fs';
import { defineConfig, loadEnv, type Plugin } from 'vite';

// While developing, `npm run dev` passes everything but the pages on to a running service.
const { PINWARD_PUBLIC_URL: service = 'http://127.0.0.1:8000' } = loadEnv('', '.', 'PINWARD_');

/** The API's own documentation at /docs reads these two from us, not from somebody's CDN. */
const swagger: Plugin = {
  name: 'swagger-ui',
  apply: 'build',
  generateBundle() {
    for (const name of ['swagger-ui-bundle.js', 'swagger-ui.css']) {
      const source = readFileSync(new URL(`node_modules/swagger-ui-dist/${name}`, import.meta.url));
      this.emitFile({ type: 'asset', fileName: `assets/${name}`, source });
    }
  },
};

export default defineConfig({
  plugins: [svelte(), swagger],
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
