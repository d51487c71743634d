// The hub's time, because a tablet's own clock may be hours off.

let offsetMs = 0;

/** Learn the hub's time, in milliseconds since 1970. */
export function setHubTime(epochMs: number): void {
  if (Number.isFinite(epochMs) && epochMs > 0) offsetMs = epochMs - Date.now();
}

export function hubNow(): number {
  return Date.now() + offsetMs;
}

/** Hours and minutes as the store's wall clock shows them. */
export function wallTime(epochMs: number): string {
  const zone = document.body.dataset["zone"];
  const options: Intl.DateTimeFormatOptions = {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    ...(zone ? { timeZone: zone } : {}),
  };
  return new Intl.DateTimeFormat(document.documentElement.lang || "zh-CN", options)
    .format(epochMs);
}

const tickers = new Set<() => void>();
let timer: number | undefined;

/** Call `tick` about once a second until the returned function is called. */
export function everySecond(tick: () => void): () => void {
  tickers.add(tick);
  timer ??= window.setInterval(() => tickers.forEach((each) => each()), 1000);
  return () => {
    tickers.delete(tick);
    if (tickers.size > 0) return;
    window.clearInterval(timer);
    timer = undefined;
  };
}

setHubTime(Number(document.body.dataset["now"]));
