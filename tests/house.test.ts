/**
 * The rules of the house that a reader of one file cannot see: which code is pure, which way the
 * arrows between rooms run, and that nothing lies about unused.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import packageFile from "../package.json" with { type: "json" };

const house = join(import.meta.dir, "..");

const ROOMS = [
  "metrics",
  "feed",
  "frames",
  "streams",
  "faults",
  "actors",
  "collector",
  "book",
  "replayer",
  "sim",
  "lake",
  "web",
  "cli",
] as const;
type Room = (typeof ROOMS)[number];

/** Every file of these is core: nothing in them may touch the world. */
const PURE_ROOMS: readonly Room[] = ["metrics", "feed", "streams", "faults", "actors"];
/** Here a file is an edge if its head comment says `Edge:`, and core if it does not. */
const MIXED_ROOMS: readonly Room[] = ["frames", "collector", "book", "replayer", "sim"];

/** What a room may import besides itself. `cli` composes, so it may import all. */
const ARROWS: Readonly<Record<Room, readonly Room[]>> = {
  metrics: [],
  feed: [],
  frames: ["feed", "metrics"],
  streams: ["feed", "frames", "metrics"],
  faults: ["feed", "frames"],
  actors: [],
  collector: ["feed", "frames", "streams", "faults", "actors", "metrics"],
  book: ["feed", "frames", "streams", "faults", "actors", "metrics"],
  replayer: ["feed", "frames", "streams", "faults", "actors", "metrics"],
  // The checks of `sim` drive the very cores that run in production.
  sim: ["feed", "frames", "streams", "faults", "actors", "collector", "book", "metrics"],
  lake: ["feed", "frames", "streams", "faults", "actors", "metrics"],
  web: [],
  cli: ROOMS,
};

