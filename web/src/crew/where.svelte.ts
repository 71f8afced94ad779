/** What of the page is open, in the address: a phone's own back button closes a task. */
export type View = 'list' | 'map' | 'outbox' | 'trip';
const VIEWS: View[] = ['list', 'map', 'outbox', 'trip'];

interface Place {
  view: View;
  task: string | null;
}

function read(): Place {
  const asked = new URLSearchParams(location.search);
  const view = VIEWS.find((each) => each === asked.get('view')) ?? 'list';
  return { view, task: asked.get('task') };
}

let now = $state.raw<Place>(read());

export const place = {
  get view(): View {
    return now.view;
  },
  get task(): string | null {
    return now.task;
  },
};

export function show(view: View): void {
  to({ view, task: null });
}

export function open(task: string): void {
  to({ view: now.view, task });
}

/** Back to where the task was opened from. */
export function close(): void {
  if (history.state?.crew) history.back();
  else to({ view: now.view, task: null });
}

function to(next: Place): void {
  const url = new URL(location.href);
  for (const [name, value] of [
    ['view', next.view === 'list' ? null : next.view],
    ['task', next.task],
  ] as const) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  history.pushState({ crew: next.task !== null }, '', url);
  now = next;
}

export function followAddress(): () => void {
  const follow = (): void => {
    now = read();
  };
  follow();
  window.addEventListener('popstate', follow);
  return () => window.removeEventListener('popstate', follow);
}
