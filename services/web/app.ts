// The page's start: the sign-in form, or the chat of whoever is signed in on this tab.
import { browserRuntime, HttpApi } from '../client/browser.ts';
import { ChatPage } from './chat-page.ts';
import { NEW_ACCOUNT_HASH } from './page-address.ts';
import { signInView } from './sign-in-view.ts';
import { forgetSignedIn, loadSignedIn, type SignedIn, saveSignedIn } from './signed-in.ts';
import { claimDevice } from './tab-device.ts';

const page = document.getElementById('page')!;
const api = new HttpApi({ baseUrl: '', runtime: browserRuntime });

function askToSignIn(): void {
  document.title = 'fanlog';
  page.replaceChildren(
    signInView(api, (signedIn) => {
      saveSignedIn(signedIn);
      // The address of a conversation of whoever was here before is none of theirs.
      history.replaceState(null, '', location.pathname);
      void openChat(signedIn);
    }),
  );
}

async function openChat(signedIn: SignedIn): Promise<void> {
  const device = await claimDevice(signedIn.user);
  const chat = new ChatPage(signedIn, device, () => {
    forgetSignedIn(signedIn);
    history.replaceState(null, '', location.pathname);
    askToSignIn();
  });
  page.replaceChildren(chat.element);
  chat.start();
}

const signedIn = loadSignedIn(location.hash === NEW_ACCOUNT_HASH, browserRuntime.now());
if (signedIn === null) askToSignIn();
else void openChat(signedIn);
