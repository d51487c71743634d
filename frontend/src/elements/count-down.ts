// <count-down until from soon text-left text-over> and <clock-face>, both on the hub's time.
import { everySecond, hubNow, wallTime } from "../page/clock";
import { fill } from "../page/context";

type State = "running" | "soon" | "over";

/** Places that a sentence may use: {m} minutes in all, {clock} as 1:05:09 or 05:09. */
function places(durationMs: number, roundUp: boolean): Record<string, string> {
  const seconds = Math.floor(durationMs / 1000);
  const minutes = roundUp ? Math.ceil(durationMs / 60_000) : Math.floor(durationMs / 60_000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const pad = (part: number): string => String(part).padStart(2, "0");
  const clock = h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${pad(m)}:${pad(s)}`;
  return { m: String(minutes), clock };
}

class CountDown extends HTMLElement {
  #state: State | null = null;
  #stop: (() => void) | null = null;

  connectedCallback(): void {
    this.#stop = everySecond(() => this.#show());
    this.#show();
  }

  disconnectedCallback(): void {
    this.#stop?.();
  }

  #number(name: string): number {
    return Number(this.getAttribute(name) ?? "0");
  }

  #show(): void {
    const leftMs = this.#number("until") - hubNow();
    const soonMs = this.#number("soon") * 1000;
    const state: State = leftMs <= 0 ? "over" : leftMs <= soonMs ? "soon" : "running";
    const sentence = this.getAttribute(state === "over" ? "text-over" : "text-left");
    const words = fill(sentence ?? "{clock}", places(Math.abs(leftMs), state !== "over"));
    const place = this.querySelector("[data-text]") ?? this;
    if (place.textContent !== words) place.textContent = words;
    this.#showProgress(leftMs);
    this.#tell(state);
  }

  #showProgress(leftMs: number): void {
    const bar = this.querySelector("progress");
    const wholeMs = this.#number("until") - this.#number("from");
    if (!bar || wholeMs <= 0) return;
    bar.max = 100;
    bar.value = Math.min(100, Math.max(0, Math.round(100 - (100 * leftMs) / wholeMs)));
  }

  /** Only a change that happens here is news; the state at first sight is the hub's own. */
  #tell(state: State): void {
    const before = this.#state;
    this.#state = state;
    this.dataset["liveState"] = state;
    if (before === null || before === state) return;
    const detail = { state };
    this.dispatchEvent(new CustomEvent("count-down-state", { bubbles: true, detail }));
  }
}

class ClockFace extends HTMLElement {
  #stop: (() => void) | null = null;

  connectedCallback(): void {
    const show = (): void => {
      const words = wallTime(hubNow());
      if (this.textContent !== words) this.textContent = words;
    };
    this.#stop = everySecond(show);
    show();
  }

  disconnectedCallback(): void {
    this.#stop?.();
  }
}

customElements.define("count-down", CountDown);
customElements.define("clock-face", ClockFace);
