/**
 * Elements as calls: `h("p", { class: "quiet" }, "text")`. Preact's own `h`, with types that say no
 * more than is needed here: a component gets exactly its props, an element whatever attributes.
 */
import { type ComponentChildren, type ComponentType, h as make, type VNode } from "preact";

export type { VNode } from "preact";

type Attributes = Readonly<Record<string, unknown>>;

export function h(
  tag: string,
  attributes: Attributes | null,
  ...children: readonly ComponentChildren[]
): VNode;
export function h<Props extends object>(
  component: (props: Props) => VNode,
  props: Props & { readonly key?: string | number },
): VNode;
export function h(
  type: string | ((props: never) => VNode),
  props: object | null,
  ...children: readonly ComponentChildren[]
): VNode {
  return make(type as ComponentType<object>, props, ...children) as VNode;
}
