/** Which edgebook this is: the version, and in the one-file binary the build. */
import packageFile from "../package.json" with { type: "json" };

/** Set by `scripts/build-binary.ts`: version, commit, target. */
declare const EDGEBOOK_BUILD: string | undefined;

/** True in the one-file binary, where no sources and no node_modules are at hand. */
export const isBinary = typeof EDGEBOOK_BUILD !== "undefined";

/** `0.1.0` from a checkout; `0.1.0 1a2b3c4 linux-x64` in a binary. */
export const versionText = isBinary ? String(EDGEBOOK_BUILD) : packageFile.version;
