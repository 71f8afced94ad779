/** A page that was built since has other parts, and one that is still open asks for those of the old.
 *
 * Only then it is loaded anew. A part that does not come for want of a network would not come then
 * either: the page would go round and round, and what is typed nowhere else would be gone. */

/** The worker that holds the old page brings the new one first. */
const PATIENCE_MS = 10_000;

async function isOld(): Promise<boolean> {
  const entry = document.querySelector<HTMLScriptElement>('script[type=module][src]')?.src;
  try {
    // An address that no worker keeps an answer to.
    const answer = await fetch('/?fresh', { cache: 'no-store' });
    return answer.ok && !(await answer.text()).includes(new URL(entry ?? '').pathname);
  } catch {
    return false;
  }
}

async function renew(): Promise<void> {
  if (!(await isOld())) return;
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (workers?.controller) {
    const taken = new Promise((done) =>
      workers.addEventListener('controllerchange', done, { once: true }),
    );
    void workers.getRegistration().then((known) => known?.update().catch(() => {}));
    await Promise.race([taken, new Promise((done) => setTimeout(done, PATIENCE_MS))]);
  }
  location.reload();
}

let renewing: Promise<void> | null = null;

window.addEventListener('vite:preloadError', () => {
  renewing ??= renew().finally(() => (renewing = null));
});
