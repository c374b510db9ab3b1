// A labelled input, and a form that says what went wrong and cannot be sent twice at once.
import { h } from './dom.ts';

type InputAttributes = Parameters<typeof h>[1];

export function field(label: string, attributes: InputAttributes & { readonly name: string }, hint?: string) {
  const id = `field-${attributes.name}`;
  const input = h('input', { ...attributes, id, autocapitalize: 'off', spellcheck: 'false' });
  const note = hint === undefined ? null : h('small', { id: `${id}-hint` }, hint);
  if (note !== null) input.setAttribute('aria-describedby', note.id);
  return { input, element: h('div', { class: 'field' }, h('label', { for: id }, label), input, note) };
}

export interface FormParts {
  readonly children: readonly HTMLElement[];
  readonly action: string;
  readonly name: string;
  /** null when it is done; otherwise what to tell. */
  submit(): Promise<string | null>;
}

export function form({ children, action, name, submit }: FormParts): HTMLFormElement {
  const problem = h('p', { class: 'problem', role: 'alert' });
  const button = h('button', { class: 'primary', type: 'submit' }, action);
  const element = h('form', { class: 'form', name, novalidate: true }, ...children, problem, button);
  element.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    problem.textContent = '';
    const wrong = await submit();
    problem.textContent = wrong ?? '';
    button.disabled = false;
  });
  return element;
}
