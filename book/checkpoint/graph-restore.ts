/**
 * Puts a graph back into a component made anew with the same options: what stands there already is
 * filled in place, so that its functions and ports stay; the rest is made.
 *
 * A graph that does not fit (another version's fields, another class) is an error, and the component
 * is then half filled: throw it away.
 */
import {
  classOf,
  GraphError,
  type GraphNode,
  type GraphRules,
  type Image,
  isImaged,
  isKept,
  isOwn,
  isViewName,
  NodeKind,
  type Value,
  viewOf,
} from "./graph.ts";

export interface StoredGraph {
  readonly nodes: readonly GraphNode[];
  readonly buffers: readonly ArrayBuffer[];
}

/** @throws GraphError the graph is not one of such a component */
export function restoreGraph(graph: StoredGraph, root: object, rules: GraphRules): void {
  new Restore(graph, rules).run(root);
}

type Fields = Record<string, unknown>;

class Restore {
  private readonly graph: StoredGraph;
  private readonly rules: GraphRules;
  private readonly prototypes: ReadonlyMap<string, object>;
  /** By node; undefined: not reached yet. */
  private readonly made: (object | undefined)[];
  /** Objects that stand for a node already: two nodes never fill one object. */
  private readonly used = new Set<object>();
  /** Nodes that have an object and are to be filled. */
  private readonly waiting: number[] = [];

  constructor(graph: StoredGraph, rules: GraphRules) {
    this.graph = graph;
    this.rules = rules;
    this.prototypes = new Map(rules.classes.map((each) => [each.name, each.prototype as object]));
    this.made = new Array(graph.nodes.length).fill(undefined);
  }

  run(root: object): void {
    this.value([0], root);
    const images: number[] = [];
    for (let at = 0; at < this.waiting.length; at++) {
      const number = this.waiting[at];
      if (this.graph.nodes[number][0] === NodeKind.Image) images.push(number);
      this.fill(number);
    }
    // Their arrays and numbers are whole only now.
    for (const number of images) this.restoreImage(number);
  }

  /** @param there what stands at its place in the new component */
  private value(value: Value, there: unknown): unknown {
    if (!Array.isArray(value)) return value;
    if (value.length === 0) return undefined;
    const [number] = value;
    const known = this.made[number];
    if (known !== undefined) return known;
    const node = this.graph.nodes[number];
    if (node === undefined) throw new GraphError(`there is no node ${number}`);
    const object = this.reused(node, there) ?? this.make(node);
    this.made[number] = object;
    this.used.add(object);
    this.waiting.push(number);
    return object;
  }

  private reused(node: GraphNode, there: unknown): object | undefined {
    if (typeof there !== "object" || there === null || this.used.has(there)) return undefined;
    switch (node[0]) {
      case NodeKind.Object:
      case NodeKind.Image:
        return isRecord(there) && classOf(there) === node[1] ? there : undefined;
      case NodeKind.Array:
        return Array.isArray(there) ? there : undefined;
      case NodeKind.Map:
        return there instanceof Map ? there : undefined;
      case NodeKind.Set:
        return there instanceof Set ? there : undefined;
      default:
        return undefined;
    }
  }

  private make(node: GraphNode): object {
    switch (node[0]) {
      case NodeKind.Object:
        return this.makeObject(String(node[1]));
      case NodeKind.Array:
        return [];
      case NodeKind.Map:
        return new Map();
      case NodeKind.Set:
        return new Set();
      case NodeKind.View:
        return this.makeView(node);
      case NodeKind.Shared:
        return this.shared(String(node[1]));
      default:
        throw new GraphError(`an object of ${String(node[1])} has to stand there already`);
    }
  }

  private shared(name: string): object {
    const object = this.rules.shared.get(name);
    if (object === undefined) throw new GraphError(`nothing is called ${name} here`);
    return object;
  }

  private makeObject(name: string): object {
    if (name === "") return {};
    const prototype = this.prototypes.get(name);
    if (prototype === undefined) throw new GraphError(`objects of ${name} cannot be made anew`);
    return Object.create(prototype) as object;
  }

  private makeView([, name, buffer, offset, length]: GraphNode): object {
    const bytes = this.graph.buffers[Number(buffer)];
    if (typeof name !== "string" || !isViewName(name) || bytes === undefined) {
      throw new GraphError(`there is no array ${String(name)} over buffer ${String(buffer)}`);
    }
    const View = viewOf(name) as Uint8ArrayConstructor;
    return new View(bytes, Number(offset), Number(length));
  }

  private fill(number: number): void {
    const node = this.graph.nodes[number];
    const object = this.made[number];
    if (Array.isArray(object)) this.fillArray(node, object);
    else if (object instanceof Map) this.fillMap(node, object);
    else if (object instanceof Set) {
      object.clear();
      for (let at = 1; at < node.length; at++) object.add(this.value(node[at], undefined));
    } else if (node[0] === NodeKind.Object) this.fillFields(node, object as Fields);
    else if (node[0] === NodeKind.Image) {
      this.value(node[2], undefined);
      const fields = object as Fields;
      for (let at = 4 + Number(node[3]) * 4; at < node.length; at += 2) {
        const field = String(node[at]);
        fields[field] = this.value(node[at + 1], fields[field]);
      }
    }
  }

  private fillArray(node: GraphNode, array: unknown[]): void {
    const before = array.slice();
    array.length = 0;
    for (let at = 1; at < node.length; at++) array.push(this.value(node[at], before[at - 1]));
  }

  private fillMap(node: GraphNode, map: Map<unknown, unknown>): void {
    const before = new Map(map);
    map.clear();
    for (let at = 1; at < node.length; at += 2) {
      const key = this.value(node[at], undefined);
      map.set(key, this.value(node[at + 1], before.get(key)));
    }
  }

  private fillFields(node: GraphNode, object: Fields): void {
    const name = String(node[1]);
    const stored = new Set<string>();
    for (let at = 2; at < node.length; at += 2) {
      const field = String(node[at]);
      stored.add(field);
      object[field] = this.value(node[at + 1], object[field]);
    }
    for (const field of Object.keys(object)) {
      if (stored.has(field) || isKept(this.rules, name, field)) continue;
      if (isOwn(this.rules, object[field])) continue;
      if (name !== "") throw new GraphError(`${name} has a field ${field} that was not saved`);
      delete object[field];
    }
  }

  private restoreImage(number: number): void {
    const object = this.made[number] as object;
    const node = this.graph.nodes[number];
    if (!isImaged(object)) throw new GraphError(`${classOf(object)} takes no image`);
    const arrays: Record<string, Int32Array | Float64Array> = {};
    for (let at = 4; at < 4 + Number(node[3]) * 4; at += 4) {
      const view = this.makeView([NodeKind.View, node[at + 1], node[at + 2], 0, node[at + 3]]);
      arrays[String(node[at])] = view as Int32Array | Float64Array;
    }
    object.restore({ scalars: this.value(node[2], undefined) as Image["scalars"], arrays });
  }
}

function isRecord(value: object): boolean {
  return !(
    Array.isArray(value) ||
    value instanceof Map ||
    value instanceof Set ||
    ArrayBuffer.isView(value)
  );
}
