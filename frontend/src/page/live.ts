// One event stream per device (`<body data-stream>`). `scan` is a code from a scanner at the
// hub, `refresh` names a topic whose parts of the page are stale, `hb` says that the line
// lives. Where the hub has no stream left (503), the page asks every few seconds instead.
import { everySecond, hubNow, setHubTime, wallTime } from "./clock";
import { load, onRequest } from "./htmx";
import { found, suspect } from "./link";
import { isWaiting } from "./retry";
import { scanned } from "./wedge";

const SILENT_AFTER_MS = 30_000;
const REOPEN_AFTER_MS = 45_000;
const POLL_EVERY_MS = 3000;
const STREAM_AGAIN_MS = 60_000;
const GATHER_MS = 150;
const PLACE_KEY = "dianshu-stream-place";

let stream: EventSource | null = null;
let lastHeardMs = performance.now();
let lastHeardAt = hubNow();
let missed = false;
let openedAtMs = 0;
let refusedAtMs: number | null = null;
let polledAtMs = 0;

const stale = new Set<string>();
let gathering: number | undefined;
const loading = new WeakSet<Element>();

/** Fetch the part again and morph it in place; it is told apart by its `data-src`. */
export async function refresh(part: Element): Promise<void> {
  const url = part.getAttribute("data-src");
  if (!url || loading.has(part)) return;
  // A form that does not know its answer yet must keep its place on the page.
  if (Array.from(part.querySelectorAll("form")).some(isWaiting)) return;
  loading.add(part);
  try {
    await load(url, part, "outerMorph");
  } finally {
    loading.delete(part);
  }
}

function refreshTopics(topics: ReadonlySet<string> | "all"): void {
  for (const part of document.querySelectorAll("[data-refresh-on]")) {
    const wanted = (part.getAttribute("data-refresh-on") ?? "").split(/\s+/);
    if (topics === "all" || wanted.some((topic) => topics.has(topic))) void refresh(part);
  }
}

/** Several changes in a row are one fetch. */
function gather(topic: string): void {
  stale.add(topic);
  gathering ??= window.setTimeout(() => {
    const topics = new Set(stale);
    stale.clear();
    gathering = undefined;
    refreshTopics(topics);
  }, GATHER_MS);
}

function heard(): void {
  lastHeardMs = performance.now();
  lastHeardAt = hubNow();
  found();
  show();
}

function show(): void {
  const silentMs = performance.now() - lastHeardMs;
  document.documentElement.classList.toggle("is-stale", silentMs > SILENT_AFTER_MS);
  for (const place of document.querySelectorAll("[data-last-heard]")) {
    const time = wallTime(lastHeardAt);
    if (place.textContent !== time) place.textContent = time;
  }
}

/** A message is JSON with the named field, or the bare value. */
function field(event: Event, name: string): string {
  const message = String((event as MessageEvent).data ?? "");
  try {
    const value: unknown = JSON.parse(message);
    if (value !== null && typeof value === "object") {
      return String((value as Record<string, unknown>)[name] ?? "");
    }
  } catch {
    // Not JSON: the message is the value.
  }
  return message;
}

function onFailure(): void {
  missed = true;
  if (stream?.readyState === EventSource.CLOSED) {
    // The hub answered, but not with a stream: all its streams are taken.
    stream = null;
    refusedAtMs = performance.now();
  } else {
    suspect();
  }
}

/** Where this browser left off: a card swiped while its pages change is not lost. */
function resumed(url: string): string {
  const place = localStorage.getItem(PLACE_KEY);
  if (place === null) return url;
  const at = new URL(url, location.href);
  at.searchParams.set("after", place);
  return at.href;
}

function open(url: string): void {
  refusedAtMs = null;
  openedAtMs = performance.now();
  stream = new EventSource(resumed(url));
  stream.addEventListener("open", () => {
    heard();
    if (missed) refreshTopics("all");
    missed = false;
  });
  stream.addEventListener("hb", (event) => {
    setHubTime(Number(field(event, "now")));
    heard();
  });
  stream.addEventListener("refresh", (event) => {
    heard();
    gather(field(event, "topic"));
  });
  stream.addEventListener("scan", (event) => {
    heard();
    const place = (event as MessageEvent).lastEventId;
    if (place !== "") localStorage.setItem(PLACE_KEY, place);
    scanned(field(event, "code"), "stream");
  });
  stream.addEventListener("error", onFailure);
}

function close(): void {
  stream?.close();
  stream = null;
  missed = true;
}

function poll(nowMs: number): void {
  if (nowMs - polledAtMs < POLL_EVERY_MS) return;
  polledAtMs = nowMs;
  refreshTopics("all");
}

function watch(url: string): void {
  if (document.hidden) return;
  const nowMs = performance.now();
  const refused = refusedAtMs !== null && nowMs - refusedAtMs < STREAM_AGAIN_MS;
  // Some browsers keep a dead connection for ever after sleep.
  const dead = nowMs - Math.max(lastHeardMs, openedAtMs) > REOPEN_AFTER_MS;
  if (refused) poll(nowMs);
  else if (!stream || dead) {
    close();
    open(url);
  }
  show();
}

const url = document.body.dataset["stream"];
if (url) {
  open(url);
  everySecond(() => watch(url));
  // A tab out of sight gives its stream back, and its scans go to the tab in front.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else watch(url);
  });
  onRequest("after:request", () => {
    if (refusedAtMs !== null) heard();
  });
}

document.addEventListener("count-down-state", (event) => {
  if (!(event.target instanceof Element)) return;
  const part = event.target.closest("[data-refresh-on]");
  if (part) void refresh(part);
});
