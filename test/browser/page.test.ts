// The page in a real browser against a real server. Screenshots are kept, in the folder that is printed: look at them.
import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { directConversationId } from '../../services/events/ids.ts';
import { ChatTab } from './chat-tab.ts';
import { launchBrowser } from './launch-browser.ts';
import { PageServer } from './page-server.ts';

const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 800 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};

describe('the page', () => {
  let server: PageServer;
  let browser: Browser;
  let screenshots: string;
  const tabs: ChatTab[] = [];

  const open = async (options?: BrowserContextOptions) => keep(await ChatTab.open(browser, server.url, options));
  const openBeside = async (tab: ChatTab) => keep(await ChatTab.openIn(tab.context, server.url));
  const shoot = (tab: ChatTab, name: string) =>
    tab.page.screenshot({ path: join(screenshots, `${name}.png`), animations: 'disabled' });
  const tokenOf = async (user: 'alice' | 'bob') => {
    const body = { user, password: `${user}-demo` };
    return (await server.call<{ token: string }>('POST', '/v1/sessions', body)).token;
  };
  function keep(tab: ChatTab): ChatTab {
    tabs.push(tab);
    return tab;
  }

  before(async () => {
    screenshots = await mkdtemp(join(tmpdir(), 'fanlog-screenshots-'));
    console.log(`screenshots: ${screenshots}`);
    browser = await launchBrowser().catch((error: unknown) => {
      throw new Error(`no browser could be started, so the page is not tested: ${String(error)}`);
    });
    server = await PageServer.start();
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  afterEach(async () => {
    const opened = tabs.splice(0);
    for (const { context } of opened) await context.close();
    for (const tab of opened) tab.assertNoErrors();
  });

  test('what one writes appears at the other, the answer too, and both in a second tab of the writer', async () => {
    const [alice, bob] = [await open(), await open()];
    await shoot(alice, 'sign-in');
    await alice.signInAsDemo('alice');
    await bob.signInAsDemo('bob');
    const second = await openBeside(alice);
    await second.live();
    for (const tab of [alice, bob]) await tab.choose('Welcome');
    await alice.write('Good morning, bob');
    await bob.shows(['Good morning, bob']);
    await bob.page.fill('[name=message]', 'Good morning');
    await bob.page.press('[name=message]', 'Shift+Enter');
    await bob.page.keyboard.type('alice');
    await bob.page.keyboard.press('Enter');
    await alice.shows(['Good morning, bob', 'Good morning\nalice']);
    // The second tab has not looked yet; what the user wrote there or here counts as read, the answer does not.
    const row = second.page.locator('.conversation', { hasText: 'Welcome' });
    await row.locator('.preview', { hasText: 'bob: Good morning alice' }).waitFor();
    await second.choose('Welcome');
    await second.shows(['Good morning, bob', 'Good morning\nalice']);
    // One tick on one's own that says what it means, none on those of others.
    const marks = alice.page.locator('.message.mine .mark');
    assert.match((await marks.last().getAttribute('aria-label')) ?? '', /^In the log \(not .* read\)$/);
    assert.equal(await marks.last().getAttribute('title'), await marks.last().getAttribute('aria-label'));
    assert.equal(await marks.last().locator('path').count(), 1);
    assert.equal(await alice.page.locator('.message.theirs .mark').count(), 0);
    await shoot(alice, 'chat');
  });

  test('older messages come in while scrolling up, and what is being read stays where it is', async () => {
    const [carol, dmitri] = [await server.register('carol'), await server.register('dmitri')];
    const id = directConversationId('carol', 'dmitri');
    const all = Array.from({ length: 170 }, (_, index) => `Message ${index + 1}`);
    for (const [index, text] of all.entries()) await server.say(index % 3 === 0 ? carol : dmitri, id, text);
    const tab = await open();
    await tab.signIn('carol');
    // A reload begins with nothing but the history: entries of the inbox below the cursor do not come again.
    await tab.page.reload();
    await tab.live();
    await tab.choose('dmitri');
    await tab.shows(all.slice(-10));
    const firstCount = (await tab.texts()).length;
    assert.ok(firstCount < all.length, `everything was loaded at once: ${firstCount}`);
    for (let count = firstCount; count < all.length; count = (await tab.texts()).length) {
      const jump_px = await tab.page.evaluate(scrollUpAndMeasure);
      assert.ok(Math.abs(jump_px) <= 2, `the line that was read jumped by ${jump_px} px`);
      const texts = await tab.texts();
      assert.deepEqual(texts, all.slice(-texts.length));
    }
    await tab.page.locator('.top-of-chat', { hasText: 'This is where it begins.' }).waitFor();
    // Somebody writes meanwhile: the place does not move, a pill tells of it and leads there.
    await server.say(dmitri, id, 'Message 171');
    const pill = tab.page.locator('.pill', { hasText: '1 new message' });
    await pill.waitFor();
    await shoot(tab, 'scrolled-back');
    // What comes on the way does not stop it halfway.
    await pill.click();
    await server.say(dmitri, id, 'Message 172');
    await tab.page.locator('.pill').waitFor({ state: 'hidden' });
    await tab.shows([...all, 'Message 171', 'Message 172']);
    await tab.page.waitForFunction(isAtBottom);
  });

  test('a killed server that comes back loses no message, doubles none and keeps their order in every tab', async () => {
    const erin = await server.register('erin');
    const frank = await server.register('frank');
    await server.makeGroup(erin, 'Outage', ['frank']);
    const [writer, reader] = [await open(), await open({ colorScheme: 'dark' })];
    await writer.signIn('erin');
    await reader.signIn('frank');
    const second = await openBeside(writer);
    await second.live();
    const everyone = [writer, second, reader];
    for (const tab of everyone) await tab.choose('Outage');
    const expected = Array.from({ length: 12 }, (_, index) => `Number ${index + 1}`);
    await writer.write(...expected.slice(0, 2));
    await reader.shows(expected.slice(0, 2));
    // Killed while these are on their way.
    await Promise.all([writer.write(...expected.slice(2, 5)), server.kill()]);
    await writer.write(...expected.slice(5, 9));
    const banner = writer.page.locator('.banner', { hasText: /No connection\. Trying again in \d+ s\./ });
    await banner.waitFor();
    await banner.evaluate(async (element) => Promise.all(element.getAnimations().map((one) => one.finished)));
    const queued = writer.page.locator('.message[data-state=queued]').last();
    await queued.waitFor();
    await queued.locator('[aria-label="Waiting to be sent"]').waitFor();
    await shoot(writer, 'no-connection');
    await server.restart();
    await writer.write(...expected.slice(9));
    for (const tab of everyone) {
      await tab.live();
      await tab.shows(expected);
      assert.deepEqual(await tab.texts(), expected);
      await tab.page.locator('.banner').waitFor({ state: 'hidden' });
    }
    await server.say(frank, await conversationOf(reader), 'All of it is here');
    for (const tab of everyone) await tab.shows([...expected, 'All of it is here']);
    await shoot(reader, 'after-restart-dark');
  });

  test('markup in a message, a title or a name shows as text', async () => {
    const name = '<b>gina</b>';
    const gina = await server.register(name);
    const title = '<img src=x onerror="document.title=1">';
    const id = await server.makeGroup(gina, title, ['bob']);
    const texts = ['<img src=x onerror="document.title=1"><script>document.title=1</script>', '&lt;b&gt; & </div>'];
    for (const text of texts) await server.say(gina, id, text);
    await server.say(gina, id, '<svg onload="document.title=1">', 'text/html');
    const bob = await open();
    await bob.signInAsDemo('bob');
    await bob.choose(title);
    await bob.shows([...texts, 'Unsupported (text/html)']);
    assert.equal(await bob.page.locator('.sender').first().textContent(), name);
    assert.equal(await bob.page.locator('#page img[src=x], #page script, #page b').count(), 0);
    assert.notEqual(await bob.page.title(), '1');
  });

  test('addresses in a message are links that take nothing along, and only those of the web', async () => {
    const lena = await server.register('lena-links');
    const id = await server.makeGroup(lena, 'Links', ['bob']);
    const texts = [
      'Read https://example.org/a_(b)?c=<d> (or http://example.org/x).',
      'javascript:document.title=1 javascript://https//x data:text/html,x',
      'https://example.org/"onclick="document.title=1',
    ];
    for (const text of texts) await server.say(lena, id, text);
    await server.say(lena, id, 'https://example.org/', 'text/html');
    const bob = await open();
    await bob.signInAsDemo('bob');
    await bob.choose('Links');
    await bob.shows([...texts, 'Unsupported (text/html)']);
    await bob.write('https://example.org/mine');
    await bob.shows(['https://example.org/mine']);
    const links = await bob.page.locator('.message a').evaluateAll((found) => {
      return found.map((link) => link.getAttributeNames().map((name) => `${name}=${link.getAttribute(name)}`));
    });
    const addresses = ['a_(b)?c=', 'x', '', 'mine'].map((path) => `example.org/${path}`);
    assert.deepEqual(
      links,
      addresses.map((address, index) => {
        return [`href=http${index === 1 ? '' : 's'}://${address}`, 'target=_blank', 'rel=noopener noreferrer'];
      }),
    );
    await shoot(bob, 'links');
  });

  test('somebody who comes back, types, or has a network again does not wait for the next attempt', async () => {
    const olga = await server.register('olga');
    await server.makeGroup(olga, 'Impatient', ['bob']);
    const tab = await open();
    // The longest pauses there are: 0.25 s, and twice that after each attempt.
    await tab.page.addInitScript('Math.random = () => 0.999');
    await tab.page.reload();
    await tab.signIn('olga');
    await tab.choose('Impatient');
    await server.kill();
    const comeBack = () => tab.page.evaluate(() => void window.dispatchEvent(new Event('focus')));
    const type = () => tab.page.locator('[name=message]').pressSequentially('x');
    const goOnline = () => tab.page.evaluate(() => void window.dispatchEvent(new Event('online')));
    let attempts = 0;
    tab.page.on('websocket', () => attempts++);
    tab.page.on('request', (request) => {
      if (new URL(request.url()).pathname === '/v1/edges') attempts++;
    });
    for (const act of [comeBack, type, goOnline]) {
      // A long pause, of which enough is left after the two seconds that typing keeps between two attempts.
      await tab.page.locator('.banner', { hasText: /again in ([4-9]|\d\d) s/ }).waitFor();
      await new Promise((resolve) => setTimeout(resolve, 2_100));
      const before = attempts;
      await act();
      const isTried = await eventually(() => attempts > before, 1_000);
      assert.ok(isTried, `no attempt after ${act.name}`);
    }
    await server.restart();
    await goOnline();
    await tab.page.waitForSelector('html[data-connection=live]', { state: 'attached', timeout: 3_000 });
  });

  test('a group is made, grows, shrinks and is left, and says so in quiet lines', async () => {
    const alice = await open();
    await alice.signInAsDemo('alice');
    const { page } = alice;
    await page.click('[aria-label="New conversation"]');
    // An example must not look like a value, and nobody need be there already.
    assert.equal(await page.getAttribute('[name=peer]', 'placeholder'), 'e.g. bob');
    await page.locator('form[name=new-direct] small', { hasText: 'need not exist yet' }).waitFor();
    await shoot(alice, 'new-direct');
    await page.click('.segments >> text=Group');
    await page.fill('[name=title]', 'Weekend hike');
    await page.fill('[name=members]', 'bob, heidi');
    await shoot(alice, 'new-group');
    await page.click('form[name=new-group] button[type=submit]');
    await page.locator('.line', { hasText: 'You made this group with bob and heidi' }).waitFor();
    await page.click('[aria-label=Members]');
    await page.fill('[name=add]', 'ivan, judy');
    await page.click('form[name=add-members] button[type=submit]');
    await page.locator('[data-member=judy]').waitFor();
    await page.click('[aria-label="Remove heidi"]');
    await page.locator('[data-member=heidi]').waitFor({ state: 'detached' });
    await shoot(alice, 'members');
    await page.click('text=Leave the group');
    await page.click('text=Really leave?');
    await page.locator('.no-member').waitFor();
    const lines = await page.locator('.line').allTextContents();
    assert.deepEqual(lines.slice(1), [
      'You added ivan and judy',
      'You removed heidi',
      'You left, bob is the owner now',
    ]);
    assert.equal(await page.locator('form[name=composer]').isVisible(), false);
  });

  test('a refused message says why, and can be sent again or deleted', async () => {
    const kimberly = await server.register('kimberly');
    const id = await server.makeGroup(kimberly, 'Short stay', ['alice']);
    const alice = await open();
    await alice.signInAsDemo('alice');
    await alice.choose('Short stay');
    await alice.page.fill('[name=message]', 'Too late');
    // The page learns of the removal only after it sent: its own connection is held back.
    await alice.context.setOffline(true);
    await server.call('DELETE', `/v1/conversations/${encodeURIComponent(id)}/members/alice`, undefined, kimberly);
    await alice.page.press('[name=message]', 'Enter');
    await alice.context.setOffline(false);
    const refused = alice.page.locator('.message[data-state=rejected]');
    await refused.waitFor({ timeout: 60_000 });
    await refused.locator('text=not a member').waitFor();
    await shoot(alice, 'refused');
    await refused.locator('text=Send again').click();
    await alice.page.locator('.message[data-state=rejected] >> text=Delete').click();
    await refused.waitFor({ state: 'detached' });
  });

  test('a reload stays signed in and where it was, and a copy of a tab is a device of its own', async () => {
    const alice = await open();
    await alice.signInAsDemo('alice');
    await alice.choose('Welcome');
    await alice.page.reload();
    await alice.live();
    await alice.page.locator('.chat h2', { hasText: 'Welcome' }).waitFor();
    const opening = alice.context.waitForEvent('page');
    // A tab that a page opens begins with a copy of its sessionStorage, as a duplicated one does.
    await alice.page.evaluate(() => void window.open(location.href));
    const copy = keep(new ChatTab(await opening));
    await copy.live();
    await alice.write('One of two');
    await copy.shows(['One of two']);
    await copy.write('Two of two');
    for (const tab of [alice, copy]) {
      await tab.shows(['One of two', 'Two of two']);
      assert.equal(await tab.page.locator('[data-dialog]').count(), 0);
    }
  });

  test('a session that the server does not know any more asks for the password and goes on', async () => {
    const alice = await open();
    await alice.signInAsDemo('alice');
    await alice.page.evaluate(() => {
      const text = sessionStorage.getItem('fanlog/session') ?? '';
      const session = JSON.parse(text) as { token: string };
      sessionStorage.setItem('fanlog/session', JSON.stringify({ ...session, token: `${session.token}x` }));
    });
    await alice.page.reload();
    const dialog = alice.page.locator('[data-dialog=sign-in-again]');
    await dialog.waitFor();
    await shoot(alice, 'sign-in-again');
    await dialog.locator('[name=password]').fill('wrong');
    await dialog.locator('button[type=submit]').click();
    await dialog.locator('.problem', { hasText: 'wrong' }).waitFor();
    await dialog.locator('[name=password]').fill('alice-demo');
    await dialog.locator('button[type=submit]').click();
    await dialog.waitFor({ state: 'detached' });
    await alice.live();
    await alice.choose('Welcome');
    await alice.write('Here again');
    await alice.shows(['Here again']);
    // Refused requests are what this test is about.
    for (const error of alice.errors.splice(0)) assert.match(error, /401/);
  });

  test('who signs out sees nothing of the chats any more, and can register as somebody else', async () => {
    const tab = await open();
    await tab.signInAsDemo('alice');
    await tab.page.click('[aria-label="Sign out"]');
    await tab.page.locator('.card').waitFor();
    assert.equal(await tab.page.locator('.conversation').count(), 0);
    await tab.page.reload();
    await tab.page.click('text=Make an account');
    await tab.page.fill('[name=user]', 'lena');
    await tab.page.fill('[name=password]', 'a long password');
    await tab.page.click('form[name=register] button[type=submit]');
    await tab.live();
    await tab.page.locator('.empty-list', { hasText: 'No conversations yet' }).waitFor();
    await tab.page.click('[aria-label="New conversation"]');
    await tab.page.fill('[name=peer]', 'alice');
    await tab.page.click('form[name=new-direct] button[type=submit]');
    await tab.write('Hello alice');
    await tab.shows(['Hello alice']);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`it fits a phone, list and chat apart, in ${colorScheme} colours`, async () => {
      const id = await server.makeGroup(await tokenOf('alice'), `Reading group (${colorScheme})`, ['bob']);
      const lines = ['Chapter three next?', `${'A rather long word: '.repeat(8)}${'x'.repeat(60)}`, 'Fine with me'];
      for (const line of lines) await server.say(await tokenOf('alice'), id, line);
      const bob = await open({ ...PHONE, colorScheme });
      await shoot(bob, `phone-sign-in-${colorScheme}`);
      await bob.signInAsDemo('bob');
      await bob.page.locator('.unread').first().waitFor();
      await shoot(bob, `phone-list-${colorScheme}`);
      await bob.choose(`Reading group (${colorScheme})`);
      await bob.shows(lines);
      await bob.write('Chapter three it is');
      await bob.shows([...lines, 'Chapter three it is']);
      await shoot(bob, `phone-chat-${colorScheme}`);
      const overflow_px = await bob.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(overflow_px <= 0, `it is ${overflow_px} px too wide`);
      await bob.page.click('.back');
      await bob.page.locator('.conversations').waitFor();
      assert.equal(await bob.page.locator('.chat').count(), 0);
    });
  }
});

async function eventually(isTrue: () => boolean, within_ms: number): Promise<boolean> {
  const end_ms = performance.now() + within_ms;
  while (!isTrue() && performance.now() < end_ms) await new Promise((resolve) => setTimeout(resolve, 20));
  return isTrue();
}

async function conversationOf(tab: ChatTab): Promise<string> {
  return (await tab.page.locator('[data-chat]').getAttribute('data-chat')) ?? '';
}

/**
 * In the page: scrolls near to the top and tells how far the topmost message moved when older ones came in. Without inner
 * functions that have a name: the compiler would add to them what the page does not have.
 */
async function scrollUpAndMeasure(): Promise<number> {
  const scroller = document.querySelector('.messages') as HTMLElement;
  const rows = document.getElementsByClassName('message');
  const before = rows.length;
  scroller.scrollTop = Math.min(scroller.scrollTop, 300);
  const edge = scroller.getBoundingClientRect().top;
  const read = [...rows].find((row) => row.getBoundingClientRect().top > edge);
  const text = read?.querySelector('.text')?.textContent;
  const top = read?.getBoundingClientRect().top ?? 0;
  while (rows.length === before) await new Promise((resolve) => requestAnimationFrame(resolve));
  const moved = [...rows].find((row) => row.querySelector('.text')?.textContent === text);
  return (moved?.getBoundingClientRect().top ?? Number.POSITIVE_INFINITY) - top;
}

/** In the page. */
function isAtBottom(): boolean {
  const { scrollHeight, scrollTop, clientHeight } = document.querySelector('.messages')!;
  return scrollHeight - scrollTop - clientHeight < 40;
}
