// <sheet-panel>: a side panel that on a phone is one row at the bottom and opens as a sheet.
// Wide screens show it whole; there the style sheet ignores its state.
import { onRequest } from "../page/htmx";

const PHONE = window.matchMedia("(max-width: 700px)");

class SheetPanel extends HTMLElement {
  #onClick = (event: Event): void => {
    if (!(event.target instanceof Element)) return;
    if (event.target.closest("[data-sheet-toggle]")) this.toggle();
    else if (event.target.closest("[data-sheet-close]")) this.toggle(false);
  };
  #onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && this.isOpen && !document.querySelector("dialog[open]")) {
      this.toggle(false);
    }
  };
  #onResize = (): void => {
    this.show();
  };

  connectedCallback(): void {
    this.addEventListener("click", this.#onClick);
    document.addEventListener("keydown", this.#onKey);
    PHONE.addEventListener("change", this.#onResize);
    this.show();
  }

  disconnectedCallback(): void {
    this.removeEventListener("click", this.#onClick);
    document.removeEventListener("keydown", this.#onKey);
    PHONE.removeEventListener("change", this.#onResize);
  }

  get isOpen(): boolean {
    return this.dataset["liveOpen"] === "true";
  }

  toggle(open = !this.isOpen): void {
    this.show(open);
    this.dispatchEvent(new CustomEvent("sheet-toggle", { bubbles: true, detail: { open } }));
  }

  show(open = this.isOpen): void {
    this.dataset["liveOpen"] = String(open);
    for (const toggle of this.querySelectorAll("[data-sheet-toggle]")) {
      toggle.setAttribute("aria-expanded", String(open));
    }
    // What the open sheet covers is out of reach for the keyboard and the screen reader too.
    const covered = this.parentElement?.children ?? [];
    for (const sibling of covered) {
      if (sibling !== this) sibling.toggleAttribute("inert", open && PHONE.matches);
    }
  }
}

customElements.define("sheet-panel", SheetPanel);
onRequest("after:swap", () => {
  document.querySelectorAll<SheetPanel>("sheet-panel").forEach((panel) => panel.show());
});
