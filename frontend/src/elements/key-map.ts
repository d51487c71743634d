// <key-map>: F1 (or anything that opens its dialog) lists the keys of this very page, read
// from its `data-key` elements, so that the list cannot go stale.
import { openDialog } from "../page/dialogs";
import { keyed } from "../page/keys";

function nameOf(element: HTMLElement): string {
  const said = element.dataset["keyLabel"] ?? element.getAttribute("aria-label");
  if (said) return said;
  const copy = element.cloneNode(true) as HTMLElement;
  copy.querySelectorAll("kbd").forEach((key) => key.remove());
  const label = element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : null;
  return (label ?? copy.textContent ?? "").replace(/\s+/g, " ").trim();
}

class KeyMap extends HTMLElement {
  #onKey = (event: KeyboardEvent): void => {
    if (event.key !== "F1") return;
    event.preventDefault();
    this.show();
  };
  #onClick = (event: Event): void => {
    const dialog = this.querySelector("dialog");
    if (!(event.target instanceof Element) || !dialog) return;
    if (event.target.closest(`[data-opens="${CSS.escape(dialog.id)}"]`)) this.#fill();
  };

  connectedCallback(): void {
    document.addEventListener("keydown", this.#onKey);
    // Before the dialog opens, or only the dialog's own keys would be in reach.
    document.addEventListener("click", this.#onClick, { capture: true });
  }

  disconnectedCallback(): void {
    document.removeEventListener("keydown", this.#onKey);
    document.removeEventListener("click", this.#onClick, { capture: true });
  }

  show(): void {
    const dialog = this.querySelector("dialog");
    if (!dialog || dialog.open) return;
    this.#fill();
    openDialog(dialog);
  }

  #fill(): void {
    const list = this.querySelector("[data-keys]");
    const row = this.querySelector<HTMLTemplateElement>("template[data-row]");
    if (!list || !row) return;
    const seen = new Set<string>();
    const rows = keyed().flatMap((element) => {
      const key = element.dataset["key"] ?? "";
      if (seen.has(key) || key === "F1") return [];
      seen.add(key);
      const copy = document.importNode(row.content, true);
      const name = copy.querySelector("[data-name]");
      const place = copy.querySelector("kbd");
      if (name) name.textContent = nameOf(element);
      if (place) place.textContent = key;
      return [copy];
    });
    list.replaceChildren(...rows);
  }
}

customElements.define("key-map", KeyMap);
