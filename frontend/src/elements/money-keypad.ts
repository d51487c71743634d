// <money-keypad due value max>: an amount typed as on a cash register, in whole yuan, with a
// point for jiao and fen. Inside it is a string of digits and a number of fen; no fractions.
import { isShown, takesTyping } from "../page/context";
import { topDialog } from "../page/dialogs";
import { onRequest } from "../page/htmx";
import type { Restorable } from "../page/wedge";

const YUAN_DIGITS_MAX = 7;

interface Entry {
  /** What was typed, such as "12." or "250"; empty while the amount came from elsewhere. */
  typed: string;
  fen: number;
  /** The amount is a suggestion: the next key replaces it. */
  fresh: boolean;
}

function fenOf(typed: string): number {
  const [yuan = "", after = ""] = typed.split(".");
  return Number(yuan || "0") * 100 + Number(after.padEnd(2, "0").slice(0, 2));
}

/** 128050 -> "1,280.50" */
function yuanOf(fen: number): string {
  const whole = String(Math.floor(fen / 100)).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${whole}.${String(fen % 100).padStart(2, "0")}`;
}

function withDigits(entry: Entry, digits: string): Entry {
  const typed = entry.fresh ? "" : entry.typed || (entry.fen > 0 ? plain(entry.fen) : "");
  const [yuan = "", after] = typed.split(".");
  if (after !== undefined) {
    const next = `${yuan}.${(after + digits).slice(0, 2)}`;
    return { typed: next, fen: fenOf(next), fresh: false };
  }
  const next = (yuan + digits).replace(/^0+(?=\d)/, "");
  // A digit too many is dropped, not shifted: the amount on the screen stays what it was.
  if (next.length > YUAN_DIGITS_MAX) return { ...entry, fresh: false };
  return { typed: next, fen: fenOf(next), fresh: false };
}

/** Fen as a person would have typed them: 5000 -> "50", 5050 -> "50.50". */
function plain(fen: number): string {
  const after = fen % 100;
  const yuan = String(Math.floor(fen / 100));
  return after === 0 ? yuan : `${yuan}.${String(after).padStart(2, "0")}`;
}

function withPoint(entry: Entry): Entry {
  const typed = entry.fresh ? "" : entry.typed || plain(entry.fen);
  if (typed.includes(".")) return entry;
  const next = `${typed || "0"}.`;
  return { typed: next, fen: fenOf(next), fresh: false };
}

function withoutLast(entry: Entry): Entry {
  if (entry.fresh) return { typed: "", fen: 0, fresh: false };
  const typed = (entry.typed || plain(entry.fen)).slice(0, -1);
  return { typed, fen: fenOf(typed), fresh: false };
}

/** What the key `key` makes of an amount; `due` is what 正好 means. */
export function pressed(entry: Entry, key: string, due: number): Entry {
  if (/^\d+$/.test(key)) return withDigits(entry, key);
  if (key === ".") return withPoint(entry);
  if (key === "back") return withoutLast(entry);
  if (key === "clear") return { typed: "", fen: 0, fresh: false };
  if (key === "exact") return { typed: "", fen: due, fresh: true };
  const notes = /^\+(\d+)$/.exec(key)?.[1];
  if (notes) {
    // Notes are counted from zero: six taps on +100 are 600, whatever was suggested.
    const counted = entry.fresh ? 0 : entry.fen;
    return { typed: "", fen: counted + Number(notes), fresh: false };
  }
  const amount = /^=(\d+)$/.exec(key)?.[1];
  return amount ? { typed: "", fen: Number(amount), fresh: true } : entry;
}

const PHYSICAL: Record<string, string> = {
  Backspace: "back", Delete: "clear", ".": ".", "。": ".", Decimal: ".",
};

class MoneyKeypad extends HTMLElement implements Restorable {
  static observedAttributes = ["due", "value"];

  #entry: Entry = { typed: "", fen: 0, fresh: true };
  #onKey = (event: KeyboardEvent): void => this.#physical(event);
  #onClick = (event: Event): void => this.#tapped(event);

  connectedCallback(): void {
    this.addEventListener("click", this.#onClick);
    document.addEventListener("keydown", this.#onKey);
    this.#suggest();
  }

  disconnectedCallback(): void {
    this.removeEventListener("click", this.#onClick);
    document.removeEventListener("keydown", this.#onKey);
  }

  attributeChangedCallback(name: string, before: string | null): void {
    if (!this.isConnected) return;
    // A new amount due while someone types changes the change, not what they typed.
    if (this.#entry.fresh && (name === "value" || before !== null)) this.#suggest();
    else this.#show();
  }

  /** The amount in fen. */
  get fen(): number {
    return this.#entry.fen;
  }

  /** Write again what is held here, should a swap have put the page's first words back. */
  show(): void {
    this.#show();
  }

  get due(): number {
    return Number(this.getAttribute("due") ?? "0");
  }

  snapshot(): () => void {
    const before = this.#entry;
    return () => {
      this.#entry = before;
      this.#show();
    };
  }

  #suggest(): void {
    const fen = Number(this.getAttribute("value") ?? this.getAttribute("due") ?? "0");
    this.#entry = { typed: "", fen, fresh: true };
    this.#show();
  }

  #press(key: string): void {
    const next = pressed(this.#entry, key, this.due);
    const max = Number(this.getAttribute("max") ?? "99999999");
    if (next.fen > max) return;
    this.#entry = next;
    this.#show();
  }

  #tapped(event: Event): void {
    const key = event.target instanceof Element
      ? event.target.closest<HTMLElement>("[data-pad]")?.dataset["pad"]
      : undefined;
    if (key) this.#press(key);
  }

  #physical(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || !this.#isInFront()) return;
    const key = /^\d$/.test(event.key) ? event.key : PHYSICAL[event.key];
    if (key) {
      event.preventDefault();
      this.#press(key);
    } else if (event.key === "Enter" && this.#mayConfirm()) {
      event.preventDefault();
      this.#confirm();
    }
  }

  #isInFront(): boolean {
    if (!isShown(this) || takesTyping(document.activeElement)) return false;
    const dialog = topDialog();
    return dialog === null || dialog.contains(this);
  }

  /** Enter on 取消 must cancel; Enter after a tap on a digit must not type it again. */
  #mayConfirm(): boolean {
    const active = document.activeElement;
    const button = active instanceof HTMLButtonElement || active instanceof HTMLAnchorElement;
    return !button || (this.contains(active) && active.hasAttribute("data-pad"));
  }

  #confirm(): void {
    const form = this.closest("form");
    const button = form?.querySelector<HTMLButtonElement>("[data-pad-confirm]");
    if (button) button.click();
    else form?.requestSubmit();
  }

  #show(): void {
    const { fen, fresh } = this.#entry;
    const change = fen - this.due;
    const side = change === 0 ? "exact" : change > 0 ? "over" : "short";
    const detail = { fen, change };
    const input = this.querySelector<HTMLInputElement>("input[type=hidden]");
    if (input) input.value = String(fen);
    this.#write("[data-shown]", yuanOf(fen));
    this.#write("[data-change]", yuanOf(Math.max(0, change)));
    this.#write("[data-short]", yuanOf(Math.max(0, -change)));
    this.dataset["liveFresh"] = String(fresh);
    this.dataset["liveSide"] = this.hasAttribute("due") ? side : "exact";
    this.dispatchEvent(new CustomEvent("money-change", { bubbles: true, detail }));
  }

  #write(selector: string, words: string): void {
    const place = this.querySelector(selector);
    if (place && place.textContent !== words) place.textContent = words;
  }
}

customElements.define("money-keypad", MoneyKeypad);
onRequest("after:swap", () => {
  document.querySelectorAll<MoneyKeypad>("money-keypad").forEach((pad) => pad.show());
});
