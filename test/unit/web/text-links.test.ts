import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textParts } from '../../../services/web/text-links.ts';

const linksIn = (text: string) => textParts(text).flatMap((part) => (part.href === null ? [] : part.text));

test('http and https addresses are links, and the rest stays as it was written', () => {
  assert.deepEqual(textParts('See https://example.org/a?b=c#d and\nHTTP://EXAMPLE.org now'), [
    { text: 'See ', href: null },
    { text: 'https://example.org/a?b=c#d', href: 'https://example.org/a?b=c#d' },
    { text: ' and\n', href: null },
    { text: 'HTTP://EXAMPLE.org', href: 'http://example.org/' },
    { text: ' now', href: null },
  ]);
  assert.deepEqual(textParts('no link'), [{ text: 'no link', href: null }]);
  assert.deepEqual(textParts(''), []);
});

test('nothing but http and https is ever a link', () => {
  const texts = ['javascript:alert(1)', 'JavaScript://x%0aalert(1)', 'data:text/html,<b>', 'file:///etc/passwd'];
  for (const text of [
    ...texts,
    'vbscript:x',
    'ftp://a.example',
    'www.example.org',
    'https://',
    'http:///',
    'xhttps://a.b',
  ])
    assert.deepEqual(linksIn(text), [], text);
  for (const { href } of textParts('javascript:https://a.example/ "https://b.example" <https://c.example>'))
    assert.ok(href === null || /^https:\/\/[abc]\.example\/$/.test(href), String(href));
});

test('punctuation after an address is kept out, brackets that belong to it are kept', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['https://a.example/x.', 'https://a.example/x'],
    ['https://a.example/x?!…', 'https://a.example/x'],
    ['(https://a.example/x).', 'https://a.example/x'],
    ['(see https://a.example/x_(y))', 'https://a.example/x_(y)'],
    ['[https://a.example/]', 'https://a.example/'],
    ['"https://a.example/", he wrote', 'https://a.example/'],
    ["it's 'https://a.example/x';", 'https://a.example/x'],
    ['<https://a.example/x>', 'https://a.example/x'],
    ['**https://a.example/x**', 'https://a.example/x'],
    ['見て「https://a.example/x」。', 'https://a.example/x'],
    ['https://a.example/日本', 'https://a.example/日本'],
  ];
  for (const [text, link] of cases) {
    assert.deepEqual(linksIn(text), [link], text);
    const whole = textParts(text).map((part) => part.text);
    assert.equal(whole.join(''), text);
  }
});

test('an address that hides where it goes is no link', () => {
  assert.deepEqual(linksIn('https://bank.example@evil.example/'), []);
  assert.deepEqual(linksIn('https://bank.example:x@evil.example/'), []);
  assert.deepEqual(linksIn('https://a.example/\u202egpj.exe'), ['https://a.example/']);
});

test('a long text with nothing but brackets and dots takes no time', () => {
  const before = process.cpuUsage();
  textParts(`https://a.example/${')'.repeat(60_000)}${'https://'.repeat(5_000)}`);
  // Of a processor, not of the clock: the machine may be busy. Tried backwards from every bracket, it would be minutes.
  assert.ok(process.cpuUsage(before).user < 1_000_000);
});
