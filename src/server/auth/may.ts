import { type Role, roles } from '../../api/index.ts';

/** Each role may do what the ones before it may; `push` may only hand in metrics, which operators may too. */
export function mayAct(role: Role, needed: Role): boolean {
  const held = role === 'push' ? (needed === 'push' ? 'operator' : 'public') : role;
  const wanted = needed === 'push' ? 'operator' : needed;
  return roles.indexOf(held) >= roles.indexOf(wanted);
}
