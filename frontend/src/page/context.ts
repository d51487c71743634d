// What the page tells its scripts. All words come from the template, so gettext reaches them.

/** A sentence from the page's `<div id="texts" data-…>`. */
export function text(name: string): string {
  return document.getElementById("texts")?.dataset[name] ?? "";
}

export function csrfToken(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
}

/** Fill `{name}` places of a sentence. */
export function fill(sentence: string, facts: Record<string, string | number>): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(facts[name] ?? whole));
}

const EDITABLE = new Set(["text", "search", "tel", "url", "email", "password", "number", "date",
  "time", "month", "week", "datetime-local"]);

/** Does typing change this element? Then single keys belong to it and not to the page. */
export function takesTyping(element: Element | null): boolean {
  if (element instanceof HTMLTextAreaElement) return true;
  if (element instanceof HTMLInputElement) return EDITABLE.has(element.type);
  return element instanceof HTMLElement && element.isContentEditable;
}

export function isShown(element: Element): boolean {
  return element.getClientRects().length > 0;
}
