/**
 * Edge: the page as files, ready to be served: the markup as it stands, the styles one behind the
 * other, the script bundled from `page.ts` at start (some 50 ms). Nothing is fetched from elsewhere.
 */
/** In the order in which they count; what is narrow changes what all others say. */
const STYLES = [
  ...["base", "head", "login", "shared", "overview", "instrument"],
  ...["gaps", "replay", "system", "help", "narrow"],
];

export interface PageText {
  readonly type: string;
  readonly text: string;
}

/** Path to file. @throws Error if the script does not build, with the builder's words */
export async function pageFiles(): Promise<Map<string, PageText>> {
  const built = await Bun.build({
    entrypoints: [new URL("./page.ts", import.meta.url).pathname],
    target: "browser",
    minify: true,
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const own = STYLES.map((name) => `./styles/${name}.css`);
  const styles = [import.meta.resolve("uplot/dist/uPlot.min.css"), ...own];
  const texts = await Promise.all([...styles, "./index.html"].map(textOf));
  const markup = texts.pop() ?? "";
  return new Map([
    ["/", { type: "text/html; charset=utf-8", text: markup }],
    ["/page.css", { type: "text/css; charset=utf-8", text: texts.join("\n") }],
    ["/page.js", { type: "text/javascript; charset=utf-8", text: await built.outputs[0].text() }],
  ]);
}

const textOf = (path: string): Promise<string> => Bun.file(new URL(path, import.meta.url)).text();
