// Keeps the children of an element in step with a list: an item that did not change keeps its element, and with it the
// focus, the selection and the scroll position around it.

export interface KeyedItem {
  readonly key: string;
}

interface Shown {
  readonly element: HTMLElement;
  readonly signature: string;
}

export class KeyedChildren<T extends KeyedItem> {
  readonly #parent: HTMLElement;
  readonly #create: (item: T) => HTMLElement;
  #shown: ReadonlyMap<string, Shown> = new Map();

  constructor(parent: HTMLElement, create: (item: T) => HTMLElement) {
    this.#parent = parent;
    this.#create = create;
  }

  element(key: string): HTMLElement | undefined {
    return this.#shown.get(key)?.element;
  }

  keys(): Iterable<string> {
    return this.#shown.keys();
  }

  /** Items are data: an element is made anew when its item's JSON changed. */
  update(items: readonly T[]): void {
    const next = new Map<string, Shown>();
    let focus: HTMLElement | null = null;
    for (const item of items) {
      const signature = JSON.stringify(item);
      const known = this.#shown.get(item.key);
      if (known?.signature === signature) {
        next.set(item.key, known);
        continue;
      }
      const element = this.#create(item);
      if (known !== undefined) {
        if (known.element === document.activeElement) focus = element;
        known.element.replaceWith(element);
      }
      next.set(item.key, { element, signature });
    }
    for (const [key, { element }] of this.#shown) if (!next.has(key)) element.remove();
    this.#shown = next;
    this.#arrange();
    focus?.focus({ preventScroll: true });
  }

  // Backwards, and only what stands wrong is moved: moving an element would drop its focus and its animation.
  #arrange(): void {
    let after: HTMLElement | null = null;
    for (const { element } of [...this.#shown.values()].reverse()) {
      if (element.nextSibling !== after || element.parentNode !== this.#parent)
        this.#parent.insertBefore(element, after);
      after = element;
    }
  }
}
