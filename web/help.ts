/** What the keys do, over whatever is shown. */

import { useEffect, useRef } from "preact/hooks";
import { h, type VNode } from "./h.ts";
import { helpIsOpen, KEYS } from "./keys.ts";

export function Help(): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = helpIsOpen.value;
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  const close = () => {
    helpIsOpen.value = false;
  };
  return h(
    "dialog",
    { id: "help", ref: dialog, onClose: close, "aria-labelledby": "help-name" },
    h("h2", { id: "help-name" }, "Keys"),
    h(
      "dl",
      { class: "facts" },
      KEYS.map(([key, does]) => [
        h("dt", { key }, h("kbd", null, key)),
        h("dd", { key: `${key} does` }, does),
      ]),
    ),
    h(
      "p",
      { class: "quiet" },
      "The same books for programs: ",
      h("a", { href: "/openapi.json" }, "/openapi.json"),
    ),
    h("button", { type: "button", onClick: close }, "Close"),
  );
}
