import { type Role, roles } from '../../api/index.ts';

/** Each role may do what the ones before it may. */
export function mayAct(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}
