/**
 * The state of a component as a value: every object that can be reached from its root, with the
 * sharing and the circles between them, but without its functions.
 *
 * Taken by looking at the objects, not by a method in each class: a field that somebody adds
 * tomorrow is saved tomorrow, and none can be forgotten. Two things are said by rules: which fields
 * a new component brings along itself (`keeps`: options, ports, scratch), and which classes may come
 * into being later (`classes`), so that a restored object can have their methods.
 *
 * Assumes that state is in fields (no `#private` ones, no variables of closures) and consists of
 * objects, arrays, maps, sets, typed arrays and primitives; anything else is an error when it is
 * captured. A long array whose first and last value are primitives has nothing but primitives. An object with `image` and `restore` gives and takes its state itself.
 */

import type { LaterCopy } from "../later-copy.ts";

/** A value inside a node: a primitive, `[]` for undefined, `[n]` for the object of node `n`. */
export type Value = string | number | boolean | null | readonly number[];

export const NodeKind = {
  /** `[kind, class, field, value, field, value, …]`; a class of "" is a plain object. */
  Object: 0,
  /** `[kind, value, …]` */
  Array: 1,
  /** `[kind, key, value, …]` */
  Map: 2,
  /** `[kind, value, …]` */
  Set: 3,
  /** `[kind, type, buffer, offset, length]`; `buffer` is an index in `buffers`. */
  View: 4,
  /**
   * `[kind, class, scalars, n, n times: name, type, buffer, length; field, value, …]`: what `image`
   * gave, and the fields of `besides`.
   */
  Image: 5,
  /** `[kind, name]`: one of `GraphRules.shared`. */
  Shared: 6,
} as const;

export type GraphNode = readonly Value[];

/** What an object gives of itself: numbers, and arrays that may be views of live memory. */
export interface Image {
  readonly scalars: Readonly<Record<string, number>>;
  readonly arrays: Readonly<Record<string, Int32Array | Float64Array>>;
}

/** An object that gives and takes its large arrays itself. */
export interface Imaged {
  image(): Image;
  restore(image: Image): void;
  /** Begins to copy an array of the image as it is now, if it is one that can be copied meanwhile. */
  copyLater?(array: string, into: Uint8Array): LaterCopy | undefined;
}

export interface Graph {
  /** Node 0 is the root. Those of long lists are empty until `writeLists`. */
  readonly nodes: GraphNode[];
  /** The bytes themselves, not copied. */
  readonly buffers: readonly Uint8Array[];
  readonly lists: readonly LongList[];
  /** By buffer: the array of an image that it is. */
  readonly images: ReadonlyMap<number, { readonly object: Imaged; readonly array: string }>;
}

/** A list that was copied without a look at each value. */
export interface LongList {
  readonly node: number;
  readonly values: readonly unknown[];
  /** Where it stands, for a message that helps. */
  readonly path: string;
}

type AnyClass = abstract new (...args: never[]) => object;

/** What capture and restore have to be told. */
export interface GraphRules {
  /** Classes whose objects may have to be made anew. */
  readonly classes: readonly AnyClass[];
  /** Fields by class name that are left as the new component has them; `*`: the whole object. */
  readonly keeps: Readonly<Record<string, readonly string[] | "*">>;
  /** Fields by class name that an object's own image leaves out. */
  readonly besides: Readonly<Record<string, readonly string[]>>;
  /** Objects that are no state and the same in every component (feeds), by name. */
  readonly shared: ReadonlyMap<string, object>;
}

export class GraphError extends Error {
  readonly code = "bad_state";

  constructor(message: string) {
    super(message);
    this.name = "GraphError";
  }
}

const VIEWS = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
} as const;
export type ViewName = keyof typeof VIEWS;

export const isViewName = (name: string): name is ViewName => Object.hasOwn(VIEWS, name);
export const viewOf = (name: ViewName) => VIEWS[name];

/** Name of an object's class; "" for a plain object. */
export function classOf(object: object): string {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype === Object.prototype || prototype === null) return "";
  return object.constructor.name;
}

export function isImaged(object: object): object is Imaged {
  const { image, restore } = object as Partial<Imaged>;
  return typeof image === "function" && typeof restore === "function";
}

/** Is the field left as it stands in the new component? */
export function isKept(rules: GraphRules, className: string, field: string): boolean {
  const keeps = Object.hasOwn(rules.keeps, className) ? rules.keeps[className] : undefined;
  return keeps !== undefined && keeps !== "*" && keeps.includes(field);
}

/** Is the whole object the new component's own? */
export function isOwn(rules: GraphRules, value: unknown): boolean {
  if (typeof value === "function") return true;
  if (typeof value !== "object" || value === null) return false;
  const name = classOf(value);
  return Object.hasOwn(rules.keeps, name) && rules.keeps[name] === "*";
}
