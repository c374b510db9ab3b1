// What was wrong with an input, for the person who wrote it: `password: must have at least 8 characters. Correct it and send
// again.` It names the field and the rule, never the value.
import { limits } from '../kernel/limits.ts';
import { digits, type FormatName } from './request-schemas.ts';

/** What ajv tells of a mistake. */
interface Mistake {
  readonly keyword: string;
  /** `/members/3`; empty: the input itself. */
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
}

const FIELD_CHARACTERS_MAX = 40;
const ADVICE = 'Correct it and send again.';

export const formatTexts: Readonly<Record<FormatName, string>> = {
  'fanlog-user': `must be 1 to ${limits.user_id_bytes_max} bytes of UTF-8 without control characters`,
  'fanlog-conversation': 'must be the id of a conversation, as g:… or d:…',
  'fanlog-command': 'must be a UUIDv7 in lower case',
  'fanlog-title': `must be 1 to ${limits.title_bytes_max} bytes of UTF-8 without control characters`,
  'fanlog-content-type': `must be 1 to ${limits.content_type_bytes_max} bytes of UTF-8 without control characters`,
  'fanlog-payload': 'must be well-formed text, without half a surrogate pair',
};

const typeTexts: Readonly<Record<string, string>> = {
  string: 'must be a string',
  integer: 'must be a whole number',
  array: 'must be an array',
  object: 'must be a JSON object',
};

/** `place`: which part of the request was looked at, as `body`. */
export function validationText(place: string, mistake: Mistake): string {
  return sentence(fieldOf(place, mistake), ruleOf(mistake));
}

export function sentence(field: string, rule: string): string {
  return `${field}: ${rule}. ${ADVICE}`;
}

function fieldOf(place: string, { instancePath, keyword, params }: Mistake): string {
  const names = instancePath.split('/').slice(1);
  if (keyword === 'required') names.push(String(params.missingProperty));
  if (keyword === 'additionalProperties') names.push(String(params.additionalProperty).slice(0, FIELD_CHARACTERS_MAX));
  if (keyword === 'discriminator') names.push(String(params.tag));
  if (names.length === 0) return place === 'querystring' ? 'query' : place;
  return names.reduce((path, name) => (/^\d+$/.test(name) ? `${path}[${name}]` : `${path}.${name}`));
}

function ruleOf({ keyword, params }: Mistake): string {
  const { limit } = params;
  switch (keyword) {
    case 'required':
      return 'is missing';
    case 'additionalProperties':
      return 'is no field of this request';
    case 'type':
      return typeTexts[String(params.type)] ?? 'is of the wrong type';
    case 'format':
      return formatTexts[params.format as FormatName] ?? 'is not of the right form';
    case 'pattern':
      return params.pattern === digits.pattern ? digits.description : 'is not of the right form';
    case 'discriminator':
      return 'must be group or direct';
    case 'minLength':
      return `must have at least ${limit} characters`;
    case 'maxLength':
      return `must have at most ${limit} characters`;
    case 'minItems':
      return `must hold at least ${limit === 1 ? 'one entry' : `${limit} entries`}`;
    case 'maxItems':
      return `must hold at most ${limit} entries`;
    case 'minimum':
      return `must be at least ${limit}`;
    case 'maximum':
      return `must be at most ${limit}`;
    default:
      return 'is not right';
  }
}
