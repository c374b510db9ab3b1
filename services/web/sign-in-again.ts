// The token has expired, or the server does not know it any more: asks for the password over the page, which stays.
import type { HttpApi } from '../client/browser.ts';
import { openDialog } from './dialog.ts';
import { h } from './dom.ts';
import { field, form } from './field.ts';
import { signIn } from './sign-in-view.ts';
import type { SignedIn } from './signed-in.ts';

export interface SignInAgainPort {
  done(signedIn: SignedIn): void;
  signOut(): void;
}

export function askToSignInAgain(api: HttpApi, user: string, port: SignInAgainPort): void {
  if (document.querySelector('[data-dialog=sign-in-again]') !== null) return;
  const dialog = openDialog('Please sign in again', { name: 'sign-in-again', isLasting: true });
  const password = field('Password', { name: 'password', type: 'password', autocomplete: 'current-password' });
  const signInForm = form({
    name: 'sign-in-again',
    action: `Sign in as ${user}`,
    children: [password.element],
    submit: async () => {
      const result = await signIn(api, user, password.input.value);
      if (typeof result === 'string') return result;
      dialog.close();
      port.done(result);
      return null;
    },
  });
  const leave = () => {
    dialog.close();
    port.signOut();
  };
  dialog.body.append(
    h('p', {}, 'Your session has ended. What you wrote and is not sent yet is kept.'),
    signInForm,
    h('button', { class: 'link', type: 'button', onclick: leave }, 'Sign out instead'),
  );
  password.input.focus();
}
