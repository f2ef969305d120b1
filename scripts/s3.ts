/**
 * A real S3 server on loopback until Ctrl-C, for trying things out; with `--build` it is only built, so
 * that tests find it.
 */
import { BUCKET, S3Missing, s3Program, startS3 } from "./s3/server.ts";

try {
  if (process.argv.includes("--build")) s3Program(true);
  else {
    const server = await startS3(true);
    const words = Object.entries(server.env).map(([name, value]) => `${name}='${value}'`);
    console.log(`s3://${BUCKET} with ${words.join(" ")}. Ctrl-C ends it and removes its files.`);
    await new Promise<void>((resolve) => {
      process.once("SIGINT", () => resolve());
      process.once("SIGTERM", () => resolve());
    });
    await server.stop();
  }
} catch (thrown) {
  if (!(thrown instanceof S3Missing)) throw thrown;
  console.error(`edgebook: ${thrown.message}`);
  process.exit(1);
}
