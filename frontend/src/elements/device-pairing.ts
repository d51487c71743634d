// <device-pairing action>: makes this device's key and enrols it. Inside stands a form with
// `code` (or `token`) and `name`, and one hidden note per trouble (`data-trouble="…"`).
import { csrfToken } from "../page/context";
import { DeviceKeyError, keep, makeKey, publicKey } from "../page/device-key";

interface Answer {
  next?: string;
  message?: string;
}

class DevicePairing extends HTMLElement {
  #onSubmit = (event: Event): void => {
    event.preventDefault();
    if (event.target instanceof HTMLFormElement) void this.#enrol(event.target);
  };

  connectedCallback(): void {
    this.addEventListener("submit", this.#onSubmit);
    // Said before anyone types a code, not after.
    if (!window.isSecureContext || !crypto.subtle) this.#say("no-crypto");
    else if (typeof indexedDB === "undefined") this.#say("no-storage");
  }

  disconnectedCallback(): void {
    this.removeEventListener("submit", this.#onSubmit);
  }

  async #enrol(form: HTMLFormElement): Promise<void> {
    this.#say("");
    this.toggleAttribute("data-live-busy", true);
    try {
      const pair = await makeKey();
      await keep("candidate", pair);
      const answer = await this.#send(form, await publicKey(pair));
      if (!answer) return;
      await keep("device", pair);
      // Ask the browser not to clear the key when the tablet runs out of room.
      await navigator.storage?.persist?.();
      location.assign(answer.next ?? "/");
    } catch (error) {
      this.#say(error instanceof DeviceKeyError ? error.trouble : "no-answer");
    } finally {
      this.toggleAttribute("data-live-busy", false);
    }
  }

  /** Null when the hub said no; then its words stand on the page. */
  async #send(form: HTMLFormElement, key: string): Promise<Answer | null> {
    const fields: Record<string, string> = { public_key: key };
    for (const name of ["code", "token", "name"]) {
      const input = form.elements.namedItem(name);
      if (input instanceof HTMLInputElement && input.value) fields[name] = input.value.trim();
    }
    const response = await fetch(this.getAttribute("action") ?? form.action, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "X-CSRF-Token": csrfToken(),
      },
      body: JSON.stringify(fields),
    });
    const answer = (await response.json().catch(() => ({}))) as Answer;
    if (response.ok) return answer;
    this.#say("refused", answer.message);
    return null;
  }

  #say(trouble: string, words = ""): void {
    this.querySelectorAll<HTMLElement>("[data-trouble]").forEach((note) => {
      note.hidden = note.dataset["trouble"] !== trouble;
      const place = note.querySelector("[data-sentence]") ?? note;
      if (!note.hidden && words) place.textContent = words;
    });
  }
}

customElements.define("device-pairing", DevicePairing);
