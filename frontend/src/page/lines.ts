// In a list of lines (`data-lines`) one line is chosen: the one last touched, or the one that
// a tap or the arrow keys picked. It shows its tools, and + and - act on it.
import { isShown } from "./context";
import { onRequest } from "./htmx";

interface Choice {
  id: string;
  known: Set<string>;
}

const choices = new WeakMap<Element, Choice>();

function linesOf(list: Element): HTMLElement[] {
  return Array.from(list.querySelectorAll<HTMLElement>("[data-line]"));
}

function choose(list: Element, line: HTMLElement | undefined, show: boolean): void {
  const lines = linesOf(list);
  for (const each of lines) {
    if (each === line) each.setAttribute("aria-current", "true");
    else each.removeAttribute("aria-current");
  }
  choices.set(list, { id: line?.id ?? "", known: new Set(lines.map((each) => each.id)) });
  if (show) line?.scrollIntoView({ block: "nearest" });
}

/** After the hub's answer: what it touched, else what is new, else what was chosen. */
function settle(list: Element): void {
  const lines = linesOf(list);
  const before = choices.get(list);
  const fresh = lines.filter((line) => before && !before.known.has(line.id));
  const touched = lines.find((line) => line.hasAttribute("data-touched"));
  const line = touched
    ?? fresh[fresh.length - 1]
    ?? lines.find((each) => each.id === before?.id)
    ?? lines[lines.length - 1];
  // Said once: a later swap elsewhere on the page must not pull the choice back here.
  touched?.removeAttribute("data-touched");
  choose(list, line, touched !== undefined || line?.id !== before?.id);
}

function settleAll(): void {
  for (const list of document.querySelectorAll("[data-lines]")) {
    list.setAttribute("data-live-ready", "");
    settle(list);
  }
}

function shownList(): Element | undefined {
  return Array.from(document.querySelectorAll("[data-lines]")).find(isShown);
}

/** Choose the line above (-1) or below (1); false when the page shows no lines. */
export function moveChoice(step: 1 | -1): boolean {
  const list = shownList();
  if (!list) return false;
  const lines = linesOf(list);
  const now = lines.findIndex((line) => line.hasAttribute("aria-current"));
  choose(list, lines[Math.min(lines.length - 1, Math.max(0, now + step))], true);
  return lines.length > 0;
}

/** Press the chosen line's button for `key` (`data-line-key`). */
export function pressInChosen(key: string): void {
  const line = shownList()?.querySelector("[data-line][aria-current]");
  line?.querySelector<HTMLElement>(`[data-line-key="${CSS.escape(key)}"]`)?.click();
}

document.addEventListener("click", (event) => {
  const line = event.target instanceof Element ? event.target.closest("[data-line]") : null;
  const list = line?.closest("[data-lines]");
  if (list && line instanceof HTMLElement) choose(list, line, false);
});

onRequest("after:swap", settleAll);
settleAll();
