// One tap, one wish. `data-once` buttons are locked while their form is in flight, the pressed
// button says so at once (`aria-busy`), and `data-each` inputs give every tap its own id.
import { onRequest, type RequestContext } from "./htmx";
import { text } from "./context";
import { lock, lockables, unlock } from "./locks";
import { toast } from "./toasts";

const SLOW_AFTER_MS = 300;
/** A form that answers with a file leaves the page where it is, and nothing tells us so. */
const PLAIN_LOCK_MS = 8000;

const numbered = new WeakMap<HTMLInputElement, { first: string; last: string; taps: number }>();

/** The hub mints the first id; later taps on the same page are that id and their number. */
function number(input: HTMLInputElement): void {
  const known = numbered.get(input);
  const state = known?.last === input.value
    ? { ...known, taps: known.taps + 1 }
    : { first: input.value, last: input.value, taps: 1 };
  state.last = state.taps === 1 ? state.first : `${state.first}~${state.taps}`;
  input.value = state.last;
  numbered.set(input, state);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement)) return;
  form.querySelectorAll<HTMLInputElement>("input[data-each]").forEach(number);
}, { capture: true });

// A plain form navigates. The browser reads its fields after this event, and would leave out
// a disabled submit button, so the lock comes a moment later.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement)) return;
  window.setTimeout(() => {
    if (event.defaultPrevented) return;
    const buttons = lockables(form, "[data-once]");
    buttons.forEach((button) => lock(button, "flight"));
    window.setTimeout(() => {
      buttons.forEach((button) => unlock(button, "flight"));
    }, PLAIN_LOCK_MS);
  });
});

window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const button of lockables(document, "[data-once]")) unlock(button, "flight");
});

const inFlight = new Map<RequestContext, number>();

function begin(context: RequestContext): void {
  const { form, submitter } = context.request;
  if (form) for (const button of lockables(form, "[data-once]")) lock(button, "flight");
  submitter?.setAttribute("aria-busy", "true");
  if (!form) return;
  const timer = window.setTimeout(() => {
    document.documentElement.classList.add("is-loading");
  }, SLOW_AFTER_MS);
  inFlight.set(context, timer);
}

/** Before the answer is swapped in, so that what the answer says about the button stays. */
function end(context: RequestContext): void {
  window.clearTimeout(inFlight.get(context));
  inFlight.delete(context);
  if (inFlight.size === 0) document.documentElement.classList.remove("is-loading");
  const { form, submitter } = context.request;
  const leaving = context.hx?.redirect ?? context.hx?.refresh ?? context.hx?.location;
  if (leaving) return;
  submitter?.removeAttribute("aria-busy");
  if (form) for (const button of lockables(form, "[data-once]")) unlock(button, "flight");
}

onRequest("before:request", begin);
onRequest("before:swap", end);
onRequest("finally:request", end);
onRequest("response:error", (context) => {
  if ((context.response?.status ?? 0) >= 500) toast(text("serverError"), "bad");
});
