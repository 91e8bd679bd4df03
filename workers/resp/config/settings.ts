import type { Server } from '../clients/server.ts';
import { parameterOf } from './catalogue.ts';

/** What a parameter is set to that nothing but the parameter itself knows of: as it was set, else as it is at first. */
export function setting(server: Server, name: string): string {
  return server.changed(name) ?? server.host.settings.get(name) ?? parameterOf(name)!.initial;
}

/** The same for a number. */
export function numberSetting(server: Server, name: string): number {
  return Number(setting(server, name));
}
