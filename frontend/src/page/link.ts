// Can this device reach the hub? `html.is-offline` says no: a red bar shows, and what needs
// the hub (`data-needs-hub`) is locked. Only an answer from the hub opens it again.
import { onRequest } from "./htmx";
import { lock, lockables, unlock } from "./locks";

const PROBE_EVERY_MS = 2000;
const PROBE_TIMEOUT_MS = 4000;

let reachable = true;
let probing = false;
const listeners = new Set<(reachable: boolean) => void>();

/** Call `then` whenever the hub is lost or found; the returned function stops that. */
export function onLinkChange(then: (reachable: boolean) => void): () => void {
  listeners.add(then);
  return () => listeners.delete(then);
}

function show(): void {
  document.documentElement.classList.toggle("is-offline", !reachable);
  for (const button of lockables(document, "[data-needs-hub]")) {
    if (reachable) unlock(button, "link");
    else lock(button, "link");
  }
}

function become(state: boolean): void {
  if (reachable === state) return;
  reachable = state;
  show();
  listeners.forEach((then) => then(state));
}

/** The hub answered, with whatever. */
export function found(): void {
  become(true);
}

/** A request got no answer. */
export function lost(): void {
  become(false);
  void probe();
}

/** Something smells: ask the hub before saying that it is away. */
export function suspect(): void {
  void probe();
}

async function answers(url: string): Promise<boolean> {
  const controller = new AbortController();
  const timer = window.setTimeout(() => controller.abort(), PROBE_TIMEOUT_MS);
  try {
    await fetch(url, { method: "HEAD", cache: "no-store", signal: controller.signal });
    return true;
  } catch {
    return false;
  } finally {
    window.clearTimeout(timer);
  }
}

async function probe(): Promise<void> {
  const url = document.body.dataset["ping"];
  if (probing || !url) return;
  probing = true;
  // The first look waits too when the link is already known to be gone: a radio that just
  // dropped a packet needs a moment.
  if (!reachable) await new Promise((done) => window.setTimeout(done, PROBE_EVERY_MS));
  while (!(await answers(url))) {
    become(false);
    await new Promise((done) => window.setTimeout(done, PROBE_EVERY_MS));
  }
  probing = false;
  found();
}

onRequest("after:request", found);
onRequest("error", (context) => {
  // With a body the hub did answer, and what failed was the swap.
  if (context.text === undefined && !context.request.signal.aborted) lost();
  else if (context.request.signal.reason === "timeout") lost();
});
window.addEventListener("offline", lost);
window.addEventListener("online", suspect);
