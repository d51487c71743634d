// A button may be locked for two reasons at once (its form is in flight, the hub is away);
// it opens again only when both are gone.

type Reason = "flight" | "link";
type Lockable = HTMLButtonElement | HTMLInputElement;

const reasons = new WeakMap<Element, Set<Reason>>();

export function lock(button: Lockable, reason: Reason): void {
  const held = reasons.get(button);
  // What the page itself disabled stays the page's business.
  if (!held?.size && button.disabled) return;
  reasons.set(button, (held ?? new Set<Reason>()).add(reason));
  button.disabled = true;
}

export function unlock(button: Lockable, reason: Reason): void {
  const held = reasons.get(button);
  if (!held?.delete(reason) || held.size > 0) return;
  button.disabled = false;
}

export function lockables(root: ParentNode | HTMLFormElement, selector: string): Lockable[] {
  const found = root instanceof HTMLFormElement
    ? Array.from(root.elements).filter((element) => element.matches(selector))
    : Array.from(root.querySelectorAll(selector));
  return found.filter((element): element is Lockable =>
    element instanceof HTMLButtonElement || element instanceof HTMLInputElement);
}
