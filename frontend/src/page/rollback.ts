// A hub whose disk was put back from an old copy looks sound from inside. This device remembers
// how far it has seen the hub's journal and asks for that very event: a hub that does not have
// it, or has another one there, raises an alarm. Nothing else follows from it here.

const KEY = "journal-seen";
const EVERY_MS = 5 * 60_000;

interface Seen {
  hub: string;
  epoch: number;
  seq: number;
  head: string;
}

interface Answer extends Seen {
  /** The chain's head at the event that was asked for; empty where it is not there. */
  asked: string;
}

function remembered(): Seen | null {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "null") as Seen | null;
  } catch {
    return null;
  }
}

/** A later epoch is another box in this one's place, which owes nobody an unsent event. */
function isBehind(now: Answer, seen: Seen | null): boolean {
  if (seen === null || seen.hub !== now.hub || seen.epoch < now.epoch) return false;
  return seen.epoch > now.epoch || now.asked !== seen.head;
}

function remember(now: Answer): void {
  // Another window may have seen more while this answer was on its way.
  const seen = remembered();
  const further = seen !== null && seen.hub === now.hub && seen.epoch === now.epoch
    && seen.seq > now.seq;
  if (further) return;
  const { hub, epoch, seq, head } = now;
  localStorage.setItem(KEY, JSON.stringify({ hub, epoch, seq, head }));
}

async function look(alarm: HTMLElement, url: string): Promise<void> {
  const seen = remembered();
  const at = new URL(url, location.href);
  at.searchParams.set("epoch", String(seen?.epoch ?? 0));
  at.searchParams.set("seq", String(seen?.seq ?? 0));
  let now: Answer;
  try {
    const answer = await fetch(at, { cache: "no-store", headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    now = await answer.json() as Answer;
  } catch {
    return; // Out of reach: the bar for that is another one.
  }
  const behind = isBehind(now, seen);
  alarm.hidden = !behind;
  if (!behind) remember(now);
}

const alarm = document.getElementById("rolled-back");
const url = alarm?.dataset["head"];
if (alarm && url) {
  void look(alarm, url);
  window.setInterval(() => void look(alarm, url), EVERY_MS);
}

export {};
