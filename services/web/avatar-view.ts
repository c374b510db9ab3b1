// The round mark of a user or a group.
import { hueOf, initialsOf } from './avatar.ts';
import { h } from './dom.ts';

export function avatarView(
  name: string,
  kind: 'user' | 'group' = 'user',
  size: 'small' | 'normal' | 'large' = 'normal',
) {
  const element = h('span', { class: `avatar ${kind} ${size}`, 'aria-hidden': 'true' }, initialsOf(name));
  element.style.setProperty('--hue', String(hueOf(name)));
  return element;
}
