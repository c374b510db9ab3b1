// A modal dialog: the browser's own, so that focus, Escape and the rest of the page are its business.
import { h, icon } from './dom.ts';
import { icons } from './icons.ts';

export interface Dialog {
  readonly element: HTMLDialogElement;
  readonly body: HTMLElement;
  close(): void;
}

/** Opens it; it is gone from the page once closed. `isLasting`: Escape and the backdrop do not close it. */
export function openDialog(title: string, options: { readonly name: string; readonly isLasting?: boolean }): Dialog {
  const { name, isLasting = false } = options;
  const body = h('div', { class: 'dialog-body' });
  const heading = h('h2', { id: `${name}-title` }, title);
  const closeButton = h('button', { class: 'icon-button', type: 'button', 'aria-label': 'Close' }, icon(icons.close));
  const element = h(
    'dialog',
    { class: 'dialog', 'data-dialog': name, 'aria-labelledby': heading.id },
    h('header', { class: 'dialog-header' }, heading, isLasting ? null : closeButton),
    body,
  );
  const close = () => element.close();
  closeButton.addEventListener('click', close);
  element.addEventListener('close', () => element.remove());
  element.addEventListener('cancel', (event) => {
    if (isLasting) event.preventDefault();
  });
  element.addEventListener('click', (event) => {
    if (event.target === element && !isLasting) close();
  });
  document.body.append(element);
  element.showModal();
  return { element, body, close };
}
