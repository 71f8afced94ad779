/** Which page the address names. Five need no library; what an address says besides (`?status=…`) is
 * its page's own affair. */
const STAFF = ['crew', 'desk', 'plan'] as const;
export type StaffPage = (typeof STAFF)[number];
export type Route =
  | { page: 'home' | StaffPage }
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
  const staff = STAFF.find((page) => page === first);
  if (staff) return { page: staff };
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
  arrive();
  scrollTo(0, 0);
}

/** A page stays as it is, with what is being typed in it, while the address still names it. */
function arrive(): void {
  const next = read();
  if (JSON.stringify(next) !== JSON.stringify(current)) current = next;
}

/** Lets plain links to our own pages stay in the page; everything else is the browser's. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest('a');
  if (!link || link.target || link.origin !== location.origin) return;
  const ours = link.pathname === '/' || /^\/(r\/|crew$|desk$|plan$)/.test(link.pathname);
  if (!ours || link.hasAttribute('download')) return;
  if (link.getAttribute('href')?.startsWith('#')) return;
  event.preventDefault();
  go(link.pathname + link.search + link.hash);
}

window.addEventListener('popstate', arrive);
window.addEventListener('hashchange', arrive);
