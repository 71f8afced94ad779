/** Which page the address names. Two need no library. */
export type Route =
  | { page: 'home' }
  | { page: 'report'; code: string; secret: string | null };

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a stray % is looked up as it stands, and not found
  }
}

function read(): Route {
  const [, first, code] = location.pathname.split('/');
  if (first !== 'r' || !code) return { page: 'home' };
  const secret = decoded(location.hash.slice(1));
  return { page: 'report', code: decoded(code), secret: secret || null };
}

let current = $state.raw<Route>(read());

export const route = {
  get now(): Route {
    return current;
  },
};

/** Goes to another of our pages without loading it anew; `?lang=` travels along. */
export function go(path: string): void {
  const url = new URL(path, location.origin);
  const lang = new URLSearchParams(location.search).get('lang');
  if (lang) url.searchParams.set('lang', lang);
  history.pushState(null, '', url);
  current = read();
  scrollTo(0, 0);
}

/** Lets plain links to our own pages stay in the page; everything else is the browser's. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest('a');
  if (!link || link.target || link.origin !== location.origin) return;
  if (link.pathname !== '/' && !link.pathname.startsWith('/r/')) return;
  if (link.getAttribute('href')?.startsWith('#')) return;
  event.preventDefault();
  go(link.pathname + link.search + link.hash);
}

window.addEventListener('popstate', () => (current = read()));
window.addEventListener('hashchange', () => (current = read()));
