/**
 * How far each destination is: the place up to which it has every chunk, in a small file beside the
 * segments. A collector that starts again goes on from there. The file is replaced, never synced: a
 * power cut may bring back an older one, or none that can be read, and then chunks are sent again;
 * whoever takes them knows them by boot and number.
 */
import type { SpoolFiles } from "./spool-files.ts";

/** Every chunk up to this number of this boot, and of all boots before. */
export interface Place {
  readonly boot: number;
  readonly number: number;
}

const FILE_NAME = "places.json";
const FILE_BYTES_LIMIT = 64 << 10;
/** Destinations remembered; the ones used last stay. */
const DESTINATIONS_LIMIT = 64;
/** Of a destination whose place cannot be read: all is still to be sent. */
const NOTHING: Place = { boot: 0, number: 0 };

export function isBehind(place: Place, other: Place): boolean {
  return place.boot < other.boot || (place.boot === other.boot && place.number < other.number);
}

export class SpoolPlaces {
  /** The newest boot whose segments were checked to the last byte when it was over. */
  checkedBoot = 0;
  private readonly files: SpoolFiles;
  /** The one changed last stands last. */
  private readonly known = new Map<string, Place>();
  private readonly used = new Set<string>();
  /** The file was there and could not be read: a destination may have been in it. */
  private isLost = false;
  private isChanged = false;

  constructor(files: SpoolFiles) {
    this.files = files;
    const there = files.list().find(({ name }) => name === FILE_NAME);
    if (there !== undefined) this.isLost = !this.parse(this.text(there.bytes));
  }

  /** Places of the destinations of this run. */
  get inUse(): readonly Place[] {
    return [...this.used].map((name) => this.known.get(name) ?? NOTHING);
  }

  /**
   * A destination of this run, of boot `boot`. One that is new gets what comes from now on, and that
   * is written down before anything comes: a kill must not make it new again.
   * @returns where an earlier run left it
   */
  use(destination: string, boot: number): Place {
    this.used.add(destination);
    const known = this.known.get(destination);
    if (known !== undefined) return known;
    const place = this.isLost ? NOTHING : { boot, number: 0 };
    this.known.set(destination, place);
    this.isChanged = true;
    this.write();
    try {
      this.files.sync(FILE_NAME);
    } catch {
      // A disk that has no room, or does not sync: the next write tries again.
    }
    return place;
  }

  move(destination: string, place: Place): void {
    const before = this.known.get(destination);
    if (before !== undefined && !isBehind(before, place)) return;
    this.known.delete(destination);
    this.known.set(destination, place);
    this.isChanged = true;
  }

  /** The segments of this boot, and of all before, need not be checked again. */
  checked(boot: number): void {
    if (boot <= this.checkedBoot) return;
    this.checkedBoot = boot;
    this.isChanged = true;
  }

  /** Writes the file if something changed; a disk without room keeps the old one. */
  write(): void {
    if (!this.isChanged) return;
    for (const name of this.known.keys()) {
      if (this.known.size <= DESTINATIONS_LIMIT) break;
      this.known.delete(name);
    }
    const text = JSON.stringify({
      checked: this.checkedBoot,
      places: Object.fromEntries(this.known),
    });
    try {
      this.files.replace(FILE_NAME, new TextEncoder().encode(text));
      this.isChanged = false;
    } catch {
      // Tried again the next time.
    }
  }

  private text(bytes: number): string {
    const block = new Uint8Array(Math.min(bytes, FILE_BYTES_LIMIT));
    const length = this.files.read(FILE_NAME, block, 0);
    return new TextDecoder().decode(block.subarray(0, length));
  }

  /** False if it is no such file. */
  private parse(text: string): boolean {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return false;
    }
    const { checked, places } = (value ?? {}) as { checked?: unknown; places?: unknown };
    if (!isCount(checked) || typeof places !== "object" || places === null) return false;
    for (const [name, place] of Object.entries(places)) {
      const { boot, number } = (place ?? {}) as { boot?: unknown; number?: unknown };
      if (!isCount(boot) || !isCount(number)) return false;
      this.known.set(name, { boot, number });
    }
    this.checkedBoot = checked;
    return true;
  }
}

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
