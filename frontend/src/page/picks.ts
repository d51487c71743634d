// A search field with `data-picks` takes its one answer by Enter, so that a desk with a keyboard
// needs no pointer for it. Enter may come before the answer does: then it waits for the answer to
// what is in the field, because the list still shows what was typed before.
import { onRequest } from "./htmx";

let waiting: HTMLInputElement | undefined;

function list(field: HTMLInputElement): Element | null {
  return document.querySelector(field.dataset["picks"] ?? "");
}

function isAnswered(field: HTMLInputElement): boolean {
  const answer = list(field)?.querySelector<HTMLElement>("[data-answers]");
  return answer?.dataset["answers"] === field.value.trim();
}

function pick(field: HTMLInputElement): void {
  waiting = isAnswered(field) ? undefined : field;
  if (waiting) return;
  const found = list(field)?.querySelectorAll("button") ?? [];
  if (found.length === 1) found[0]?.click();
  else found[0]?.focus();
}

document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (!(field instanceof HTMLInputElement) || !field.dataset["picks"]) return;
  waiting = undefined;
  if (event.key !== "Enter" || event.isComposing || field.value.trim() === "") return;
  event.preventDefault();
  pick(field);
});

onRequest("after:swap", () => {
  if (waiting) pick(waiting);
});
