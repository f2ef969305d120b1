/**
 * Takes the graph of a component (`graph.ts`). Large arrays are not copied here: whoever calls copies
 * `buffers`, or begins their copies, before the component goes on. Linear in objects and fields.
 */
import {
  classOf,
  type Graph,
  GraphError,
  type GraphNode,
  type GraphRules,
  type Imaged,
  isImaged,
  isKept,
  isOwn,
  isViewName,
  type LongList,
  NodeKind,
  type Value,
} from "./graph.ts";

const UNDEFINED: readonly number[] = [];
/** From so many values on a list that begins and ends with a plain one is taken to be of such only. */
const LONG_LIST = 1024;

/**
 * Nobody else runs while it does. What can be done later is left to `writeLists`.
 * @param room of the last time, for the copies of long lists: memory that was never written costs more
 *   than copying
 * @throws GraphError something is reachable that is no state
 */
export function captureGraph(root: object, rules: GraphRules, room: unknown[][] = []): Graph {
  const capture = new Capture(rules, room);
  capture.value(root, "root");
  capture.drain();
  return capture;
}

/**
 * Makes the nodes of the long lists, a list a step: a look at each of a hundred thousand names, by code that
 * runs twice a minute, takes some milliseconds; a copy of the list much less than one.
 * @throws GraphError one of them holds an object, which has gone on since
 */
export function* writeLists({ nodes, lists }: Graph): Generator<void> {
  for (const { node, values, path } of lists) {
    const written: Value[] = [NodeKind.Array];
    for (const value of values) {
      if (value !== undefined && value !== null && !isPlain(value)) {
        throw new GraphError(`${path} begins with a ${typeof values[0]} and holds an object too`);
      }
      written.push(value === undefined ? UNDEFINED : value);
    }
    nodes[node] = written;
    yield;
  }
}

class Capture implements Graph {
  readonly nodes: GraphNode[] = [];
  readonly buffers: Uint8Array[] = [];
  readonly lists: LongList[] = [];
  readonly images = new Map<number, { object: Imaged; array: string }>();
  private readonly rules: GraphRules;
  private readonly room: unknown[][];
  private readonly shared: ReadonlyMap<object, string>;
  private readonly numbers = new Map<object, number>();
  private readonly bufferNumbers = new Map<ArrayBufferLike, number>();
  /** Objects that have a number and no node yet: no recursion, however long a chain is. */
  private readonly waiting: object[] = [];
  /** Where each came from, for a message that helps. */
  private readonly paths: string[] = [];

  constructor(rules: GraphRules, room: unknown[][]) {
    this.rules = rules;
    this.room = room;
    this.shared = new Map([...rules.shared].map(([name, object]) => [object, name]));
  }

  value(value: unknown, path: string): Value {
    switch (typeof value) {
      case "string":
      case "number":
      case "boolean":
        return value;
      case "undefined":
        return UNDEFINED;
      case "object":
        return value === null ? null : [this.number(value, path)];
      default:
        throw new GraphError(`${path} is a ${typeof value}, which is no state`);
    }
  }

  drain(): void {
    // A number is given in the order of `waiting`, so nodes are in the order of numbers.
    for (let at = 0; at < this.waiting.length; at++) {
      this.nodes.push(this.node(this.waiting[at], this.paths[at]));
    }
  }

  private number(object: object, path: string): number {
    const known = this.numbers.get(object);
    if (known !== undefined) return known;
    const number = this.numbers.size;
    this.numbers.set(object, number);
    this.waiting.push(object);
    this.paths.push(path);
    return number;
  }

  private node(object: object, path: string): GraphNode {
    const shared = this.shared.get(object);
    if (shared !== undefined) return [NodeKind.Shared, shared];
    if (ArrayBuffer.isView(object)) return this.view(object, path);
    if (Array.isArray(object)) return this.array(object, path);
    if (object instanceof Set) return this.list(NodeKind.Set, object, path);
    if (object instanceof Map) return this.map(object, path);
    return isImaged(object) ? this.image(object, path) : this.fields(object, path);
  }

  private view(view: ArrayBufferView, path: string): GraphNode {
    const name = view.constructor.name;
    if (!isViewName(name)) throw new GraphError(`${path} is a ${name}, which is no state`);
    const { byteOffset, length = view.byteLength } = view as { length?: number } & typeof view;
    return [NodeKind.View, name, this.buffer(view.buffer), byteOffset, length];
  }

  private buffer(buffer: ArrayBufferLike): number {
    const known = this.bufferNumbers.get(buffer);
    if (known !== undefined) return known;
    const number = this.buffers.push(new Uint8Array(buffer)) - 1;
    this.bufferNumbers.set(buffer, number);
    return number;
  }

  /** Only what the view shows of its buffer; type, buffer and length. */
  private range(view: Int32Array | Float64Array): readonly Value[] {
    const { buffer, byteOffset, byteLength, length } = view;
    const number = this.buffers.push(new Uint8Array(buffer, byteOffset, byteLength)) - 1;
    return [view.constructor.name, number, length];
  }

  private array(array: readonly unknown[], path: string): GraphNode {
    const isLong = array.length >= LONG_LIST && isPlain(array[0]) && isPlain(array.at(-1));
    if (!isLong) return this.list(NodeKind.Array, array, path);
    this.room[this.lists.length] ??= [];
    const values = this.room[this.lists.length];
    copyList(array, values);
    this.lists.push({ node: this.nodes.length, values, path });
    return [];
  }

  private list(kind: number, values: Iterable<unknown>, path: string): GraphNode {
    const node: Value[] = [kind];
    const inside = `${path}[]`;
    for (const value of values) node.push(this.value(value, inside));
    return node;
  }

  private map(map: Map<unknown, unknown>, path: string): GraphNode {
    const node: Value[] = [NodeKind.Map];
    const inside = `${path}{}`;
    for (const [key, value] of map) node.push(this.value(key, inside), this.value(value, inside));
    return node;
  }

  private fields(object: object, path: string): GraphNode {
    const name = classOf(object);
    const node: Value[] = [NodeKind.Object, name];
    for (const field in object) {
      if (!Object.hasOwn(object, field) || isKept(this.rules, name, field)) continue;
      const value: unknown = object[field as keyof typeof object];
      if (isOwn(this.rules, value)) continue;
      node.push(field, this.value(value, `${path}.${field}`));
    }
    return node;
  }

  private image(object: Imaged, path: string): GraphNode {
    const name = classOf(object);
    const { scalars, arrays } = object.image();
    const node: Value[] = [NodeKind.Image, name, this.value(scalars, path)];
    node.push(Object.keys(arrays).length);
    for (const [array, view] of Object.entries(arrays)) {
      this.images.set(this.buffers.length, { object, array });
      node.push(array, ...this.range(view));
    }
    for (const field of this.rules.besides[name] ?? []) {
      const value: unknown = (object as unknown as Record<string, unknown>)[field];
      node.push(field, this.value(value, `${path}.${field}`));
    }
    return node;
  }
}

function copyList(from: readonly unknown[], to: unknown[]): void {
  const known = Math.min(from.length, to.length);
  for (let at = 0; at < known; at++) to[at] = from[at];
  for (let at = known; at < from.length; at++) to.push(from[at]);
  to.length = from.length;
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
