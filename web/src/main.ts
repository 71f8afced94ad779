import { mount } from 'svelte';
import App from './App.svelte';
import './fresh';
import { route } from './state/route.svelte';
import './styles.css';

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no #app');
mount(App, { target });

// Two apps can be put on a phone's home screen, and which one is known by the address only.
const manifest = document.createElement('link');
manifest.rel = 'manifest';
manifest.href = route.now.page === 'crew' ? '/crew.webmanifest' : '/manifest.webmanifest';
document.head.append(manifest);

/** After the page and its map: what is kept for later is as large as all of it. */
const AFTER_MS = 8_000;
if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  window.addEventListener('load', () => {
    const wait = navigator.serviceWorker.controller ? 0 : AFTER_MS;
    setTimeout(() => void navigator.serviceWorker.register('/sw.js').catch(() => {}), wait);
  });
}
