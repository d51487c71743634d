// Dialogs are opened by `data-opens="id"` and closed by `data-closes`. A link that opens a
// dialog with a `[data-fill]` place has its page fetched into that place, so the same link is
// a plain page where no script runs.
import { load, onRequest } from "./htmx";
import { isWaiting } from "./retry";

const stack: HTMLDialogElement[] = [];

/** The dialog in front, if any: nothing behind it may be used. */
export function topDialog(): HTMLDialogElement | null {
  // The close event comes late, and a swap takes an open dialog away without one.
  while (stack.length > 0) {
    const top = stack[stack.length - 1];
    if (top?.open && top.isConnected) return top;
    stack.pop();
  }
  return null;
}

/** Notes must stay above the dialog and usable, so they move into it and back. */
function placeToasts(): void {
  const region = document.getElementById("toasts");
  const home = topDialog() ?? document.body;
  if (region && region.parentElement !== home) home.append(region);
}

function forget(dialog: HTMLDialogElement): void {
  const index = stack.indexOf(dialog);
  if (index >= 0) stack.splice(index, 1);
  placeToasts();
}

export function openDialog(dialog: HTMLDialogElement): void {
  if (dialog.open) return;
  dialog.showModal();
  stack.push(dialog);
  placeToasts();
  dialog.addEventListener("close", () => forget(dialog), { once: true });
}

function isBusy(dialog: HTMLDialogElement): boolean {
  return Array.from(dialog.querySelectorAll("form")).some(isWaiting);
}

function fillFrom(link: HTMLAnchorElement, dialog: HTMLDialogElement): void {
  const place = dialog.querySelector("[data-fill]");
  if (!place || link.hasAttribute("hx-get")) return;
  const waiting = dialog.querySelector<HTMLTemplateElement>("template[data-waiting]");
  // Never the amounts of the last time, not even for a moment.
  place.replaceChildren(...(waiting ? [document.importNode(waiting.content, true)] : []));
  void load(link.href, place, "innerHTML");
}

function onOpener(event: MouseEvent, opener: Element): void {
  const dialog = document.getElementById(opener.getAttribute("data-opens") ?? "");
  if (!(dialog instanceof HTMLDialogElement)) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (opener.getAttribute("aria-disabled") === "true") return;
  openDialog(dialog);
  if (opener instanceof HTMLAnchorElement) fillFrom(opener, dialog);
}

function onCloser(closer: Element): void {
  const id = closer.getAttribute("data-closes");
  const dialog = id ? document.getElementById(id) : closer.closest("dialog");
  if (dialog instanceof HTMLDialogElement) dialog.close();
}

document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element)) return;
  const opener = event.target.closest("[data-opens]");
  if (opener) onOpener(event, opener);
  const closer = event.target.closest("[data-closes]");
  if (closer) onCloser(closer);
  // A tap on the backdrop lands on the dialog itself.
  const dialog = event.target;
  if (dialog instanceof HTMLDialogElement && dialog.hasAttribute("data-light")) dialog.close();
});

document.addEventListener("cancel", (event) => {
  // While a payment is unknown, the sentence that says so stays in sight.
  if (event.target instanceof HTMLDialogElement && isBusy(event.target)) event.preventDefault();
}, { capture: true });

onRequest("before:swap", (context) => {
  const form = context.request.form;
  if (!form?.hasAttribute("data-closes-after")) return;
  if ((context.response?.status ?? 500) < 400) form.closest("dialog")?.close();
});
