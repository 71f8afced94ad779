/** The view of the page, and its address: whichever changes, the other follows. */
import { read, write, type View } from './view';

let view = $state.raw<View>(read(location.search));

export const planner = {
  get view(): View {
    return view;
  },
};

/** Changes the view. `quiet` changes make no step of their own for the browser's way back: the map
 * that was moved, the slider on its way. */
export function change(part: Partial<View>, quiet = false): void {
  view = { ...view, ...part };
  const address = location.pathname + write(view, location.search) + location.hash;
  if (quiet) history.replaceState(history.state, '', address);
  else history.pushState(null, '', address);
}

/** Follows the browser's way back and forth until the page is left. */
export function followAddress(): () => void {
  const follow = (): void => {
    view = read(location.search);
  };
  follow();
  window.addEventListener('popstate', follow);
  return () => window.removeEventListener('popstate', follow);
}
