// Signing in and registering. Demo users exist on development servers only; the server does not say whether it is one, so
// they are offered where such servers run: on this machine or in its network.
import type { HttpApi } from '../client/browser.ts';
import { avatarView } from './avatar-view.ts';
import { h } from './dom.ts';
import { field, form } from './field.ts';
import type { SignedIn } from './signed-in.ts';

/** As made by the server at its first start in development, and printed there. */
const DEMO_USERS = [
  { user: 'alice', password: 'alice-demo' },
  { user: 'bob', password: 'bob-demo' },
] as const;
const DEVELOPMENT_HOST = /^(localhost|127\..*|\[::1\]|10\..*|192\.168\..*|.*\.local(host)?)$/;
const PASSWORD_CHARACTERS_MIN = 8;

/** A text when it failed, for people. */
export async function signIn(api: HttpApi, user: string, password: string): Promise<SignedIn | string> {
  const reply = await api.signIn(user, password);
  if (!reply.ok || reply.data === null) return reasonOf(reply);
  const { token, expiresAt } = reply.data;
  return { user, token, expiresAt };
}

export function signInView(api: HttpApi, done: (signedIn: SignedIn) => void): HTMLElement {
  const card = h('main', { class: 'card' });
  const show = (mode: 'sign-in' | 'register') => {
    card.replaceChildren(
      h('div', { class: 'brand' }, h('img', { src: 'icon.svg', alt: '' }), h('h1', {}, 'fanlog')),
      h('p', { class: 'tagline' }, 'Every message once, and in order.'),
      mode === 'sign-in' ? signInForm(api, done) : registerForm(api, done),
      h(
        'p',
        { class: 'switch' },
        mode === 'sign-in' ? 'New here? ' : 'Have an account? ',
        h(
          'button',
          { class: 'link', type: 'button', onclick: () => show(mode === 'sign-in' ? 'register' : 'sign-in') },
          mode === 'sign-in' ? 'Make an account' : 'Sign in',
        ),
      ),
    );
    if (mode === 'sign-in' && DEVELOPMENT_HOST.test(location.hostname)) card.append(demoUsers(api, done));
    card.querySelector('input')?.focus({ preventScroll: true });
  };
  show('sign-in');
  return h('div', { class: 'sign-in' }, card);
}

function signInForm(api: HttpApi, done: (signedIn: SignedIn) => void): HTMLFormElement {
  const user = field('User', { name: 'user', autocomplete: 'username', required: true });
  const password = field('Password', { name: 'password', type: 'password', autocomplete: 'current-password' });
  return form({
    name: 'sign-in',
    action: 'Sign in',
    children: [user.element, password.element],
    submit: async () => {
      if (user.input.value === '' || password.input.value === '') return 'Enter a user and a password.';
      const result = await signIn(api, user.input.value, password.input.value);
      if (typeof result === 'string') return result;
      done(result);
      return null;
    },
  });
}

function registerForm(api: HttpApi, done: (signedIn: SignedIn) => void): HTMLFormElement {
  const user = field('User', { name: 'user', autocomplete: 'username', maxlength: 64 }, 'What others call you by.');
  const password = field(
    'Password',
    { name: 'password', type: 'password', autocomplete: 'new-password' },
    `At least ${PASSWORD_CHARACTERS_MIN} characters.`,
  );
  return form({
    name: 'register',
    action: 'Make the account',
    children: [user.element, password.element],
    submit: async () => {
      const [name, secret] = [user.input.value.trim(), password.input.value];
      if (name === '') return 'Choose a user name.';
      if (secret.length < PASSWORD_CHARACTERS_MIN)
        return `A password has ${PASSWORD_CHARACTERS_MIN} characters or more.`;
      const reply = await api.register(name, secret);
      if (!reply.ok || reply.data === null) return reasonOf(reply);
      const { token, expiresAt } = reply.data;
      done({ user: name, token, expiresAt });
      return null;
    },
  });
}

function demoUsers(api: HttpApi, done: (signedIn: SignedIn) => void): HTMLElement {
  const problem = h('p', { class: 'problem', role: 'alert' });
  const buttons = DEMO_USERS.map(({ user, password }) => {
    const onclick = async () => {
      problem.textContent = '';
      const result = await signIn(api, user, password);
      if (typeof result !== 'string') return done(result);
      const hint = `${result} This server may have no demo users.`;
      problem.textContent = hint;
    };
    const attributes = { class: 'demo-user', type: 'button', 'data-demo': user, onclick };
    return h('button', attributes, avatarView(user), h('span', {}, `Continue as ${user}`));
  });
  const title = h('p', { class: 'divider' }, h('span', {}, 'or try a demo user'));
  return h('section', { class: 'demo', 'aria-label': 'Demo users' }, title, h('div', {}, ...buttons), problem);
}

export function reasonOf({ status, message }: { readonly status: number; readonly message: string }): string {
  return status === 0 ? 'The server does not answer. Try again in a moment.' : message;
}
