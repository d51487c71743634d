// <idle-lock url seconds>: nobody touched the device for a while, so the session is locked and
// the page that the hub sends to is shown. The ticket is in the hub and stays. With the hub
// away, the page is covered all the same.
import { csrfToken } from "../page/context";
import { everySecond } from "../page/clock";
import { onLinkChange } from "../page/link";
import { anyWaiting } from "../page/retry";

const SECONDS_MIN = 10;
const TOUCHES = ["pointerdown", "keydown", "wheel", "touchstart", "wedge-scan"] as const;

class IdleLock extends HTMLElement {
  #touchedMs = Date.now();
  #locking = false;
  #stops: Array<() => void> = [];
  #onTouch = (): void => {
    this.#touchedMs = Date.now();
  };

  connectedCallback(): void {
    for (const touch of TOUCHES) {
      document.addEventListener(touch, this.#onTouch, { capture: true, passive: true });
    }
    // Wall time, not a timer: a tablet that slept wakes up locked.
    this.#stops = [
      everySecond(() => this.#look()),
      onLinkChange((reachable) => {
        if (reachable && this.#locking) void this.#lock();
      }),
    ];
  }

  disconnectedCallback(): void {
    for (const touch of TOUCHES) {
      document.removeEventListener(touch, this.#onTouch, { capture: true });
    }
    this.#stops.forEach((stop) => stop());
  }

  #look(): void {
    const seconds = Math.max(SECONDS_MIN, Number(this.getAttribute("seconds") ?? "120"));
    if (this.#locking || Date.now() - this.#touchedMs < seconds * 1000) return;
    // A payment whose answer is still unknown is not hidden from the one who waits for it.
    if (anyWaiting()) return;
    void this.#lock();
  }

  async #lock(): Promise<void> {
    const url = this.getAttribute("url");
    if (!url) return;
    this.#locking = true;
    document.documentElement.classList.add("is-locked");
    const cover = this.querySelector("dialog");
    if (cover && !cover.open) cover.showModal();
    try {
      const headers = { "X-CSRF-Token": csrfToken() };
      const response = await fetch(url, { method: "POST", headers });
      if (response.redirected) location.replace(response.url);
      else location.reload();
    } catch {
      // The cover stays; the hub is told as soon as it is heard again.
    }
  }
}

customElements.define("idle-lock", IdleLock);