/** What a core may not name: each is a clock, a file, a socket, a timer or a source of chance. */
const IMPURE: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["Date", /\bDate\b(?=\s*[.(]|\s*\))/],
  ["performance", /\bperformance\s*\./],
  ["Bun", /\bBun\s*\./],
  ["Math.random", /\bMath\s*\.\s*random\b/],
  ["crypto", /\bcrypto\s*\./],
  ["a node: module", /["']node:(?!zlib["'])/],
  // Its checksum is arithmetic.
  ["more of zlib than a checksum", /import (?!\{ crc32 \} )[^;]*["']node:zlib["']/],
  ["a bun: module", /["']bun:/],
  ["a timer", /\b(setTimeout|setInterval|setImmediate|queueMicrotask)\b/],
  ["process", /\bprocess\s*\./],
  ["fetch", /\bfetch\s*\(/],
];

/** The package of an import that is there when it runs, no file of ours and not built in. */
const PACKAGE_IMPORT =
  /^(?:import|export|const)\b(?! type )[^;]*?(?:from |import\(|import )"(?!\.|node:|bun:|bun")((?:@[^"/]+\/)?[^"/]+)[^"]*"/gm;

interface Source {
  /** From the house's root, with slashes. */
  readonly path: string;
  readonly room: string;
  readonly text: string;
  /** Without comments and the insides of template and plain strings that are no module names. */
  readonly code: string;
  /** Files of the house that it imports, as `path`. */
  readonly imports: readonly string[];
}

const sources = readSources();
const production = sources.filter((source) => !isTest(source.path));

describe("the house", () => {
  test("a core touches no clock, file, socket, timer or random source", () => {
    const found: string[] = [];
    for (const source of production.filter(isCore)) {
      for (const [what, pattern] of IMPURE) {
        if (pattern.test(source.code)) found.push(`${source.path} names ${what}`);
      }
    }
    expect(found).toEqual([]);
  });

  test("a core imports no edge", () => {
    const edges = new Set(production.filter((source) => !isCore(source)).map(({ path }) => path));
    const found: string[] = [];
    for (const source of production.filter(isCore)) {
      for (const target of source.imports) {
        if (edges.has(target)) found.push(`${source.path} imports the edge ${target}`);
      }
    }
    expect(found).toEqual([]);
  });

  test("arrows between rooms run one way", () => {
    const found: string[] = [];
    for (const { path, room, imports } of production) {
      const allowed: readonly string[] | undefined = ARROWS[room as Room];
      if (allowed === undefined) continue;
      for (const target of imports) {
        const to = roomOf(target);
        if (to !== "" && to !== room && !allowed.includes(to))
          found.push(`${path} imports ${target}`);
      }
    }
    expect(found).toEqual([]);
  });

  test("the auditor shares no code with what it judges", () => {
    const auditor = production.filter(({ path }) => path.startsWith("sim/auditor"));
    const found = auditor.flatMap(({ path, imports }) =>
      imports.filter((target) => /^(feed|book)\//.test(target)).map((to) => `${path} -> ${to}`),
    );
    expect(found).toEqual([]);
  });

  test("every room that has code has its page", () => {
    const rooms = new Set(production.map(({ room }) => room));
    const missing = ROOMS.filter((room) => rooms.has(room)).filter(
      (room) => !existsSync(join(house, room, "README.md")),
    );
    expect(missing).toEqual([]);
  });

  test("no file is imported by nobody", () => {
    const used = new Set(
      sources.flatMap(({ path, imports }) => imports.filter((to) => to !== path)),
    );
    const idle = production.map(({ path }) => path).filter((path) => !used.has(path));
    expect(idle.filter((path) => !isEntry(path))).toEqual([]);
  });

  test("every file says in its head what it is", () => {
    const bare = production.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text));
    expect(bare.map(({ path }) => path)).toEqual([]);
  });

  test("the lock file names every platform's package, so that npm ci takes it", () => {
    const lock = JSON.parse(readFileSync(join(house, "package-lock.json"), "utf8"));
    const missing: string[] = [];
    for (const [path, entry] of Object.entries<{ optionalDependencies?: object }>(lock.packages)) {
      for (const name of Object.keys(entry.optionalDependencies ?? {})) {
        if (!(`node_modules/${name}` in lock.packages)) missing.push(`${path}: ${name}`);
      }
    }
    expect(missing).toEqual([]);
  });

  test("what the product imports is installed with it: no image has the packages of development", () => {
    const { dependencies, optionalDependencies } = packageFile;
    const installed = new Set(Object.keys({ ...dependencies, ...optionalDependencies }));
    const found: string[] = [];
    for (const { path, room, text } of production) {
      if (!(ROOMS as readonly string[]).includes(room)) continue;
      for (const [, name = ""] of text.matchAll(PACKAGE_IMPORT)) {
        if (!installed.has(name)) found.push(`${path} imports ${name}`);
      }
    }
    expect(found).toEqual([]);
    const [, name] = [...'import x from "@a/b/c";'.matchAll(PACKAGE_IMPORT)][0] ?? [];
    expect(name).toBe("@a/b");
  });

  test("the search itself finds what it looks for", () => {
    const impure = [
      "new Date()",
      "Date.now()",
      "setTimeout(f, 1)",
      'from "node:fs"',
      "Bun.file(x)",
    ];
    for (const text of impure) {
      expect(IMPURE.some(([, pattern]) => pattern.test(codeOf(text)))).toBe(true);
    }
    expect(codeOf("a(); // Date.now()\n/* Bun.file */ b();").trim()).toBe("a(); \n b();");
    expect(production.length).toBeGreaterThan(20);
    expect(production.some((source) => source.imports.length > 3)).toBe(true);
  });
});

function isCore({ room, text }: Source): boolean {
  if ((PURE_ROOMS as readonly string[]).includes(room)) return true;
  if (!(MIXED_ROOMS as readonly string[]).includes(room)) return false;
  const head = /^\/\*\*[\s\S]*?\*\//.exec(text)?.[0] ?? "";
  return !head.includes("Edge:");
}

function isTest(path: string): boolean {
  return /\.(test|bench|fuzz)\.ts$/.test(path) || path.startsWith("tests/");
}

/**
 * Files that something other than an import reaches: commands, scripts, the page, the benchmarks, and what
 * only tells the compiler of kinds of files.
 */
function isEntry(path: string): boolean {
  return /\.d\.ts$|^(cli\/main\.ts|scripts\/|bench\/|web\/page\.ts|deploy\/)/.test(path);
}

function roomOf(path: string): string {
  return path.slice(0, Math.max(0, path.indexOf("/")));
}

function readSources(): Source[] {
  const files = new Bun.Glob("*/**/*.ts").scanSync({ cwd: house });
  return [...files]
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => !path.startsWith("node_modules/") && !path.startsWith("dist/"))
    .sort()
    .map((path) => {
      const text = readFileSync(join(house, path), "utf8");
      return { path, room: roomOf(path), text, code: codeOf(text), imports: importsOf(path, text) };
    });
}

/** Comments taken out; a `//` inside a string is kept with it. */
function codeOf(text: string): string {
  return text.replace(
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (_, kept: string | undefined) => kept ?? "",
  );
}

function importsOf(path: string, text: string): string[] {
  const named = /(?:\bfrom|\bimport)\s*\(?\s*["'](\.[^"']+)["']/g;
  const workers = /new URL\(\s*["'](\.[^"']+\.ts)["']/g;
  const targets = [...text.matchAll(named), ...text.matchAll(workers)].map((match) => match[1]);
  return targets.map((target) => normalize(join(dirname(path), target)).replaceAll("\\", "/"));
}
