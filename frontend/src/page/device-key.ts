// This device's key: made here, never leaves, cannot be exported. The hub knows the public
// half and asks for a signature, so a copied cookie alone opens nothing.

const DATABASE = "dianshu-device";
const STORE = "keys";
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };

/** Why a key cannot be had; the element says it in the page's language. */
export type Trouble = "no-crypto" | "no-storage";

export class DeviceKeyError extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble);
  }
}

function open(): Promise<IDBDatabase> {
  return new Promise((done, fail) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(new DeviceKeyError("no-storage"));
    request.onblocked = () => fail(new DeviceKeyError("no-storage"));
  });
}

async function inStore<T>(
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  if (typeof indexedDB === "undefined") throw new DeviceKeyError("no-storage");
  const database = await open();
  try {
    return await new Promise<T>((done, fail) => {
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => done(request.result);
      transaction.onabort = () => fail(new DeviceKeyError("no-storage"));
    });
  } finally {
    database.close();
  }
}

function subtle(): SubtleCrypto {
  // Absent where the page did not come over https.
  if (!window.isSecureContext || !crypto.subtle) throw new DeviceKeyError("no-crypto");
  return crypto.subtle;
}

export function base64url(bytes: ArrayBuffer): string {
  const text = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** Make a new pair; it counts only after `keep`. */
export async function makeKey(): Promise<CryptoKeyPair> {
  return subtle().generateKey(ALGORITHM, false, ["sign", "verify"]);
}

/** The public half as SPKI, base64url without padding. */
export async function publicKey(pair: CryptoKeyPair): Promise<string> {
  return base64url(await subtle().exportKey("spki", pair.publicKey));
}

/** Keep the pair as `candidate` before the hub is asked, as `device` once it said yes. */
export async function keep(name: "candidate" | "device", pair: CryptoKeyPair): Promise<void> {
  await inStore("readwrite", (store) => store.put(pair, name));
}

/** Sign UTF-8 text with this device's key: r and s, 64 bytes, base64url; null when unpaired. */
export async function sign(message: string): Promise<string | null> {
  const cryptography = subtle();
  const pair = await inStore<CryptoKeyPair | undefined>(
    "readonly", (store) => store.get("device"));
  if (!pair) return null;
  const bytes = new TextEncoder().encode(message);
  const signature = await cryptography.sign(
    { name: "ECDSA", hash: "SHA-256" }, pair.privateKey, bytes);
  return base64url(signature);
}
