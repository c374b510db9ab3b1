// The door of the api stage.
export { ApiNode, type ApiNodeOptions } from './api-node.ts';
export { ApplicationUsers } from './application-users.ts';
export { CommandGateway, type CommandToSubmit } from './command-gateway.ts';
export { newCommandId } from './command-id.ts';
export { groupIdOf } from './group-id.ts';
