// <pin-pad>: a form whose secret is tapped. It submits itself at the last digit, a moment
// later, so that a card swiped over the pad is a scan and not six digits of a PIN.
import { isShown, takesTyping } from "../page/context";
import { topDialog } from "../page/dialogs";
import { onRequest } from "../page/htmx";
import type { Restorable } from "../page/wedge";

const SETTLE_MS = 120;

class PinPad extends HTMLElement implements Restorable {
  #digits = "";
  #timer: number | undefined;
  #onKey = (event: KeyboardEvent): void => this.#physical(event);
  #onClick = (event: Event): void => this.#tapped(event);

  connectedCallback(): void {
    this.addEventListener("click", this.#onClick);
    document.addEventListener("keydown", this.#onKey);
    this.dataset["liveReady"] = "";
    this.#show();
  }

  disconnectedCallback(): void {
    this.removeEventListener("click", this.#onClick);
    document.removeEventListener("keydown", this.#onKey);
    window.clearTimeout(this.#timer);
  }

  snapshot(): () => void {
    const before = this.#digits;
    return () => {
      window.clearTimeout(this.#timer);
      this.#digits = before;
      this.#show();
    };
  }

  show(): void {
    this.#show();
  }

  get #length(): number {
    return Number(this.getAttribute("length") ?? "6");
  }

  #input(): HTMLInputElement | null {
    return this.querySelector<HTMLInputElement>("input[data-pin]");
  }

  #press(key: string): void {
    if (key === "clear") this.#digits = "";
    else if (key === "back") this.#digits = this.#digits.slice(0, -1);
    else if (/^\d$/.test(key) && this.#digits.length < this.#length) this.#digits += key;
    else return;
    this.#show();
    window.clearTimeout(this.#timer);
    if (this.#digits.length === this.#length) {
      this.#timer = window.setTimeout(() => this.#submit(), SETTLE_MS);
    }
  }

  #submit(): void {
    this.closest("form")?.requestSubmit();
    // Should the page stay (a wrong PIN), the pad starts anew.
    this.#digits = "";
    window.setTimeout(() => this.#show());
  }

  #tapped(event: Event): void {
    const key = event.target instanceof Element
      ? event.target.closest<HTMLElement>("[data-pad]")?.dataset["pad"]
      : undefined;
    if (key) this.#press(key);
  }

  #physical(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || !isShown(this)) return;
    if (takesTyping(document.activeElement)) return;
    const dialog = topDialog();
    if (dialog && !dialog.contains(this)) return;
    const keys: Record<string, string> = { Backspace: "back", Delete: "clear" };
    const key = /^\d$/.test(event.key) ? event.key : keys[event.key];
    if (!key) return;
    event.preventDefault();
    this.#press(key);
  }

  #show(): void {
    const input = this.#input();
    // A password field would make the browser offer to keep every cashier's PIN.
    if (input) input.type = "hidden";
    if (input) input.value = this.#digits;
    this.dataset["liveCount"] = String(this.#digits.length);
    const dots = this.querySelectorAll("[data-dot]");
    dots.forEach((dot, index) => dot.classList.toggle("on", index < this.#digits.length));
    const told = this.querySelector("[data-count]");
    if (told) told.textContent = `${this.#digits.length} / ${this.#length}`;
  }
}

customElements.define("pin-pad", PinPad);
onRequest("after:swap", () => {
  document.querySelectorAll<PinPad>("pin-pad").forEach((pad) => pad.show());
});
