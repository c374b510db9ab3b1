// Keeps what somebody reads where it is while lines come and go above and below it; at the bottom it stays at the bottom.

/** Nearer to the bottom than this is at the bottom. */
const BOTTOM_PX = 40;
/** How whoever reads takes the scrolling into their own hands. */
const TAKEN_OVER = ['wheel', 'touchmove', 'pointerdown', 'keydown'] as const;

export class ScrollKeeper {
  readonly #scroller: HTMLElement;
  #isAtBottom = true;
  /** Scrolls there smoothly: what comes meanwhile must not stop it halfway. */
  #isOnItsWay = false;
  #height = 0;

  /** `scrolled`: by whoever reads, or because the size changed. */
  constructor(scroller: HTMLElement, scrolled: () => void) {
    this.#scroller = scroller;
    scroller.addEventListener(
      'scroll',
      () => {
        this.#look();
        scrolled();
      },
      { passive: true },
    );
    const takenOver = () => {
      this.#isOnItsWay = false;
    };
    for (const event of TAKEN_OVER) scroller.addEventListener(event, takenOver, { passive: true });
    scroller.addEventListener('scrollend', () => {
      takenOver();
      this.#look();
      scrolled();
    });
    new ResizeObserver(() => {
      this.#height = scroller.clientHeight;
      if (this.#isAtBottom) this.toBottom();
      scrolled();
    }).observe(scroller);
  }

  get isAtBottom(): boolean {
    return this.#isAtBottom;
  }

  /** Changes the lines. `anchors`: those that may be looked at, top to bottom; `find`: one of them after the change. */
  around(change: () => void, anchors: () => Iterable<string>, find: (key: string) => HTMLElement | undefined): void {
    // The event of a scroll comes a frame after it: lines that arrive in between must not take the reader to the bottom.
    this.#look();
    const anchor = this.#isAtBottom ? null : this.#firstVisible(anchors(), find);
    change();
    if (this.#isAtBottom) this.toBottom();
    const element = anchor === null ? undefined : find(anchor.key);
    if (anchor !== null && element !== undefined) {
      this.#scroller.scrollTop += element.getBoundingClientRect().top - anchor.top_px;
    }
  }

  toBottom(behavior: ScrollBehavior = 'instant'): void {
    this.#isAtBottom = true;
    this.#isOnItsWay = behavior === 'smooth' && this.#distance() > BOTTOM_PX;
    this.#scroller.scrollTo({ top: this.#scroller.scrollHeight, behavior });
  }

  /** A keyboard that opens makes the box smaller and scrolls: that is nobody leaving the bottom. */
  #look(): void {
    if (this.#isOnItsWay && this.#distance() > BOTTOM_PX) return;
    this.#isOnItsWay = false;
    if (this.#scroller.clientHeight === this.#height) this.#isAtBottom = this.#distance() <= BOTTOM_PX;
  }

  #firstVisible(keys: Iterable<string>, find: (key: string) => HTMLElement | undefined) {
    const top_px = this.#scroller.getBoundingClientRect().top;
    for (const key of keys) {
      const box = find(key)?.getBoundingClientRect();
      if (box !== undefined && box.bottom > top_px) return { key, top_px: box.top };
    }
    return null;
  }

  #distance(): number {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }
}
