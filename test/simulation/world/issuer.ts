// Creates groups and changes their members, through the real gateway of the api: every command with an id of its own,
// repeated under the same id when nobody said how it ended.
import { v7 } from 'uuid';
import type { CommandGateway, CommandToSubmit } from '../../../services/api/command-gateway.ts';
import { groupIdOf } from '../../../services/api/group-id.ts';
import { WORLD } from '../kernel/scheduler.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import type { World } from './world.ts';

const ATTEMPTS_MAX = 6;

export class Issuer {
  readonly #world: World;
  #gateway: CommandGateway | null = null;
  #process: SimProcess | null = null;
  readonly #submitted: CommandToSubmit[] = [];
  /** Commands without an outcome yet. */
  open = 0;
  readonly groups: string[] = [];
  /** Who may be a member: what was asked for, not what was decided. */
  readonly roster = new Map<string, Set<string>>();
  readonly #creators = new Map<string, string>();

  constructor(world: World) {
    this.#world = world;
  }

  onApi(gateway: CommandGateway, process: SimProcess): void {
    this.#gateway = gateway;
    this.#process = process;
  }

  create(creator: string, members: readonly string[], memberLimit: number): void {
    const commandId = this.#commandId();
    const conversationId = groupIdOf(creator, commandId);
    this.groups.push(conversationId);
    this.roster.set(conversationId, new Set([creator, ...members]));
    this.#creators.set(conversationId, creator);
    const title = `group ${this.groups.length}`;
    this.submit({
      type: 'CreateConversation',
      conversationId,
      sender: creator,
      commandId,
      title,
      memberLimit,
      members,
    });
  }

  /** One change of one group, likely but not surely allowed. */
  change(): void {
    const { random } = this.#world.scheduler;
    const { users } = this.#world;
    if (this.#submitted.length > 0 && random.chance(0.12)) {
      // The same command again, much later: it must not be decided twice.
      this.submit(random.pick(this.#submitted));
      return;
    }
    // The newest most often: it is the one that nothing has spoilt.
    const conversationId = random.chance(0.3) ? this.groups.at(-1)! : random.pick(this.groups);
    const commandId = this.#commandId();
    const sender = random.chance(0.8) ? this.#world.ownerOf(conversationId) : random.pick(users);
    const x = random.next();
    if (x < 0.45) {
      const members = random.shuffle(users).slice(0, 1 + random.below(3));
      this.submit({ type: 'AddMembers', conversationId, sender, commandId, members });
    } else if (x < 0.85) {
      this.submit({ type: 'RemoveMember', conversationId, sender, commandId, member: random.pick(users) });
    } else {
      const leaver = random.chance(0.7) ? random.pick(users) : sender;
      this.submit({ type: 'LeaveConversation', conversationId, sender: leaver, commandId });
    }
  }

  creatorOf(conversationId: string): string {
    return this.#creators.get(conversationId) ?? this.#world.users[0]!;
  }

  submit(command: CommandToSubmit): void {
    this.#submitted.push(command);
    this.open++;
    this.#attempt(command, 1);
  }

  #attempt(command: CommandToSubmit, attempt: number): void {
    const { scheduler } = this.#world;
    let ended = false;
    const end = () => {
      ended = true;
      this.open--;
    };
    const again = () => {
      if (ended) return;
      if (attempt >= ATTEMPTS_MAX) return end();
      ended = true;
      this.#attempt(command, attempt + 1);
    };
    const gateway = this.#gateway;
    const process = this.#process;
    if (gateway === null || process === null || process.state !== 'running') {
      scheduler.schedule(scheduler.random.between(200, 1_000), WORLD, 'issue.later', again);
      return;
    }
    process.later(scheduler.latency_ms(), 'issue', () => {
      void gateway.submit(command).then((outcome) => {
        if (ended) return;
        if ('code' in outcome && !('result' in outcome)) return again();
        if (outcome.result === 'sequenced') this.#believe(command);
        this.#world.observations.onApiOutcome(command, outcome);
        end();
      });
    });
    // The api may die under it: whoever asked asks again.
    scheduler.schedule(15_000, WORLD, 'issue.again', again);
  }

  #believe(command: CommandToSubmit): void {
    const members = this.roster.get(command.conversationId);
    if (command.type === 'AddMembers') for (const user of command.members) members?.add(user);
    if (command.type === 'RemoveMember') members?.delete(command.member);
    if (command.type !== 'LeaveConversation') return;
    members?.delete(command.sender);
    const [successor] = members ?? [];
    if (successor !== undefined && this.creatorOf(command.conversationId) === command.sender)
      this.#creators.set(command.conversationId, successor);
  }

  #commandId(): string {
    const runtime = this.#process?.runtime ?? this.#world.runtime;
    return v7({ msecs: runtime.now(), random: runtime.randomBytes(16) });
  }
}
