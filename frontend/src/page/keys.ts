// The keyboard of the page: elements carry `data-key="F8"`, and single keys move among the
// lines of a ticket. Only what is ours is taken from the browser.
import { isShown, takesTyping } from "./context";
import { topDialog } from "./dialogs";
import { moveChoice, pressInChosen } from "./lines";
import { inBurst } from "./wedge";

/** The browser's own, and the developer's: reload, full screen, tools. */
const NOT_OURS = new Set(["F5", "F11", "F12"]);
/** Longer than a scanner's gap between keys: a lone "-" acts, one inside a code does not. */
const LONE_KEY_MS = 50;

let waiting: number | undefined;

function onlyIfAlone(act: () => void): void {
  if (!inBurst()) waiting = window.setTimeout(act, LONE_KEY_MS);
}

/** Elements of the page, or of the dialog in front, that a key stands for. */
export function keyed(): HTMLElement[] {
  const root = topDialog() ?? document;
  return Array.from(root.querySelectorAll<HTMLElement>("[data-key]")).filter(isShown);
}

function press(element: HTMLElement): void {
  if (takesTyping(element)) {
    element.focus();
    (element as HTMLInputElement).select();
  } else if (element instanceof HTMLFormElement) {
    element.requestSubmit();
  } else {
    element.click();
  }
}

function pressKeyed(key: string): boolean {
  const element = keyed().find((each) => each.dataset["key"] === key);
  if (element) press(element);
  return element !== undefined;
}

function onFunctionKey(event: KeyboardEvent): void {
  if (NOT_OURS.has(event.key)) return;
  if (pressKeyed(event.key)) event.preventDefault();
}

function onLoneKey(event: KeyboardEvent): void {
  if (takesTyping(document.activeElement) || topDialog()) return;
  if (event.key === "ArrowUp" || event.key === "ArrowDown") {
    const select = document.activeElement instanceof HTMLSelectElement;
    const step = event.key === "ArrowUp" ? -1 : 1;
    if (!select && moveChoice(step)) event.preventDefault();
  } else if (event.key === "+" || event.key === "-") {
    onlyIfAlone(() => pressInChosen(event.key));
  } else if (event.key === "/") {
    if (!document.querySelector('[data-key="F9"], [data-key="/"]')) return;
    event.preventDefault();
    onlyIfAlone(() => pressKeyed("/") || pressKeyed("F9"));
  }
}

window.addEventListener("keydown", (event) => {
  window.clearTimeout(waiting);
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (/^F\d{1,2}$/.test(event.key)) {
    document.documentElement.classList.add("has-keys");
    onFunctionKey(event);
  } else {
    onLoneKey(event);
  }
});
