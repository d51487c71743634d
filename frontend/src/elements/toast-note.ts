// <toast-note seconds="5">: a note that leaves by itself, not while a finger or the focus is
// on it. Its 撤销 is an ordinary form. Without `seconds` it stays until it is closed.
import { everySecond } from "../page/clock";

class ToastNote extends HTMLElement {
  #leftS = 0;
  #stop: (() => void) | null = null;
  #onClick = (event: Event): void => {
    if (!(event.target instanceof Element)) return;
    if (event.target.closest("[data-dismiss]")) this.remove();
  };

  // A moment later: a form that is no longer in the page would not be sent.
  #onSubmit = (): void => {
    window.setTimeout(() => this.remove());
  };

  connectedCallback(): void {
    this.addEventListener("click", this.#onClick);
    this.addEventListener("submit", this.#onSubmit);
    const seconds = Number(this.getAttribute("seconds") ?? "0");
    // Being moved between a dialog and the page starts no second countdown.
    if (this.#leftS === 0) this.#leftS = seconds;
    if (seconds > 0) this.#stop = everySecond(() => this.#tick());
  }

  disconnectedCallback(): void {
    this.removeEventListener("click", this.#onClick);
    this.removeEventListener("submit", this.#onSubmit);
    this.#stop?.();
  }

  #tick(): void {
    if (this.matches(":hover, :focus-within") || document.hidden) return;
    this.#leftS -= 1;
    if (this.#leftS <= 0) this.remove();
  }
}

customElements.define("toast-note", ToastNote);
