// Bundles the scripts and styles, makes one sprite of the icons in use, and writes the manifest
// that maps a plain name to the file whose name holds its content's hash.
//
// node frontend/build.mjs [--watch]
import { createHash } from "node:crypto";
import {
  existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, context } from "esbuild";

const require = createRequire(import.meta.url);
const OUTPUT = "core/web/static/dist";
const ENTRIES = ["frontend/src/app.ts", "frontend/src/app.css"];
const NOTICES = "THIRD_PARTY_NOTICES";
// The stamp of hatch_build.py stays: it is how a later build knows that nothing changed.
const KEPT = new Set([".inputs"]);
const LICENCE_FILE = /^(licen[cs]e|notice|copying)/i;
const STROKED = 'fill="none" stroke="currentColor" stroke-width="2" '
  + 'stroke-linecap="round" stroke-linejoin="round"';
const FILLED = 'fill="currentColor"';

function symbol(id, icon) {
  const [kind, name] = icon.includes("/") ? icon.split("/") : ["outline", icon];
  // The package exports "./*" as its folder of icons, so this is no path inside it.
  const svg = readFileSync(require.resolve(`@tabler/icons/${kind}/${name}.svg`), "utf8");
  const shapes = svg
    .replace(/^[\s\S]*?<svg[^>]*>/, "")
    .replace(/<\/svg>\s*$/, "")
    .replace(/<path stroke="none" d="M0 0h24v24H0z"[^>]*>/, "")
    .replace(/>\s+</g, "><")
    .trim();
  const paint = kind === "filled" ? FILLED : STROKED;
  return `<symbol id="${id}" viewBox="0 0 24 24" ${paint}>${shapes}</symbol>`;
}

function sprite() {
  const icons = Object.entries(JSON.parse(readFileSync("frontend/icons.json", "utf8")));
  const symbols = icons.map(([id, icon]) => symbol(id, icon)).join("");
  return Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg">${symbols}</svg>`);
}

function packagesIn(metafile) {
  const inputs = Object.keys(metafile.inputs);
  const found = inputs.map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return [...new Set([...found.filter(Boolean), "@tabler/icons"])].sort();
}

function notice(name) {
  const folder = join("node_modules", name);
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const texts = readdirSync(folder).filter((file) => LICENCE_FILE.test(file)).sort()
    .map((file) => readFileSync(join(folder, file), "utf8").trim());
  if (texts.length === 0 && !about.license) {
    throw new Error(`${name} names no licence, so it must not be shipped`);
  }
  return [`${name} ${about.version} (${about.license ?? "see below"})`, ...texts].join("\n\n");
}

function notices(metafile) {
  const rule = `\n\n${"-".repeat(72)}\n\n`;
  return Buffer.from(packagesIn(metafile).map(notice).join(rule) + "\n");
}

function gather(result) {
  const files = new Map();
  const manifest = {};
  for (const file of result.outputFiles) files.set(basename(file.path), file.contents);
  for (const [path, { entryPoint }] of Object.entries(result.metafile.outputs)) {
    if (entryPoint) manifest[basename(entryPoint).replace(/\.ts$/, ".js")] = basename(path);
  }
  const icons = sprite();
  const hash = createHash("sha256").update(icons).digest("hex").slice(0, 8).toUpperCase();
  manifest["icons.svg"] = `icons-${hash}.svg`;
  files.set(manifest["icons.svg"], icons);
  for (const [name, content] of [...files]) {
    if ([".js", ".css", ".svg"].includes(extname(name))) {
      files.set(`${name}.gz`, gzipSync(content, { level: 9 }));
    }
  }
  files.set(NOTICES, notices(result.metafile));
  return { files, manifest };
}

// A running program may read the manifest at any moment: new files first, then the manifest
// in one step, and only then are the old files taken away.
function publish({ files, manifest }) {
  mkdirSync(OUTPUT, { recursive: true });
  for (const [name, content] of files) writeFileSync(join(OUTPUT, name), content);
  const next = join(OUTPUT, "manifest.json.next");
  writeFileSync(next, JSON.stringify(manifest, null, 1) + "\n");
  renameSync(next, join(OUTPUT, "manifest.json"));
  for (const name of readdirSync(OUTPUT)) {
    const isCurrent = files.has(name) || KEPT.has(name) || name === "manifest.json";
    if (!isCurrent) rmSync(join(OUTPUT, name), { recursive: true });
  }
}

const publishing = {
  name: "publish",
  setup(bundle) {
    bundle.onEnd((result) => {
      if (result.errors.length === 0) publish(gather(result));
    });
  },
};

const entryPoints = ENTRIES.filter(existsSync).map((path) => ({ in: path, out: "app" }));
const options = {
  entryPoints,
  outdir: OUTPUT,
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  minify: true,
  write: false,
  metafile: true,
  format: "iife",
  charset: "utf8",
  // The full texts are in THIRD_PARTY_NOTICES, also of packages without such comments.
  legalComments: "none",
  target: ["chrome100", "safari15.4"],
  loader: { ".svg": "file", ".png": "file", ".woff2": "file" },
  logLevel: "warning",
  plugins: [publishing],
};

if (process.argv.includes("--watch")) {
  await (await context({ ...options, logLevel: "info" })).watch();
} else {
  await build(options);
}
