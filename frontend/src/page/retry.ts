// Forms with `data-retry` send the very same request again when no answer came: same body,
// same key, so the hub can tell a repeat from a second wish. An answer of any status ends it.
import { onRequest } from "./htmx";
import { found, lost, onLinkChange } from "./link";

const TRIES_MAX = 9;
const TRY_TIMEOUT_MS = 8000;
const PAUSE_MIN_MS = 600;
const PAUSE_MAX_MS = 8000;
/** The form's state for the style sheet; morphing leaves names with this prefix alone. */
const STATE = "data-live-retry";

export function isWaiting(form: Element): boolean {
  return form.getAttribute(STATE) === "waiting";
}

export function anyWaiting(): boolean {
  return document.querySelector(`[${STATE}="waiting"]`) !== null;
}

function pauseMs(failures: number): number {
  const jitter = 0.7 + 0.6 * Math.random();
  const grown = PAUSE_MIN_MS * 2 ** (failures - 1) * jitter;
  return Math.min(PAUSE_MAX_MS, Math.max(PAUSE_MIN_MS, grown));
}

/** Wait, but no longer than until the hub is heard again; never less than the minimum. */
function pause(durationMs: number): Promise<void> {
  return new Promise((done) => {
    const startedMs = performance.now();
    const finish = (): void => {
      stop();
      window.clearTimeout(timer);
      done();
    };
    let timer = window.setTimeout(finish, durationMs);
    const stop = onLinkChange((reachable) => {
      if (!reachable) return;
      window.clearTimeout(timer);
      const spentMs = performance.now() - startedMs;
      timer = window.setTimeout(finish, Math.max(0, PAUSE_MIN_MS - spentMs));
    });
  });
}

async function askOnce(action: string, request: RequestInit): Promise<Response> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const timer = window.setTimeout(abort, TRY_TIMEOUT_MS);
  request.signal?.addEventListener("abort", abort);
  try {
    const response = await fetch(action, { ...request, signal: controller.signal });
    // Headers may arrive and the body not: only a whole answer is an answer.
    await response.clone().arrayBuffer();
    return response;
  } finally {
    window.clearTimeout(timer);
    request.signal?.removeEventListener("abort", abort);
  }
}

async function askUntilAnswered(
  form: Element,
  action: string,
  request: RequestInit,
): Promise<Response> {
  for (let failures = 1; ; failures += 1) {
    try {
      const response = await askOnce(action, request);
      form.removeAttribute(STATE);
      found();
      return response;
    } catch (error) {
      const cancelled = request.signal?.aborted === true;
      const last = failures >= TRIES_MAX;
      if (cancelled) form.removeAttribute(STATE);
      else lost();
      if (last && !cancelled) form.setAttribute(STATE, "gave-up");
      if (cancelled || last) throw error;
      form.setAttribute(STATE, "waiting");
      await pause(pauseMs(failures));
    }
  }
}

onRequest("config:request", (context) => {
  const form = context.request.form;
  if (!form?.hasAttribute("data-retry")) return;
  // Each try has a limit of its own; htmx's would end the whole sequence.
  context.request.timeout = 0;
  context.fetch = (action, request) => askUntilAnswered(form, action, request);
});
