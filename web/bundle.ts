/**
 * Edge: the page as files, ready to be served: the markup and the style as they stand, the script
 * bundled from `page.ts` at start (some 20 ms).
 */
export interface PageText {
  readonly type: string;
  readonly text: string;
}

/** Path to file. @throws Error if the script does not build, with the builder's words */
export async function pageFiles(): Promise<Map<string, PageText>> {
  const built = await Bun.build({
    entrypoints: [new URL("./page.ts", import.meta.url).pathname],
    target: "browser",
  });
  const markup = await Bun.file(new URL("./index.html", import.meta.url)).text();
  const style = await Bun.file(new URL("./page.css", import.meta.url)).text();
  return new Map([
    ["/", { type: "text/html; charset=utf-8", text: markup }],
    ["/page.css", { type: "text/css; charset=utf-8", text: style }],
    ["/page.js", { type: "text/javascript; charset=utf-8", text: await built.outputs[0].text() }],
  ]);
}
