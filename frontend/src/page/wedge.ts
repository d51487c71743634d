// Barcode scanners and card readers that pretend to be keyboards. Keys that come faster than
// a person types and end with Enter are a scan: it goes to the `data-wedge` form, and whatever
// the keys did to a focused field or keypad on their way is undone.
import { takesTyping, text } from "./context";
import { topDialog } from "./dialogs";
import { toast } from "./toasts";

const GAP_MS = 35;
const CODE_MIN_CHARS = 4;
const CODE_MAX_CHARS = 128;
// A GS1 group separator or a reader's STX means nothing to us.
const CONTROL = /[\u0000-\u001f\u007f]/g;

export interface Scan {
  code: string;
  source: "keyboard" | "stream";
}

/** An element that physical keys change, and that can go back to how it was. */
export interface Restorable extends HTMLElement {
  snapshot(): () => void;
}

interface Burst {
  text: string;
  lastMs: number;
  undo: Array<() => void>;
}

let burst: Burst | null = null;

/** Did this key follow another too fast for a person? Then it is no shortcut. */
export function inBurst(): boolean {
  return burst !== null && burst.text.length > 1;
}

const CODE_KEYS: Record<string, string> = {
  Minus: "-", Equal: "=", Slash: "/", Period: ".", Comma: ",", Semicolon: ";", Space: " ",
};

/** The character of a key; with an input method in between, from the key's place. */
function characterOf(event: KeyboardEvent): string | null {
  if (Array.from(event.key).length === 1) return event.key;
  if (event.key !== "Process" && event.key !== "Unidentified") return null;
  const letter = /^Key([A-Z])$/.exec(event.code)?.[1];
  if (letter) return event.shiftKey ? letter : letter.toLowerCase();
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
  return digit ?? CODE_KEYS[event.code] ?? null;
}

function undoField(field: HTMLInputElement | HTMLTextAreaElement): () => void {
  const { value, selectionStart, selectionEnd } = field;
  return () => {
    if (field.value === value) return;
    // Leaving the field ends an input method's half-made word before the value goes back.
    field.blur();
    field.value = value;
    field.focus();
    if (selectionStart !== null) field.setSelectionRange(selectionStart, selectionEnd);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
}

function snapshots(): Array<() => void> {
  const undo = Array.from(document.querySelectorAll<Restorable>("money-keypad, pin-pad"))
    .filter((element) => typeof element.snapshot === "function")
    .map((element) => element.snapshot());
  const active = document.activeElement;
  if (active instanceof HTMLSelectElement) {
    const chosen = active.selectedIndex;
    undo.push(() => { active.selectedIndex = chosen; });
  } else if (active instanceof HTMLTextAreaElement || active instanceof HTMLInputElement) {
    if (takesTyping(active)) undo.push(undoField(active));
  }
  return undo;
}

function target(): HTMLFormElement | null {
  const root = topDialog() ?? document;
  const forms = Array.from(root.querySelectorAll<HTMLFormElement>("form[data-wedge]"));
  return forms.find((form) => !form.closest("dialog:not([open])")) ?? null;
}

/** Hand a scanned code to the page, from the keyboard or from the hub's own scanner. */
export function scanned(raw: string, source: Scan["source"]): void {
  const code = raw.replace(CONTROL, "").trim();
  if (code.length === 0 || code.length > CODE_MAX_CHARS) return;
  const detail: Scan = { code, source };
  const told = new CustomEvent<Scan>("wedge-scan", { detail, cancelable: true });
  if (!document.dispatchEvent(told)) return;
  const form = target();
  if (!form) {
    if (topDialog()) toast(text("scanBlocked"), "warn");
    return;
  }
  const name = form.getAttribute("data-wedge") || "code";
  const field = form.elements.namedItem(name);
  if (!(field instanceof HTMLInputElement)) return;
  field.value = code;
  form.requestSubmit();
}

function finish(event: KeyboardEvent, run: Burst): void {
  // This Enter belongs to the reader: no form, no keypad and no button may take it.
  event.preventDefault();
  event.stopImmediatePropagation();
  run.undo.forEach((undo) => undo());
  scanned(run.text, "keyboard");
}

function extend(event: KeyboardEvent, character: string, fast: boolean): void {
  if (!burst || !fast) {
    if (event.isComposing) return;
    burst = { text: "", lastMs: event.timeStamp, undo: snapshots() };
  }
  burst.text += character;
  burst.lastMs = event.timeStamp;
  // A space in a code would press the focused button.
  if (fast && character === " " && !takesTyping(document.activeElement)) event.preventDefault();
}

function onKeydown(event: KeyboardEvent): void {
  if (["Shift", "Control", "Alt", "Meta", "CapsLock"].includes(event.key)) return;
  const gapMs = burst ? event.timeStamp - burst.lastMs : -1;
  const fast = gapMs >= 0 && gapMs <= GAP_MS;
  if (event.repeat) {
    burst = null;
  } else if (event.ctrlKey || event.altKey || event.metaKey) {
    // Readers send control characters as Ctrl and a letter, which browsers take as commands.
    if (fast) event.preventDefault();
    else burst = null;
  } else if (event.key === "Enter") {
    const run = burst;
    burst = null;
    if (run && fast && run.text.length >= CODE_MIN_CHARS) finish(event, run);
  } else {
    const character = characterOf(event);
    if (character === null) burst = null;
    else extend(event, character, fast);
  }
}

window.addEventListener("keydown", onKeydown, { capture: true });
